"""``sfbridge run``: connectors in this process, until stopped, or until a goal is reached."""

from __future__ import annotations

import argparse
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.cli.arguments import add_log_options, positive, seconds
from bridge.cli.output import fail, late_message
from bridge.cli.signals import leave, stopped_by_signals
from bridge.cli.status import AboveStatus, Status
from bridge.cli.terminal import rewrites

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.config import Loaded
    from bridge.pipeline.connector import Connector

LEASE_SECONDS = 5.0  # for giving leases back at the end

HELP = "Run connectors in this process until stopped."
EXAMPLE = "sfbridge run connector.json --worker worker.properties"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments, as promised in the documentation."""
    parser.add_argument("connectors", nargs="+", type=Path, metavar="CONNECTOR", help="connector file")
    parser.add_argument("--worker", type=Path, metavar="W", help="worker.properties")
    parser.add_argument("--max-events", type=positive, metavar="N", help="end when N records are committed")
    parser.add_argument(
        "--until-idle", type=seconds, metavar="SECONDS", help="end when nothing came for so long"
    )
    add_log_options(parser)
    parser.add_argument(
        "--listen",
        metavar="ADDRESS",
        help="answer REST (and the console) for these connectors: PORT, HOST:PORT or http://HOST:PORT",
    )
    parser.add_argument("--metrics-port", type=int, metavar="PORT", help="serve /metrics on 127.0.0.1:PORT")


def run(args: argparse.Namespace) -> int:
    """Exit code 0 after a drain or a reached goal, 1 when a connector failed."""
    connectors: list[Connector] = []

    def drain() -> None:
        for connector in list(connectors):
            connector.stop()

    ending = stopped_by_signals(drain)
    from bridge import log
    from bridge.telemetry import exported

    interactive = rewrites(sys.stdout) and args.log_format == "text"
    log.configure(args.log_format, args.log_level, AboveStatus(sys.stderr) if interactive else None)  # type: ignore[arg-type]
    with exported():
        return _run(args, connectors, ending, interactive=interactive)


def _run(
    args: argparse.Namespace, connectors: list[Connector], ending: threading.Event, *, interactive: bool
) -> int:
    from bridge import log
    from bridge.inspection.configuration import load
    from bridge.kafka.service_account import kept
    from bridge.metrics import serve
    from bridge.pipeline.attempt import Goal
    from bridge.pipeline.connector import Connector
    from bridge.worker.here import Shown
    from bridge.worker.lease import Leased
    from bridge.worker.telling import told

    every = [load(path, args.worker) for path in args.connectors]
    _refuse_twice(args.connectors, every)
    goal = Goal(max_events=args.max_events, until_idle=args.until_idle)
    if ending.is_set():
        return 0
    for loaded in every:
        log.register_secrets(loaded.secrets())
        for notice in loaded.notices:
            log.for_connector(loaded.connector.name).info("%s", notice)
    if args.listen is not None:
        from bridge.cli.run_listening import run_listening

        return run_listening(args, every, goal, ending, interactive=interactive)
    connectors += [Connector(loaded, goal) for loaded in every]
    if args.metrics_port is not None:
        serve(args.metrics_port, [connector.stats for connector in connectors])
    leased = [Leased(one, connector, ending) for one, connector in zip(every, connectors, strict=True)]
    for lease in leased:
        lease.start()
    shown = Shown(lambda: [connector.stats for connector in connectors])
    status = Status(connectors, interactive=interactive)
    with told(every[0].worker, connectors) as look:
        late = _wait(connectors, ending, status, look)
    status.end()
    shown.close()
    until = time.monotonic() + LEASE_SECONDS
    for lease in leased if not late else ():
        lease.join(max(0.0, until - time.monotonic()))
    failed = [connector for connector in connectors if connector.error is not None]
    for connector in failed:
        fail(f"{connector.name}: {connector.error.message if connector.error else ''}")
    for text in [text for loaded in every for text in kept(loaded)]:
        print(f"note: {text}", file=sys.stderr)
    for connector in late:
        fail(late_message(connector.name, connector.shutdown_seconds, connector.unfinished()))
    if late:
        leave(1)
    return 1 if failed else 0


def _refuse_twice(paths: list[Path], every: list[Loaded]) -> None:
    """ConfigurationError where two files are of one connector, which would carry every event twice."""
    from bridge.errors import ConfigurationError, Fault

    origins: dict[str, Path] = {}
    faults = []
    for path, loaded in zip(paths, every, strict=True):
        name = loaded.connector.name
        if name in origins:
            where = f"in {origins[name]} and in {path}" if origins[name] != path else f"twice from {path}"
            faults.append(Fault("name", f"the connector {name} is given {where}: it runs once", name))
        origins.setdefault(name, path)
    if faults:
        raise ConfigurationError(faults)


def _wait(
    connectors: list[Connector], ending: threading.Event, status: Status, look: Callable[[], None]
) -> list[Connector]:
    """Until all have ended, or their time for a shutdown is over: those that have not ended."""
    since = None
    while left := [connector for connector in connectors if not connector.join(0)]:
        status.tick()
        look()
        left[0].join(0.05)
        if ending.is_set():
            since = since or time.monotonic()
            if all(time.monotonic() - since >= connector.shutdown_seconds for connector in left):
                return left
    return []
