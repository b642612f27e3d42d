"""A connector inside an application."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from attrs import frozen

from bridge import log
from bridge.embed.configuring import Configuration, loaded_of, mask_lines
from bridge.errors import BridgeError, Retriable, Stage
from bridge.pipeline.attempt import Goal
from bridge.pipeline.connector import Connector
from bridge.worker.lease import Leased

_LOOK: Final = 0.02  # seconds between two looks at the counters
_LEASE: Final = 5.0  # seconds for giving the lease back


@frozen
class Status:
    """How a connector is doing."""

    state: str
    """Kafka Connect's word: UNASSIGNED, RUNNING, PAUSED, RESTARTING, STOPPED or FAILED."""
    committed: int
    """Events whose records are committed since it began, dead letters not among them."""
    dead_letters: int
    replay_id: int | None
    """The committed position; None before there is one."""
    error: BridgeError | None
    """Why it is FAILED or RESTARTING."""


class Running:
    """A connector that runs beside the application's own threads. Every method may be called from any thread."""

    def __init__(self, config: Configuration, goal: Goal) -> None:
        """Not public: ``running`` makes it."""
        self._stopping = threading.Event()
        loaded = loaded_of(config)
        self._connector = Connector(loaded, goal)
        self._lease = Leased(loaded, self._connector, self._stopping)
        self.name: Final = config.name
        """The connector's name."""

    @property
    def status(self) -> Status:
        """How it is doing now."""
        connector, stats = self._connector, self._connector.stats
        return Status(
            state=connector.state,
            committed=stats.carried(),
            dead_letters=stats.dead_letters,
            replay_id=stats.last_replay_id if stats.last_replay_id >= 0 else None,
            error=connector.error or (connector.passing if connector.state == "RESTARTING" else None),
        )

    def wait(self, *, events: int | None = None, timeout: float | None = None) -> bool:
        """Wait until so many ``events`` are committed, or without a number until the connector has ended by itself.

        False after ``timeout`` seconds (None: no limit), and where it ended with fewer. Raises the BridgeError with
        which the connector ended.
        """
        ends = None if timeout is None else time.monotonic() + timeout
        while True:
            ended = self._connector.join(_LOOK)
            if ended and self._connector.error is not None:
                raise self._connector.error
            if events is not None and self._connector.stats.carried() >= events:
                return True
            if ended:
                return events is None
            if ends is not None and time.monotonic() >= ends:
                return False

    def pause(self) -> None:
        """Commit what is here, then fetch nothing more; the position stays."""
        self._connector.pause()

    def resume(self) -> None:
        """Go on where it paused."""
        self._connector.resume()

    def _start(self) -> None:
        self._lease.start()

    def _stop(self) -> BridgeError | None:
        """Drain, commit and end; what it ended with."""
        connector = self._connector
        self._stopping.set()
        connector.stop()
        if not connector.join(connector.shutdown_seconds):
            left = connector.unfinished()
            why = f"{self.name} has not ended within {connector.shutdown_seconds:g} s"
            return Retriable(f"{why}; {left}" if left else why, stage=Stage.PRODUCE)
        self._lease.join(_LEASE)
        return connector.error


@contextmanager
def running(
    config: Configuration, *, max_events: int | None = None, until_idle: float | None = None
) -> Iterator[Running]:
    """The connector, running from the beginning of the block to its end, as by ``sfbridge run``: it restarts by itself
    after what may pass, and stands by while another process of the same ``group.id`` runs it.

    ``max_events``: it ends by itself when so many records are committed. ``until_idle``: … when nothing came for so
    many seconds. Installs no signal handler and sets up no logging; lines go to the logger ``bridge``.

    The end of the block drains, commits and waits up to ``bridge.shutdown.timeout.ms``. Then it raises the BridgeError
    with which the connector ended, unless the block itself raised. A connector ends with an error where trying again
    cannot help (Fatal), or where it was stopped and something is not committed (Retriable): that comes again at
    the next start.
    """
    connector = Running(config, Goal(max_events=max_events, until_idle=until_idle))
    mask_lines()
    for notice in config.notices:
        log.for_connector(config.name).info("%s", notice)
    connector._start()
    try:
        yield connector
    except BaseException:
        connector._stop()
        raise
    if (error := connector._stop()) is not None:
        raise error
