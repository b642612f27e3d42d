"""The simulated org as a process of its own: ``python -m bridge.sandbox.org --dir D``.

Prints one JSON line when it is up: ``url``, ``port``, ``ca_file``, ``org_id``, ``events``.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from pathlib import Path

from attrs import asdict

from bridge.errors import BridgeError
from bridge.sandbox import samples
from bridge.sandbox.org import Credentials, Org, Settings


def main() -> int:
    """Run until SIGINT or SIGTERM."""
    arguments = _parser().parse_args()
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    settings = Settings(
        hold=arguments.hold,
        session=arguments.session,
        max_events=arguments.max_reply,
        max_bytes=arguments.max_reply_bytes,
        gzip=not arguments.no_gzip,
    )
    certificate = arguments.certificate.read_text() if arguments.certificate else None
    try:
        org = Org(
            samples.EVENTS,
            directory=arguments.dir,
            port=arguments.port,
            org_id=arguments.org_id,
            settings=settings,
            credentials=Credentials(certificate=certificate),
        )
    except BridgeError as error:
        print(error.message, file=sys.stderr)
        return 2
    event = arguments.event
    org.publish_many(event, arguments.events)
    with org:
        up = {
            "url": org.url,
            "port": org.port,
            "ca_file": str(org.ca_file),
            "org_id": org.org_id,
            "event": event,
            "channel": org.bus.definition(event).channel,
            "events": arguments.events,
            "credentials": asdict(org.credentials),
        }
        print(json.dumps(up), flush=True)
        while not stopped.wait(1 / arguments.rate if arguments.rate else None):
            org.publish_many(event, 1)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bridge.sandbox.org", description=__doc__)
    parser.add_argument("--dir", type=Path, required=True, help="where ca.pem is written")
    parser.add_argument("--port", type=int, default=0, help="default: any free port")
    parser.add_argument("--event", default=samples.ORDER_PLACED.name, help="the event to publish")
    parser.add_argument("--events", type=int, default=0, help="how many events wait at the start")
    parser.add_argument("--rate", type=float, default=0, help="events a second to publish while it runs")
    parser.add_argument("--hold", type=float, default=110, help="seconds a poll is held")
    parser.add_argument("--session", type=float, default=40, help="seconds a session survives without a poll")
    parser.add_argument("--max-reply", type=int, default=400, help="events in one reply")
    parser.add_argument(
        "--max-reply-bytes", type=int, default=10_000_000, help="bytes of events in one reply"
    )
    parser.add_argument("--org-id", help="18 characters; default random")
    parser.add_argument("--certificate", type=Path, help="PEM that JWT assertions must be signed for")
    parser.add_argument("--no-gzip", action="store_true", help="never compress")
    return parser


if __name__ == "__main__":
    sys.exit(main())
