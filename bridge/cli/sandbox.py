"""``sfbridge sandbox``: the sandbox's servers alone, to point a connector, or another program, at them."""

from __future__ import annotations

import argparse
import json
import threading
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.cli.output import add_output_option
from bridge.cli.signals import stopped_by_signals

if TYPE_CHECKING:
    from bridge.sandbox.site import Sandbox

HELP = (
    "Only the sandbox's servers: the simulated org on port P (TLS), the registry on P+1 (http), the org's Pub/Sub API "
    "on P+3 (TLS, where grpcio is installed), and Kafka where the line says that is printed when all are up. Ends with "
    "Ctrl-C."
)
EXAMPLE = "sfbridge sandbox --state sandbox --rate 1\n  sfbridge worker --worker sandbox/worker.properties"
DEFAULT_PORT = 8443
PARTS = ("org", "registry", "kafka")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments, as promised in the documentation."""
    parser.add_argument(
        "--port-base",
        type=int,
        default=DEFAULT_PORT,
        metavar="P",
        help=f"port of the org, the others take those after it; 0: any free ports (default: {DEFAULT_PORT})",
    )
    parser.add_argument(
        "--only", type=parts, default=PARTS, metavar="PART,…", help="of org, registry, kafka (default: all)"
    )
    place = parser.add_mutually_exclusive_group()
    place.add_argument(
        "--dir", type=Path, metavar="D", help="for ca.pem and the sample files (default: a temporary one)"
    )
    place.add_argument(
        "--state",
        type=Path,
        metavar="DIR",
        help="keep the org's events, the registry with its keys, and positions in DIR over restarts; the sample files "
        "are there, too",
    )
    parser.add_argument(
        "--rate", type=rate, default=0, metavar="N", help="sample events a second (default: 0)"
    )
    add_output_option(parser)


def parts(text: str) -> tuple[str, ...]:
    """A comma-separated choice of parts."""
    chosen = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    unknown = [part for part in chosen if part not in PARTS]
    if unknown or not chosen:
        raise argparse.ArgumentTypeError(f"choose from {', '.join(PARTS)}, not {text!r}")
    return chosen


def rate(text: str) -> float:
    """Events a second: 0 or more."""
    number = float(text)
    if not 0 <= number <= 100_000:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 100000")
    return number


def run(args: argparse.Namespace) -> int:
    """Exit code 0 after SIGINT or SIGTERM."""
    stopped = stopped_by_signals()  # before the imports, which take a while
    from bridge.cli.written import temporary, writing
    from bridge.sandbox.site import Sandbox

    kept, served = args.state is not None, find_spec("grpc") is not None
    with ExitStack() as stack:
        directory = args.state or args.dir or stack.enter_context(temporary())
        with writing("--state" if kept else "--dir", directory):
            sandbox = stack.enter_context(
                Sandbox(directory, port_base=args.port_base, only=args.only, kept=kept, pubsub=served)
            )
            if "connector" in sandbox.where():
                sandbox.write_files(encrypt=True)
        print(json.dumps(sandbox.where()) if args.output == "json" else _line(sandbox), flush=True)
        _publish(sandbox, args.rate, stopped)
    return 0


def _line(sandbox: Sandbox) -> str:
    """One line that says where everything is, and how to go on."""
    where = sandbox.where()
    said = []
    if "org" in where:
        said.append(f"org {where['org']} (trust {where['ca_file']})")
    if "pubsub" in where:
        said.append(f"Pub/Sub API {where['pubsub']}")
    if "registry" in where:
        said.append(f"registry {where['registry']}")
    if "bootstrap_servers" in where:
        said.append(f"Kafka {where['bootstrap_servers']}")
    if "connector" in where:
        said.append(f"sample files {where['connector']} and {where['worker']}")
    elif "org" in where:
        said.append(
            f"a connector needs salesforce.instance={where['org']}, bridge.salesforce.ca.file={where['ca_file']}"
        )
    return "sandbox is up: " + " · ".join(said)


def _publish(sandbox: Sandbox, events_a_second: float, stopped: threading.Event) -> None:
    """Publish sample events until stopped; several at once where the rate is high."""
    from bridge.sandbox import samples

    if not (sandbox.org and events_a_second):
        stopped.wait()
        return
    batch = max(1, round(events_a_second / 50))
    number = 0
    while not stopped.wait(batch / events_a_second):
        payloads = [samples.payload(samples.ORDER_PLACED, number + i) for i in range(batch)]
        sandbox.org.publish_many(samples.ORDER_PLACED.name, payloads)
        number += batch
