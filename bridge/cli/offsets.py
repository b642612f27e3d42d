"""``sfbridge offsets``: a connector's position: read it, move it, forget it, take it over from elsewhere."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.cli.arguments import moment
from bridge.cli.confirm import add_yes_option, confirm
from bridge.cli.output import add_output_option, print_json, print_table
from bridge.cli.parser import add_action
from bridge.cli.progress import Progress
from bridge.cli.worker_client import add_url_option

if TYPE_CHECKING:
    from bridge.cli.offsets_direct import Direct
    from bridge.cli.offsets_remote import Remote

HELP = "Read or move a connector's position: by a worker's REST API if one answers, else straight in Kafka."
EXAMPLE = "sfbridge offsets set connector.json 120572741 --worker worker.properties"

_ACTIONS: tuple[tuple[str, list[str], str, str], ...] = (
    ("get", ["describe"], "the committed position", "offsets get connector.json --worker worker.properties"),
    (
        "set",
        ["update"],
        "go on after a replay id, or at a time",
        "offsets set connector.json --at 24h --dry-run",
    ),
    ("reset", ["delete"], "start as a new connector would", "offsets reset connector.json --dry-run"),
    ("status", [], "who runs it, and what became of the last request", "offsets status orders --url U"),
    ("import", [], "take a position over", "offsets import connector.json --from-json old.json"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments, as promised in the documentation."""
    commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    parsers = {}
    for name, aliases, words, example in _ACTIONS:
        parsers[name] = one = add_action(commands, name, words, example, aliases=aliases)
        one.set_defaults(action=name)
        one.add_argument("connector", metavar="CONNECTOR", help="connector file, or its name with --url")
        one.add_argument("--worker", type=Path, metavar="W", help="worker.properties")
        add_url_option(one, default=None)
        add_output_option(one)
    parsers["set"].add_argument(
        "replay_id", nargs="?", metavar="REPLAY_ID", help="the last event that is not wanted again"
    )
    parsers["set"].add_argument(
        "--at",
        type=moment,
        metavar="TIME",
        help="instead: carry what was published then (2026-01-31T10:00:00Z, or 24h ago) or later; reads what "
        "Salesforce retains up to there, which counts as delivered",
    )
    for name in ("set", "reset", "import"):
        parsers[name].add_argument("--dry-run", action="store_true", help="only say what would be done")
        add_yes_option(parsers[name])
    parsers["set"].add_argument(
        "--check", action="store_true", help="try a subscription with it first, which delivers nothing"
    )
    source = parsers["import"].add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--from-json", metavar="F", help="what the managed connector's offsets request answered; - is stdin"
    )
    source.add_argument("--from-topic", metavar="T", help="the offsets topic of a Kafka Connect cluster")
    source.add_argument("--from-url", metavar="U", help="the REST API of a Kafka Connect cluster")
    parsers["import"].add_argument(
        "--as", dest="named", metavar="NAME", help="the connector's name over there"
    )


def run(args: argparse.Namespace) -> int:
    """0 when done; raises BridgeError when refused."""
    from bridge.cli.offsets_direct import Direct
    from bridge.cli.offsets_remote import Remote, find_worker

    client = find_worker(args)
    there: Direct | Remote = Remote(client, args) if client is not None else Direct(args)
    try:
        return _done(args, there)
    finally:
        there.close()


def _done(args: argparse.Namespace, there: Direct | Remote) -> int:
    if args.action == "get":
        return _show(args, there.get())
    if args.action == "status":
        return _show(args, there.status())
    if args.action == "set":
        wanted: int | None = _wanted(args)
        if args.check and wanted is not None:
            there.check(wanted)
    elif args.action == "import":
        wanted = _imported(args, there)
    else:
        wanted = None
    return _move(args, there, wanted)


def _wanted(args: argparse.Namespace) -> int:
    """The replay id that the command line names, or that a time stands for."""
    from bridge.cli.offsets_at import replay_id_at
    from bridge.errors import ConfigurationError, Fault

    if (args.replay_id is None) is (args.at is None):
        raise ConfigurationError([Fault("REPLAY_ID", "is required, or --at TIME; not both")])
    return replay_id_at(args) if args.replay_id is None else _replay_id(args.replay_id)


def _move(args: argparse.Namespace, there: Direct | Remote, wanted: int | None) -> int:
    """Store it, after a question where events may be lost by it; or only say what would be."""
    from bridge.cli.offsets_direct import offsets_of
    from bridge.kafka.offsets import NoPosition

    try:
        before = there.get()["offsets"]
    except NoPosition:  # this command is the remedy
        before = []
    was = before[0]["offset"]["replayId"] if before else None
    if args.dry_run:
        would = {"name": there.name, "offsets": offsets_of(wanted), "previous_offsets": before}
        return _moved(args, would | {"dry_run": True})
    there.refuse_if_run()
    if wanted is None and was is not None:
        confirm(args, f"the position of {there.name}, replay id {was}, is forgotten")
    elif wanted is not None and was is not None and wanted > was:
        confirm(args, f"events of {there.name} after replay id {was} up to {wanted} will not be carried")
    return _moved(args, there.move(wanted))


def _replay_id(text: str) -> int:
    from bridge.errors import ConfigurationError, Fault
    from bridge.kafka.offsets import replay_id_of

    try:
        return replay_id_of(text)
    except ValueError as wrong:
        raise ConfigurationError([Fault("REPLAY_ID", f"{text} {wrong}", text)]) from None


def _imported(args: argparse.Namespace, there: Any) -> int:
    from bridge.errors import ConfigurationError, Fault
    from bridge.worker import imports

    name = args.named or there.name
    if args.from_url:
        return imports.from_url(args.from_url, name)
    if args.from_topic:
        with Progress(f"reading {args.from_topic}") as progress:
            return imports.from_topic(
                there.kafka(), args.from_topic, name, lambda number: progress(number, 0)
            )
    try:
        text = sys.stdin.read() if args.from_json == "-" else Path(args.from_json).read_text("utf-8")
    except (OSError, ValueError) as error:
        raise ConfigurationError([Fault("--from-json", f"cannot be read: {error}")]) from None
    return imports.from_text(text)


def _show(args: argparse.Namespace, document: dict[str, Any]) -> int:
    if args.output == "json":
        print_json(document)
        return 0
    print_table(("what", "value"), [(key, value) for key, value in _flat(document)])
    return 0


def _flat(document: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for key, value in document.items():
        if isinstance(value, dict):
            rows += _flat(value, f"{prefix}{key} ")
        elif key in ("offsets", "previous_offsets"):
            told = [item["offset"]["replayId"] for item in value if item.get("offset")]
            rows.append((f"{prefix}{key}", ", ".join(map(str, told)) or "none"))
        else:
            rows.append((prefix + key, "" if value is None else value))
    return rows


def _moved(args: argparse.Namespace, outcome: dict[str, Any]) -> int:
    if args.output == "json":
        print_json(outcome)
        return 0
    before = outcome["previous_offsets"]
    was = before[0]["offset"]["replayId"] if before else None
    now = outcome["offsets"][0]["offset"]["replayId"] if outcome["offsets"] else None
    told, old = "none" if now is None else f"replay id {now}", "none" if was is None else was
    if args.dry_run:
        print(f"{outcome['name']}: position would be {told}; it is {old}, and nothing was written")
    else:
        print(f"{outcome['name']}: position is {told} now; it was {old}")
    return 0
