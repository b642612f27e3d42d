"""``sfbridge schemas register``: a schema file, with its contract's metadata and rules, into the registry."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.cli.output import add_output_option, print_json
from bridge.errors import ConfigurationError, Fault

if TYPE_CHECKING:
    from bridge.model.contract import Contract

HELP = "Register a schema file with the metadata and rules of the contract beside it. Exit code 1 where it is refused."
EXAMPLE = (
    "sfbridge schemas register schemas/Order_Placed__e.avsc --subject orders-value --worker worker.properties"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The file, the place, the registry."""
    parser.add_argument("file", type=Path, metavar="F", help=".avsc, .schema.json or .proto")
    parser.add_argument("--context", default="default", metavar="C", help="the registry's context")
    parser.add_argument(
        "--subject",
        metavar="S",
        help="default: <event in lower case>-value, as kafka.topic=${_ObjectType} makes it",
    )
    parser.add_argument(
        "--worker", type=Path, metavar="W", help="worker.properties: the registry and its login"
    )
    parser.add_argument(
        "--schema-registry", metavar="URL", help="instead of the worker's schema.registry.url"
    )
    parser.add_argument(
        "--contract",
        type=Path,
        metavar="F",
        help="default: <Event>.contract.yaml beside the schema, if it is there",
    )
    parser.add_argument(
        "--metadata-tags",
        action="store_true",
        help="put the tags into metadata.tags, too, beside those inline",
    )
    parser.add_argument(
        "--normalize",
        action="store_true",
        help="let the registry normalize the schema: one that differs in its writing only is no new version",
    )
    add_output_option(parser)


def run(args: argparse.Namespace) -> int:
    """Exit code 0 when it is registered, or was already."""
    from attrs import evolve

    from bridge.cli.schemas_files import named, read, registry_http, type_of
    from bridge.config import load_worker
    from bridge.languages.tagging import tags_in, with_metadata_tags
    from bridge.languages.traits import traits_of
    from bridge.model.registered import Registered
    from bridge.model.subjects import qualified
    from bridge.registry.client import Registry
    from bridge.routing.planning import with_contract

    text = read(args.file)
    type_ = type_of(args.file, text)
    if type_ is None:
        message = "holds metadata and no schema; make schemas of it with sfbridge schemas generate"
        raise ConfigurationError([Fault(str(args.file), message)])
    with named():
        tags_in(text, type_, what=str(args.file))
    stem = args.file.name.partition(".")[0]
    subject = qualified(args.subject or f"{stem.lower()}-value", args.context)
    contract = _contract(args, stem)
    registry = Registry(registry_http(load_worker(args.worker), args.schema_registry))
    latest = registry.latest(subject)
    if latest is None and traits_of(type_).strict:
        registry.set_config(subject, {"compatibilityPolicy": "LENIENT"})
    wanted = evolve(latest, text=text) if latest else Registered(subject, 0, 0, text, type_)
    wanted = with_contract(wanted, contract)
    if args.metadata_tags:
        wanted = with_metadata_tags(wanted)
    stored = registry.register(subject, text, type_=type_, like=wanted, normalize=args.normalize)
    if wanted.rule_set and not stored.rules():
        print(
            "note: the registry dropped the rules: the community edition keeps none, so nothing would be encrypted",
            file=sys.stderr,
        )
    if args.output == "json":
        print_json(
            {"subject": stored.subject, "version": stored.version, "id": stored.id, "guid": stored.guid}
        )
    else:
        print(f"{stored.subject} version {stored.version}, id {stored.id}")
    return 0


def _contract(args: argparse.Namespace, stem: str) -> Contract | None:
    from bridge.metadata.sources import read_contract

    path = args.contract or args.file.parent / f"{stem}.contract.yaml"
    named = "--contract" if args.contract else ""
    return read_contract(path, named) if named or path.is_file() else None
