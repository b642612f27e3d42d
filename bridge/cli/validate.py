"""``sfbridge validate``: properties with their values, defaults and errors; with ``--online`` what others say."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from bridge.cli.judged import print_judged
from bridge.cli.output import add_output_option, fail, print_json
from bridge.cli.worker_client import add_url_option

if TYPE_CHECKING:
    from bridge.config import Loaded
    from bridge.config.report import Report

HELP = (
    "Check a connector's configuration, all faults at once: what is given or wrong, with its value, default and error; "
    "every property with --all."
)
EXAMPLE = "sfbridge validate connector.json --worker worker.properties --online"


class Check(Protocol):
    """One thing tried outside: its name, whether it went well (None: could not be told), and what was found."""

    @property
    def name(self) -> str: ...
    @property
    def ok(self) -> bool | None: ...
    @property
    def message(self) -> str: ...


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments, as promised in the documentation."""
    parser.add_argument("connector", type=Path, metavar="CONNECTOR", help="connector file")
    parser.add_argument(
        "--all", action="store_true", dest="every", help="also the properties that stand at their default"
    )
    parser.add_argument("--worker", type=Path, metavar="W", help="worker.properties")
    parser.add_argument(
        "--online", action="store_true", help="also try login, event, topic, permissions, registry and keys"
    )
    add_url_option(parser, default=None)
    add_output_option(parser)


def run(args: argparse.Namespace) -> int:
    """0 if all is well, 1 if an online check failed, 2 with every fault on stderr."""
    if args.url:
        from bridge.cli.validate_remote import validate

        return validate(args)
    from bridge.inspection.configuration import examine_files

    report = examine_files(args.connector, args.worker, os.environ)
    if args.output == "table":
        _print_table(report, args.every)
    for notice in report.notices:
        print(f"note: {notice}", file=sys.stderr)
    if report.faults:
        if args.output == "json":
            print_json(report.infos())
        for fault in report.faults:
            fail(f"{fault.key}: {fault.message}")
        return 2
    online = list(_online(report.loaded(), args.output)) if args.online else []
    if args.output == "json":
        print_json(report.infos() | ({"checks": online} if args.online else {}))
    elif not online:
        print(f"{report.connector.values['name']} is valid")
    failed = [check for check in online if check["ok"] is False]
    if failed:
        fail(f"{len(failed)} of {len(online)} online checks failed: {', '.join(c['name'] for c in failed)}")
    return 1 if failed else 0


def _print_table(report: Report, every: bool) -> None:
    rows = [row for examined in report.both(every=every) for row in examined]
    count = sum(len(examined) for examined in report.both(every=True))
    print_judged(rows, 0 if every else count - len(rows))


def _online(loaded: Loaded, output: str) -> Iterator[dict[str, Any]]:
    """Each check as it ends; a line for each, on stderr where the result itself is JSON."""
    from bridge import log
    from bridge.inspection.online import checks

    log.register_secrets(loaded.secrets())
    stream = sys.stderr if output == "json" else sys.stdout
    words = {True: "ok", False: "FAILED", None: "unknown"}
    check: Check
    for check in checks(loaded):
        message = log.masked(check.message)
        print(f"{words[check.ok]:8} {check.name}{': ' + message if message else ''}", file=stream, flush=True)
        yield {"name": check.name, "ok": check.ok, "message": message}
