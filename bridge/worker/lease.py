"""Who may run a connector by ``sfbridge run``: the owner of the config topic's partition in a group of its own.

A second process stands by in that group and takes over when the first is gone: after ``session.timeout.ms``, or at
once when it is the same host that comes back. A host's processes are told apart by locked files, which the
system unlocks when a process ends, however it ends. That nobody writes twice does not rest on this, but on the
transactional id; the lease spares a running process from being fenced by accident.
"""

from __future__ import annotations

import fcntl
import hashlib
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Protocol

from bridge.config import Loaded
from bridge.errors import BridgeError, Retriable, Stage
from bridge.kafka.cluster import Cluster
from bridge.kafka.service_account import drop_keys, needs_keys, with_keys
from bridge.kafka.settings import admin_settings, consumer_settings
from bridge.log import for_connector
from bridge.worker.groups import lease_group, members
from bridge.worker.here import folder
from bridge.worker.living import worker_of
from bridge.worker.membership import KafkaMembership
from bridge.worker.topics import ensure_state_topic

SLOTS = 64
AGAIN = 5.0  # seconds until a lease that could not be asked for is asked for again


class Lease:
    """One connector's lease, as this process sees it."""

    def __init__(self, loaded: Loaded, stopped: Callable[[], bool]) -> None:
        self._loaded = self._loaded_before = loaded  # … with keys of its own, where it needs some
        self._taken: tuple[IO[Any], int] | None = None
        self._stopped = stopped
        self._log = for_connector(loaded.connector.name)
        self._group = lease_group(loaded.worker["group.id"], loaded.connector.name)
        self._lock: IO[Any] | None = None
        self._membership: KafkaMembership | None = None
        self._failed = threading.Event()
        self._purpose = ""

    def acquire(self) -> None:
        """Wait until this process may run the connector, or is asked to stop.

        Without the rights that a lease needs, one warning says so and the connector may run.
        """
        try:
            if self._join():
                self._wait()
        except Retriable as error:
            if not self._stopped():
                raise
            self._log.info("%s", error.message)
        except BridgeError as error:
            self._log.warning("runs without a lease, so a second process would take over: %s", error.message)

    def release(self) -> None:
        """Leave; whoever stands by on another host takes over after the session timeout."""
        if self._membership is not None:
            self._membership.stop()
        if self._purpose:
            for text in drop_keys(self._loaded_before, self._purpose):
                self._log.warning("%s; the next process of this host deletes it", text)
        if self._lock is not None:
            self._lock.close()

    def _join(self) -> bool:
        """Whether there is a lease to wait for."""
        config = self._loaded.worker
        if needs_keys(self._loaded_before):
            self._lock, slot = self._slot()
            self._purpose = f"lease {socket.gethostname()}-{slot}"
            self._loaded = with_keys(
                self._loaded_before, self._purpose, registry=False, stopped=self._stopped
            )

        def waiting(reason: str) -> None:
            self._log.warning("waiting for Kafka: %s", reason)

        with Cluster(admin_settings(self._loaded), waiting=waiting, stopped=self._stopped) as cluster:
            if cluster.is_mock() or cluster.group_protocol(config["group.id"]) == "connect":
                return False  # what follows refuses it, or has nothing to fear
            topic = ensure_state_topic(cluster, config, "config", self._log.warning)
        self._lock, slot = self._slot()
        self._membership = KafkaMembership(
            consumer_settings(self._loaded),
            admin_settings(self._loaded),
            group=self._group,
            topic=topic,
            worker_id=f"{socket.gethostname()}-{slot}",
            session_ms=config["session.timeout.ms"],
            heartbeat_ms=config["heartbeat.interval.ms"],
            fatal=self._lost,
        )
        self._membership.start()
        return True

    def _slot(self) -> tuple[IO[Any], int]:
        """This process's place among those of the host; taken once."""
        if self._taken is None:
            self._taken = take_slot(self._group)
        return self._taken

    def _lost(self, error: BridgeError) -> None:
        self._log.warning("runs without a lease, so a second process would take over: %s", error.message)
        self._failed.set()

    def _wait(self) -> None:
        assert self._membership is not None
        began, told = time.monotonic(), False
        self._wait_for_worker()
        while not (self._membership.leads() or self._failed.is_set() or self._stopped()):
            if not told and time.monotonic() - began > 1 and self._membership.joined():
                told = True
                self._log.info("another process runs this connector: standing by to take over")
            time.sleep(0.02)
        if told and self._membership.leads():
            self._log.info("the other process is gone: taking over")

    def _wait_for_worker(self) -> None:
        """A worker that is alive and has this connector goes first."""
        told = False
        while not self._stopped():
            owner = worker_of(self._loaded)
            if owner is None:
                return
            if not told:
                told = True
                self._log.info("worker %s runs this connector: standing by to take over", owner)
            time.sleep(1)


def take_slot(group: str) -> tuple[IO[Any], int]:
    """The first free slot of this host in a group, and the open file that holds it."""
    for slot in range(SLOTS):
        file = _slot_file(group, slot).open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
        else:
            return file, slot
    raise Retriable(f"{SLOTS} processes stand by already", stage=Stage.POSITION)


def holder(loaded: Loaded) -> str | None:
    """Who holds the lease right now, in words. A process of this host that has ended holds nothing."""
    group = lease_group(loaded.worker["group.id"], loaded.connector.name)
    here = socket.gethostname()
    for member in members(admin_settings(loaded), group):
        host, _, slot = member.name.rpartition("-")
        if host == here and slot.isdigit() and _is_free(group, int(slot)):
            continue
        return f"{member.name} on {member.host}"
    return None


def _is_free(group: str, slot: int) -> bool:
    with _slot_file(group, slot).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True


def _slot_file(group: str, slot: int) -> Path:
    return folder() / f"{hashlib.sha256(group.encode()).hexdigest()[:16]}-{slot}.lock"


class Runs(Protocol):
    """A connector, as far as its lease must know it."""

    @property
    def name(self) -> str: ...
    def start(self) -> None: ...
    def join(self) -> object: ...


class Leased:
    """Starts a connector when its lease is there, and gives the lease back when it has ended."""

    def __init__(self, loaded: Loaded, connector: Runs, stopped: threading.Event) -> None:
        self._lease = Lease(loaded, stopped.is_set)
        self._loaded, self._stopped = loaded, stopped
        self._connector = connector
        self._thread = threading.Thread(target=self._run, name=f"{loaded.connector.name}-lease", daemon=True)

    def start(self) -> None:
        """Begin to stand by; returns at once."""
        self._thread.start()

    def _run(self) -> None:
        while not self._acquired():
            self._stopped.wait(AGAIN)
        self._connector.start()
        self._connector.join()
        for text in drop_keys(self._loaded):
            for_connector(self._connector.name).warning("%s; the next start deletes it", text)
        self._lease.release()

    def _acquired(self) -> bool:
        """Whether the connector may start, with the lease or without it."""
        try:
            self._lease.acquire()
        except Retriable as error:
            for_connector(self._connector.name).warning("%s", error.message)
            # Making the connector's key deletes that of whoever runs it: not before the lease.
            return self._stopped.is_set() or not needs_keys(self._loaded)
        except BridgeError as error:
            for_connector(self._connector.name).warning("%s", error.message)
        except Exception:  # a lease only spares a process from being fenced
            for_connector(self._connector.name).exception("unexpected error: this is a fault of the bridge")
        return True

    def join(self, timeout: float | None = None) -> bool:
        """Wait until the lease was given back; False after ``timeout`` seconds."""
        self._thread.join(timeout)
        return not self._thread.is_alive()
