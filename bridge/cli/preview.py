"""``sfbridge preview``: what a connector would write, decoded, with schema and tags; writes nothing."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.cli.arguments import seconds
from bridge.cli.output import add_output_option, documents
from bridge.cli.progress import Progress

if TYPE_CHECKING:
    from bridge.inspection.masking import Shown
    from bridge.inspection.preview import Previewed

HELP = (
    "Show what a connector would write: records decoded, with schema and tags. Writes nothing to Kafka, registers "
    "nothing, moves no position; protected values are masked."
)
EXAMPLE = "sfbridge preview connector.json --worker worker.properties --max-events 3 --explain"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    parser.add_argument("connector", type=Path, metavar="CONNECTOR", help="connector file")
    parser.add_argument(
        "--worker", type=Path, metavar="W", help="worker.properties: the registry, if there is one"
    )
    parser.add_argument("--max-events", type=int, default=5, metavar="N", help="how many events (default: 5)")
    parser.add_argument("--explain", action="store_true", help="also show the record after each transform")
    parser.add_argument(
        "--start",
        choices=("all", "latest"),
        default="all",
        help="retained events, the oldest first (default), or those published from now on",
    )
    parser.add_argument(
        "--until-idle",
        type=seconds,
        default=10.0,
        metavar="SECONDS",
        help="end when nothing came for so long (default: 10)",
    )
    add_output_option(parser, lines=True)


def run(args: argparse.Namespace) -> int:
    """Exit code 0 when the events are shown, also if there was none."""
    from bridge import log
    from bridge.config import load_worker
    from bridge.inspection.configuration import load_connector
    from bridge.inspection.preview import connector_alone, preview_of
    from bridge.inspection.sampling import Wish, sample
    from bridge.salesforce.auth import Login
    from bridge.salesforce.transport import open_rest

    log.configure("text", "WARNING")
    worker = load_worker(args.worker)
    connector = load_connector(args.connector, worker=worker if args.worker else None)
    loaded = connector_alone(connector, worker)
    log.register_secrets(loaded.secrets())
    login = Login(connector)
    rest = open_rest(connector, login)
    preview = preview_of(loaded, rest, explain=args.explain)
    show = _Printer(bool(connector.get("datapreview.schemas.enable")))
    count = 0
    with Progress("preview", "events") as progress, documents(args.output, print) as write:
        wish = Wish(args.max_events, args.start, args.until_idle)
        for message in sample(connector, login, rest, wish, progress):
            previewed = preview.of(message)
            progress.clear()
            if args.output == "table":
                show(previewed)
            else:
                document = previewed.document()
                if not show.schemas:
                    del document["schema"]
                write(document)
            count += 1
    if not count:
        what = "is retained" if args.start == "all" else "came"
        print(f"no event {what}; --until-idle waits longer", file=sys.stderr)
    return 0


class _Printer:
    """For people: a paragraph for each event, the schema when it is a new one."""

    def __init__(self, schemas: bool) -> None:
        self.schemas = schemas
        self._told: set[tuple[str | None, str | None]] = set()

    def __call__(self, previewed: Previewed) -> None:
        print(f"event {previewed.replay_id} of {previewed.event}, schema {previewed.schema_id}")
        for step in previewed.steps:
            self._record(f"after {step.step}" if step.step else "before transforms", step)
        if previewed.record is not None:
            self._record("record", previewed.record)
        where = f"{previewed.subject}: " if previewed.subject else ""
        print(f"  {where}{previewed.becomes}")
        key = (previewed.subject, previewed.schema)
        if key not in self._told:
            self._told.add(key)
            for name, tags in previewed.tags.items():
                masked = ", masked" if name in previewed.masked else ""
                told = ", ".join(f"{t} ({why})" for t, why in tags.items())
                print(f"  tagged: {name}: {told}{masked}")
            if self.schemas and previewed.schema:
                print("  schema: " + _indented(previewed.schema))
        print(flush=True)

    def _record(self, what: str, shown: Shown) -> None:
        key = "null" if shown.key is None else _text(shown.key)
        print(f"  {what}: topic {shown.topic}, key {key}")
        for name, value in shown.headers.items():
            print(f"    header {name}: {_text(value)}")
        if isinstance(shown.value, Mapping):
            for name, value in shown.value.items():
                print(f"    {name}: {_text(value)}")
        else:
            print(f"    {_text(shown.value)}")


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _indented(schema: str) -> str:
    from bridge.inspection.generate import pretty

    return pretty(schema).rstrip().replace("\n", "\n  ")
