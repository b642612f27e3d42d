"""``sfbridge deadletters``: what was put aside, why, and again through the present configuration."""

from __future__ import annotations

import argparse
import base64
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.cli.arguments import place, positive, since
from bridge.cli.output import add_output_option, fail, print_json, print_table
from bridge.cli.output import documents as printing
from bridge.cli.parser import add_action
from bridge.cli.progress import Progress
from bridge.cli.signals import stopped_by_signals

if TYPE_CHECKING:
    from bridge.reading.letters import Letter
    from bridge.worker.letters import LetterBox
    from bridge.worker.replaying import Outcome, Wanted

HELP = "Dead letters: the events that were put aside, why, and again through the present configuration."
EXAMPLE = "sfbridge deadletters replay connector.json --worker worker.properties"

_FAILED = 10  # letters that are named where many fail again


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The group's commands."""
    commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    parsers = {}
    for name, words, example in (
        ("list", "which there are, why, and which were replayed", "list connector.json --since 24h"),
        ("show", "one of them, with its event and its reason", "show connector.json 0:17 --decrypt"),
        ("replay", "carry them again, each exactly once", "replay connector.json --dry-run"),
    ):
        parsers[name] = one = add_action(commands, name, words, f"deadletters {example}")
        one.add_argument("connector", type=Path, metavar="CONNECTOR", help="connector file")
        one.add_argument("--worker", type=Path, metavar="W", help="worker.properties")
        add_output_option(one, lines=name == "list")
    for name in ("list", "replay"):
        parsers[name].add_argument(
            "--since",
            type=since,
            metavar="TIME|OFFSET",
            help="only those from there on: a time (2026-01-31T10:00:00Z), how long ago (24h, 7d), or an offset",
        )
        parsers[name].add_argument("--stage", metavar="S", help="only those that failed there, such as PARSE")
        parsers[name].add_argument("--max-events", type=positive, metavar="N", help="at most N letters")
    parsers["list"].add_argument("--all", action="store_true", help="those that were replayed, too")
    parsers["show"].add_argument("letter", type=place, metavar="PARTITION:OFFSET", help="as list shows it")
    parsers["show"].add_argument(
        "--decrypt", action="store_true", help="open an event that is encrypted whole (needs the key's KMS)"
    )
    parsers["replay"].add_argument(
        "letters", nargs="*", type=place, metavar="PARTITION:OFFSET", help="only these (default: all)"
    )
    parsers["replay"].add_argument(
        "--dry-run", action="store_true", help="only say what each would become; writes nothing"
    )


def run(args: argparse.Namespace) -> int:
    """0 when done, 1 where letters still cannot be carried."""
    stopped = stopped_by_signals()  # before the imports, which take a while
    from bridge import log
    from bridge.inspection.configuration import load
    from bridge.worker.letters import letter_box

    log.configure("text", "WARNING")
    loaded = load(args.connector, args.worker)
    log.register_secrets(loaded.secrets())
    with letter_box(loaded, notice=_note, waiting=_waiting, stopped=stopped.is_set) as box:
        if args.action == "list":
            return _list(args, box)
        if args.action == "show":
            return _show(args, box)
        return _dry_run(args, box) if args.dry_run else _replay(args, box)


def _list(args: argparse.Namespace, box: LetterBox) -> int:
    documents = []
    with Progress(f"reading {box.topic}") as progress:
        for letter, done in _chosen(args, box, progress):
            documents.append(letter.document() | {"replayed": done})
    if args.output != "table":
        with printing(args.output, print) as show:
            for document in documents:
                show(document)
        return 0
    if not documents:
        what = "dead letter" if args.all else "dead letter that was not replayed"
        print(f"no {what} of {box.name} in topic {box.topic}")
        return 0
    print_table(
        ("letter", "put aside at", "replay id", "stage", "reason", *(["replayed"] if args.all else [])),
        [_row(one) + ((("yes" if one["replayed"] else "no"),) if args.all else ()) for one in documents],
    )
    return 0


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    cells = (one["put_aside_at"], one["replay_id"], one["stage"], one["reason"])
    return f"{one['partition']}:{one['offset']}", *("-" if cell is None else str(cell) for cell in cells)


def _chosen(
    args: argparse.Namespace,
    box: LetterBox,
    progress: Progress,
    places: frozenset[tuple[int, int]] = frozenset(),
) -> Iterator[tuple[Letter, bool]]:
    """The letters that a command line asks for, of the replayed ones only where it says ``--all``."""
    wanted, count = _wanted(args, places), 0
    for letter, done in box.letters(args.since, progress):
        if not wanted.has(letter) or (done and not getattr(args, "all", False)):
            continue
        yield letter, done
        count += 1
        if count == args.max_events:
            return


def _wanted(args: argparse.Namespace, places: frozenset[tuple[int, int]] = frozenset()) -> Wanted:
    from bridge.worker.replaying import Wanted

    return Wanted(places, args.since, args.stage, args.max_events)


def _show(args: argparse.Namespace, box: LetterBox) -> int:
    letter, done = box.one(*args.letter)
    event = letter.event(box.deks if args.decrypt else None)
    document = letter.document() | {"replayed": done, "event": event.value}
    if event.note:
        document["note"] = event.note
    if event.raw is not None:
        document["event_base64"] = base64.b64encode(event.raw).decode()
    if args.output == "json":
        print_json(document | {"trace": letter.trace()})
        return 0
    import json

    told = {name.replace("_", " "): value for name, value in document.items() if name != "event"}
    print_table(("what", "value"), [(name, _cell(value)) for name, value in told.items()])
    if not event.note:
        print("\nevent\n" + json.dumps(event.value, indent=2, ensure_ascii=False))
    if letter.trace():
        print(f"\ntrace\n{letter.trace()}")
    return 0


def _cell(value: object) -> object:
    if isinstance(value, bool):  # by its type: 0 equals False
        return "yes" if value else "no"
    return "-" if value is None else value


def _dry_run(args: argparse.Namespace, box: LetterBox) -> int:
    from bridge.errors import BadRecord
    from bridge.inspection.preview import preview_of
    from bridge.salesforce.auth import Login
    from bridge.salesforce.transport import open_rest

    connector = box.loaded.connector
    preview, documents = preview_of(box.loaded, open_rest(connector, Login(connector))), []
    with Progress(f"reading {box.topic}") as progress:
        for letter, _ in _chosen(args, box, progress, frozenset(args.letters)):
            document: dict[str, Any] = {"partition": letter.partition, "offset": letter.offset}
            try:
                document |= preview.of(box.message(letter)).document()
            except BadRecord as error:
                document["becomes"] = f"cannot be carried ({error.stage}): {error.message}"
            document.pop("schema", None)
            documents.append(document)
    if args.output == "json":
        print_json(documents)
        return 0
    rows = [(f"{one['partition']}:{one['offset']}", _topic(one), one["becomes"]) for one in documents]
    print_table(("letter", "topic", "what would become of it"), rows)
    print(f"{len(documents)} would be replayed; nothing was written")
    return 0


def _topic(document: dict[str, Any]) -> str:
    record = document.get("record")
    return str(record["topic"]) if isinstance(record, dict) else "-"


def _replay(args: argparse.Namespace, box: LetterBox) -> int:
    from bridge.worker.replaying import Replay

    replay = None
    try:
        with Progress(f"replaying {box.topic}") as progress:
            replay = Replay(box, progress)
            outcome = replay.run(_wanted(args, frozenset(args.letters)))
    finally:
        if replay is not None and sys.exc_info()[0] is not None and replay.outcome.replayed:
            _note(f"{replay.outcome.replayed} letters were replayed and marked before this")
    if args.output == "json":
        print_json({"name": box.name, **outcome.document()})
    else:
        print(_words(box, outcome))
    for letter, error in outcome.failed[:_FAILED]:
        fail(f"letter {letter.place} still cannot be carried ({error.stage}): {error.message}")
    if outcome.failed:
        more = f", of which {_FAILED} are named above" if len(outcome.failed) > _FAILED else ""
        fail(f"{len(outcome.failed)} letters still cannot be carried and stay where they are{more}")
    return 1 if outcome.failed else 0


def _words(box: LetterBox, outcome: Outcome) -> str:
    where = ", ".join(f"{count} into {topic}" for topic, count in sorted(outcome.topics.items()))
    parts = [f"{box.name}: {outcome.replayed} letters replayed" + (f" ({where})" if where else "")]
    if outcome.filtered:
        parts.append(f"{outcome.filtered} of them dropped by a transform")
    if outcome.before:
        parts.append(f"{outcome.before} were replayed before")
    return "; ".join(parts)


def _note(text: str) -> None:
    print(f"note: {text}", file=sys.stderr, flush=True)


def _waiting(reason: str) -> None:
    print(f"waiting for Kafka: {reason}", file=sys.stderr, flush=True)
