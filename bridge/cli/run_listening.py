"""``sfbridge run --listen``: the same run, with the REST API and the console in front of its connectors."""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, cast

from bridge.cli.arguments import blaming
from bridge.cli.output import fail, late_message
from bridge.cli.signals import leave
from bridge.cli.status import Status
from bridge.errors import ConfigurationError, Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bridge.api.build import Service
    from bridge.config import Config, Loaded
    from bridge.pipeline.attempt import Goal
    from bridge.pipeline.connector import Connector
    from bridge.worker.hosting import Hosting, OfFile

LOOPBACK = "127.0.0.1"


def address_of(text: str) -> str:
    """A listener out of ``PORT``, ``HOST:PORT`` or a URL. ConfigurationError for what is none."""
    host, _, port = text.rpartition(":") if "://" not in text else ("", "", "")
    if "://" not in text:
        if not (port.isascii() and port.isdigit()):
            raise ConfigurationError([Fault("--listen", "must be PORT, HOST:PORT or http://HOST:PORT", text)])
        return f"http://{host or LOOPBACK}:{port}"
    return text


def listening(worker: Config, address: str) -> Config:
    """The worker's properties with this listener alone."""
    from bridge.config import Config

    own = {"listeners": [address]}
    return Config(
        {**worker, **own}, {**worker.raw(), "listeners": address}, worker.name, worker.secrets, worker.resolved,
        worker.origin, worker.egress,
    )  # fmt: skip


@contextmanager
def hosted(
    worker: Config,
    address: str,
    every: Sequence[OfFile],
    goal: Goal | None = None,
    *,
    leases: bool = True,
    option: str = "--listen",
) -> Iterator[tuple[Service, Hosting]]:
    """Connectors running, with the API in front of them; the caller stops the service. ``option``: where the address
    comes from. Raises BridgeError."""
    from bridge.api.build import Service
    from bridge.worker.hosting import Hosting

    service = Service(
        listening(worker, address), make=partial(Hosting, every=every, goal=goal, leases=leases)
    )
    try:
        service.start()
    except ConfigurationError as error:
        raise blaming(error, {"listeners": option}) from None
    try:
        yield service, cast(Hosting, service.worker)
    finally:
        service.stop()


def run_listening(
    args: argparse.Namespace, every: list[Loaded], goal: Goal, ending: threading.Event, *, interactive: bool
) -> int:
    """As ``run``: 0 after a drain or a reached goal, 1 when a connector failed."""
    from bridge.kafka.service_account import kept
    from bridge.worker.here import Shown
    from bridge.worker.hosting import OfFile

    files = [OfFile.read(path, loaded) for path, loaded in zip(args.connectors, every, strict=True)]
    with hosted(every[0].worker, address_of(args.listen), files, goal) as (service, process):
        print(f"{' at '.join(service.front())}", flush=True)
        if (warning := service.open_door()) is not None:
            print(warning, flush=True)
        connectors: list[Connector] = []
        shown, status = Shown(process.metrics.everyone), Status(connectors, interactive=interactive)
        while not ending.is_set() and not process.over() and service.failure is None:
            connectors[:] = process.connectors()
            status.tick()
            ending.wait(0.05)
        late = _stopped(service, connectors)
        connectors[:] = process.connectors()
        status.end()
        shown.close()
    failed = [connector for connector in connectors if connector.error is not None]
    for connector in failed:
        fail(f"{connector.name}: {connector.error.message if connector.error else ''}")
    for text in [text for loaded in every for text in kept(loaded)]:
        print(f"note: {text}", file=sys.stderr)
    if late:
        left = service.unfinished()
        for name, text in left:
            fail(f"{name}: {text}")
        if not left:
            fail(late_message("run", late, None))
        leave(1)
    return 1 if failed or service.failure is not None else 0


def _stopped(service: Service, connectors: list[Connector]) -> float | None:
    """Stop everything within the longest time that a connector has; that time, where it was not enough."""
    seconds = max((connector.shutdown_seconds for connector in connectors), default=10.0)
    stopping = threading.Thread(target=service.stop, daemon=True)
    stopping.start()
    until = time.monotonic() + seconds
    stopping.join(max(0.0, until - time.monotonic()))
    return seconds if stopping.is_alive() else None
