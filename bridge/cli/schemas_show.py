"""``sfbridge schemas show``: what is registered and tagged, and why."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.cli.output import add_output_option, print_json, print_table
from bridge.errors import Fatal, Stage

if TYPE_CHECKING:
    from bridge.config.config import Config
    from bridge.inspection.explain import Explained
    from bridge.metadata.classification import Classification
    from bridge.model.contract import Contract
    from bridge.registry.http import Http

HELP = (
    "Show what is registered and tagged, and why: each tag's origin, rules, and patterns that match nothing."
)
EXAMPLE = (
    "sfbridge schemas show orders-value --worker worker.properties --contract schemas/Order_Placed__e.contract.yaml\n"
    "  sfbridge schemas show --connector connector.json --worker worker.properties"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Subjects, or a connector whose subjects are meant."""
    parser.add_argument(
        "subjects",
        nargs="*",
        metavar="SUBJECT",
        help="default: the connector's, else every one of the context",
    )
    parser.add_argument("--context", metavar="C", help="the registry's context (default: the connector's)")
    parser.add_argument(
        "--worker", type=Path, metavar="W", help="worker.properties: the registry and its login"
    )
    parser.add_argument(
        "--schema-registry", metavar="URL", help="instead of the worker's schema.registry.url"
    )
    parser.add_argument("--contract", type=Path, metavar="F", help="the contract to explain tags with")
    parser.add_argument(
        "--connector",
        type=Path,
        metavar="C",
        help="its subject and contract; its org is asked for the classification",
    )
    add_output_option(parser)


def run(args: argparse.Namespace) -> int:
    """Exit code 0 when every subject was found."""
    from bridge.cli.schemas_files import registry_http
    from bridge.config import load_worker
    from bridge.inspection.configuration import load_connector
    from bridge.inspection.explain import explain
    from bridge.inspection.subjects import event_of, subjects_of
    from bridge.metadata.sources import read_contract
    from bridge.model.subjects import qualified
    from bridge.registry.client import Registry

    worker = load_worker(args.worker)
    connector = load_connector(args.connector, worker=worker) if args.connector else None
    http = registry_http(worker, args.schema_registry or _url(connector))
    context = args.context or (connector.get("schema.context.name") if connector else None) or "default"
    events = _events(connector, args.contract)
    shown = []
    for subject in args.subjects or (subjects_of(connector) if connector else []) or _all(http, context):
        name = subject if subject.startswith(":.") else qualified(subject, context)
        registered = Registry(http).latest(name)
        if registered is None:
            raise Fatal(f"the registry has no subject {name}", stage=Stage.SCHEMA)
        event = event_of(registered.text, events)
        contract, classified = events.get(event or "", (None, {}))
        if contract is None and args.contract and len(args.subjects) == 1:
            contract = read_contract(args.contract, "--contract")
        shown.append(explain(registered, contract, classified))
    if args.output == "json":
        print_json([each.document() for each in shown])
    else:
        for each in shown:
            _print(each)
    return 0


def _url(connector: Config | None) -> str | None:
    if connector is None:
        return None
    from bridge.config.registry import registry_properties

    return registry_properties(connector.raw(), {}).get("url")


def _events(
    connector: Config | None, path: Path | None
) -> dict[str, tuple[Contract | None, Mapping[str, Classification]]]:
    """Each event's contract, and how Salesforce classifies its fields where a connector says whom to ask."""
    from bridge.config.subscription import events
    from bridge.metadata.sources import SETTING, load_contracts, read_contract

    if connector is None:
        if path is None:
            return {}
        contract = read_contract(path, "--contract")
        return {contract.event: (contract, {})}
    from bridge.metadata.classification import from_records, maps
    from bridge.salesforce.auth import Login
    from bridge.salesforce.transport import open_rest

    given = str(path) if path else connector.get("bridge.schema.contract")
    contracts = load_contracts(events(connector), given, "--contract" if path else SETTING)
    rest = open_rest(connector, Login(connector))
    by_event: dict[str, tuple[Contract | None, Mapping[str, Classification]]] = {}
    for event in events(connector):
        of_event = contracts.get(event)
        by_event[event] = (of_event, from_records(rest.field_classification(event)) if maps(of_event) else {})
    return by_event


def _all(http: Http, context: str) -> list[str]:
    from urllib.parse import quote

    from bridge.model.subjects import prefix
    from bridge.registry.answers import checked

    answer = http.call("GET", f"/subjects?subjectPrefix={quote(prefix(context), safe='')}")
    subjects = sorted(checked(answer, list[str], "the subjects"))
    if not subjects:
        raise Fatal(
            f"the registry has no subject in the context {context}{_others(http)}", stage=Stage.SCHEMA
        )
    return subjects


def _others(http: Http) -> str:
    """The contexts that there are, in words."""
    from bridge.model.subjects import shown_context
    from bridge.registry.http import Refused

    try:
        names = http.call("GET", "/contexts")
    except Refused:
        return ""
    listed = [shown_context(str(name)) for name in names] if isinstance(names, list) else []
    return f"; there is {', '.join(listed)} (--context)" if listed else ""


def _print(shown: Explained) -> None:
    r = shown.registered
    print(f"{r.subject} version {r.version}, id {r.id}, {r.type}")
    rows = [(name, tag, "; ".join(o)) for name, tags in shown.fields.items() for tag, o in tags.items()]
    if rows:
        print_table(("field", "tag", "because of"), rows)
    else:
        print("no field is tagged")
    for rule in shown.rules:
        state = "disabled" if rule.disabled else f"meets {', '.join(rule.fields) or 'no field'}"
        print(f"rule {rule.name} ({rule.type}, tags {', '.join(rule.tags) or 'any'}): {state}")
    sealed = [*(["the whole payload"] if shown.payload else []), *shown.sealed]
    print(f"sealed: {', '.join(sealed) or 'nothing'}")
    if lacking := [name for name in shown.must if name not in shown.sealed]:
        print(f"must be sealed and cannot be as it is: {', '.join(lacking)}")
    for sentence in shown.findings:
        print(f"note: {sentence}", file=sys.stderr)
    print()
