"""``sfbridge try``: the sandbox, a sample connector, and its records decoded beside what was published."""

from __future__ import annotations

import argparse
import sys
import threading
import time
from typing import TYPE_CHECKING

from bridge.cli.arguments import positive
from bridge.cli.program import program
from bridge.cli.signals import stopped_by_signals
from bridge.cli.terminal import colours

if TYPE_CHECKING:
    from bridge.sandbox.demo.publisher import Publisher
    from bridge.sandbox.demo.reader import Reader
    from bridge.sandbox.demo.screen import Screen
    from bridge.sandbox.site import Sandbox
    from bridge.worker.hosting import Hosting

HELP = (
    "See it work, on this machine alone: events of a simulated org run through a sample connector into Kafka, and "
    "are shown decoded, an encrypted field beside what the key makes of it."
)
EXAMPLE = "sfbridge try --max-events 20 --format JSON"
_RATE = 1.0  # events a second that a person can follow
_QUICK_RATE = 20.0  # when it is to end by itself


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments, as promised in the documentation."""
    from bridge.config.declarations.formats import NAMES
    from bridge.config.declarations.transports import TRANSPORTS

    parser.add_argument("--max-events", type=positive, metavar="N", help="end by itself after N events")
    parser.add_argument("--format", choices=NAMES, default="AVRO", help="output.data.format (default: AVRO)")
    parser.add_argument(
        "--api",
        choices=list(TRANSPORTS),
        default="streaming",
        help="bridge.salesforce.api (default: streaming)",
    )
    parser.add_argument(
        "--port-base",
        type=int,
        default=0,
        metavar="P",
        help="port of the org, the registry takes the next one, REST and console the second, the Pub/Sub API the "
        "third (default: free ports)",
    )


def run(args: argparse.Namespace) -> int:
    """Exit code 0 after Ctrl-C or the last event; raises the connector's error."""
    stopped = stopped_by_signals()  # before the imports, which take a while
    from bridge import log
    from bridge.cli.run_listening import LOOPBACK, hosted
    from bridge.cli.written import temporary
    from bridge.config.declarations.formats import REGISTRY_TYPES
    from bridge.inspection.configuration import load
    from bridge.sandbox.demo.publisher import Publisher
    from bridge.sandbox.demo.reader import Reader
    from bridge.sandbox.demo.screen import Screen
    from bridge.sandbox.site import Sandbox
    from bridge.worker.hosting import OfFile

    log.configure("text", "WARNING")
    with (
        temporary() as directory,
        Sandbox(directory, port_base=args.port_base, pubsub=args.api == "pubsub") as sandbox,
    ):
        sandbox.write_files(args.format, encrypt=args.format in REGISTRY_TYPES, api=args.api)
        screen = Screen(colour=colours(sys.stdout), program=program())
        loaded = load(sandbox.connector_file, sandbox.worker_file, environ={})
        files = [OfFile.read(sandbox.connector_file, loaded)]
        publisher = Publisher.of(
            sandbox, rate=_QUICK_RATE if args.max_events else _RATE, limit=args.max_events
        )
        reader = Reader.of(sandbox)
        port = args.port_base + 2 if args.port_base else 0
        address = f"http://{LOOPBACK}:{port}"
        with hosted(loaded.worker, address, files, leases=False, option="--port-base") as (service, process):
            screen.opening(sandbox, args.format, service.front())
            try:
                _show(screen, sandbox, process, publisher, reader, args.max_events, stopped)
            finally:
                publisher.stop()
                failures = [one.error for one in process.connectors() if one.error is not None]
        reader.close()
    if failures:
        raise failures[0]
    return 0


def _show(
    screen: Screen,
    sandbox: Sandbox,
    process: Hosting,
    publisher: Publisher,
    reader: Reader,
    limit: int | None,
    stopped: threading.Event,
) -> None:
    """Show records until enough were seen, somebody stops it, or the connector ends."""
    seen = 0
    while not stopped.is_set() and not process.over() and (limit is None or seen < limit):
        if any(connector.state == "RUNNING" for connector in process.connectors()):
            publisher.start()
        read = reader.poll(0.05)
        if read is None:
            continue
        seen += 1
        published = publisher.sent.get(int(read.value["ReplayId"]))
        screen.record(read, published, time.time() - published.at if published else 0)
        if seen == 1 and limit is None:
            screen.meanwhile(sandbox)
    screen.closing(seen)
    if seen == limit:
        screen.next_steps()
