"""``sfbridge schemas generate``: metadata → schemas and contract, in files."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.cli.arguments import KMS_TYPES
from bridge.errors import ConfigurationError, Fault

if TYPE_CHECKING:
    from bridge.inspection import generate
    from bridge.metadata.source_format import Declared

HELP = (
    "Write an event's schemas and its contract; offline, but for --connector. The same gives the same bytes."
)
EXAMPLE = (
    "sfbridge schemas generate --describe Order_Placed__e.describe.json --out schemas\n"
    "  sfbridge schemas generate --sfdx . --event Order_Placed__e --format all --out schemas"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One source, and what becomes of it."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--describe", type=Path, metavar="F", help="sobjects/<Event>/describe in a file")
    source.add_argument(
        "--event-schema", type=Path, metavar="F", help="eventSchema, EXPANDED or COMPACT, in a file"
    )
    source.add_argument("--avro", type=Path, metavar="F", help="the Pub/Sub API's Avro schema in a file")
    source.add_argument("--sfdx", type=Path, metavar="DIR", help="an SFDX project; --event says which event")
    source.add_argument("--connector", type=Path, metavar="C", help="ask the org that a connector logs in to")
    parser.add_argument("--event", metavar="NAME", help="the event's API name, with --sfdx")
    parser.add_argument(
        "--format",
        action="append",
        metavar="FORMAT",
        help="AVRO, JSON_SR, PROTOBUF or all (default); may be repeated",
    )
    parser.add_argument("--contract", type=Path, metavar="F", help="the contract to take tags and rules from")
    parser.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="the folder (default: here)")
    parser.add_argument("--kek", metavar="NAME", help="the key encryption key that generated rules name")
    parser.add_argument(
        "--kms-type", choices=KMS_TYPES, metavar="TYPE", help=f"its KMS: {', '.join(KMS_TYPES)}"
    )
    parser.add_argument("--kms-key-id", metavar="ID", help="its key in the KMS")


def run(args: argparse.Namespace) -> int:
    """Exit code 0 when everything is written."""
    from bridge.inspection import generate
    from bridge.metadata.sources import read_contract

    wanted = _formats(args.format)
    declarations = _declared(args)
    settings: dict[str, str] = _settings(args.connector)
    for declared in declarations:
        event = declared.event
        path = args.contract or args.out / f"{event.name}{generate.CONTRACT}"
        named = "--contract" if args.contract else ""
        earlier = read_contract(path, named) if named or path.is_file() else None
        if earlier is not None:
            generate.check(earlier, str(path), event)
        contract = generate.contract_for(event, declared.classified, earlier, _key(args))
        texts = generate.files(
            event, declared.classified, contract, wanted, settings, _there(args.out, event.name)
        )
        if contract != earlier or path != args.out / f"{event.name}{generate.CONTRACT}":
            texts[f"{event.name}{generate.CONTRACT}"] = generate.contract_text(
                contract, event, declared.classified
            )
        _write(args.out, texts)
        for remark in generate.remarks(event, wanted):
            print(f"note: {remark}", file=sys.stderr)
        if any(rule.disabled for rule in contract.rules):
            print(
                f"note: the rules of {event.name} are disabled until they name a key (--kek, --kms-type, "
                "--kms-key-id, or edit the contract)",
                file=sys.stderr,
            )
    return 0


def _there(out: Path, event: str) -> dict[str, str]:
    """The event's Protobuf file, whose numbers are to be kept."""
    from bridge.cli.schemas_files import read
    from bridge.config.declarations.formats import SUFFIXES

    path = out / f"{event}{SUFFIXES['PROTOBUF']}"
    return {path.name: read(path)} if path.is_file() else {}


def _formats(given: list[str] | None) -> tuple[str, ...]:
    from bridge.inspection.generate import formats

    every = formats()
    words = [word.upper() for each in given or ["all"] for word in each.split(",")]
    if wrong := [word for word in words if word not in (*every, "ALL")]:
        raise ConfigurationError([Fault("--format", f"must be {', '.join(every)} or all", wrong[0])])
    return every if "ALL" in words else tuple(name for name in every if name in words)


def _declared(args: argparse.Namespace) -> list[Declared]:
    from bridge.changes import entity_of
    from bridge.cli.schemas_files import named
    from bridge.config.checks import event_name

    if args.event and (wrong := None if entity_of(args.event) else event_name(args.event)):
        raise ConfigurationError([Fault("--event", wrong, args.event)])
    if args.connector is not None:
        return _online(args.connector, args.event)
    with named():
        declared = _of_file(args)
    if args.event not in (None, declared.event.name):
        raise ConfigurationError(
            [Fault("--event", f"is {args.event}, and the file is about {declared.event.name}", args.event)]
        )
    return [declared]


def _of_file(args: argparse.Namespace) -> Declared:
    from bridge.metadata import source_files

    if args.sfdx is not None:
        if not args.event:
            return source_files.from_any(args.sfdx)
        return source_files.from_sfdx(args.sfdx, args.event)
    if args.describe is not None:
        return source_files.from_describe(args.describe)
    if args.event_schema is not None:
        return source_files.from_event_schema(args.event_schema)
    return source_files.from_avro(args.avro)


def _online(path: Path, event: str | None) -> list[Declared]:
    """Describe completes the event's present schema; how fields are classified is asked, too."""
    from bridge import log
    from bridge.config.subscription import events
    from bridge.inspection.configuration import load_connector
    from bridge.inspection.declaring import declared
    from bridge.salesforce.auth import Login
    from bridge.salesforce.transport import open_rest

    log.configure("text", "WARNING")
    connector = load_connector(path)
    rest = open_rest(connector, Login(connector))
    names = (event,) if event else events(connector)
    if not names:
        raise ConfigurationError([Fault("--event", "must say which event of the channel is meant")])
    return [declared(rest, name, lambda text: print(f"note: {text}", file=sys.stderr)) for name in names]


def _settings(connector: Path | None) -> dict[str, str]:
    if connector is None:
        return {}
    from bridge.inspection.configuration import load_connector

    return dict(load_connector(connector).prefixed("value.converter."))


def _key(args: argparse.Namespace) -> generate.Key:
    from bridge.inspection.generate import Key

    options = {"--kek": args.kek, "--kms-type": args.kms_type, "--kms-key-id": args.kms_key_id}
    given = {name: value for name, value in options.items() if value}
    if not given:
        return Key()
    if missing := [name for name in options if name not in given]:
        raise ConfigurationError(
            [Fault(name, "is needed with the other options of the key") for name in missing]
        )
    return Key(args.kek, args.kms_type, args.kms_key_id, given=True)


def _write(out: Path, texts: Mapping[str, str]) -> None:
    from bridge.cli.written import put, writing

    with writing("--out", out):
        out.mkdir(parents=True, exist_ok=True)
        put({out / name: text.encode() for name, text in texts.items()}, mode=0o666)
    for name in texts:
        print(out / name)
