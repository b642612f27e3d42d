"""``sfbridge auth``: make the key pair for the JWT flow (offline), or try a connector's login."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.cli.output import add_output_option, print_json, print_table
from bridge.cli.parser import add_action

if TYPE_CHECKING:
    from bridge.salesforce.rest import Rest

HELP = "Make a keystore for the JWT flow, or try a login."
EXAMPLE = "sfbridge auth keystore --out keys\n  sfbridge auth test connector.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Two commands of their own."""
    commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _add_keystore(commands)
    _add_test(commands)


def _add_keystore(commands: Any) -> None:
    parser = add_action(
        commands,
        "keystore",
        "RSA key pair, self-signed certificate and PKCS#12 keystore, made on this machine without a network",
        "auth keystore --out keys --common-name 'Kafka bridge'",
    )
    parser.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="the folder (default: here)")
    parser.add_argument("--common-name", default="salesforce-kafka-bridge", metavar="CN", help="the subject")
    parser.add_argument(
        "--days", type=int, default=730, metavar="N", help="how long it is valid (default: 730)"
    )
    parser.add_argument(
        "--password",
        default="generated",
        metavar="P",
        help="the keystore's password; 'generated' (default) invents one, '-' reads it from standard input",
    )
    parser.add_argument("--force", action="store_true", help="overwrite what is there")
    parser.add_argument(
        "--print-config",
        action="store_true",
        help="print the connector's lines with keystore and password in them, as the managed connector wants",
    )
    add_output_option(parser)


def _add_test(commands: Any) -> None:
    parser = add_action(
        commands,
        "test",
        "log in once, and say as whom, where, and what is left of the org's limits; a refused login is not repeated",
        "auth test connector.json",
    )
    parser.add_argument("connector", type=Path, metavar="CONNECTOR", help="connector file")
    parser.add_argument("--worker", type=Path, metavar="W", help="worker.properties")
    add_output_option(parser)


def run(args: argparse.Namespace) -> int:
    """Exit code 0 when the keystore is written, or the login succeeded."""
    if args.action == "keystore":
        from bridge.cli.auth_keystore import make_keystore

        return make_keystore(args)
    return _test(args)


def _test(args: argparse.Namespace) -> int:
    from bridge import log
    from bridge.config import load_worker
    from bridge.inspection.configuration import load_connector
    from bridge.salesforce.auth import Login
    from bridge.salesforce.rest import Rest

    log.configure("text", "WARNING")
    # A login needs no Kafka, so what only concerns the worker is not judged here.
    connector = load_connector(args.connector, worker=load_worker(args.worker) if args.worker else None)
    login = Login(connector)
    session = login.session()
    rest = Rest(login, connector)
    facts: dict[str, Any] = {
        "login": "accepted",
        "grant": connector.get("salesforce.grant.type"),
        "org_id": session.org_id,
        "user_id": session.user_id,
        "instance_url": session.instance_url,
        "api_version": rest.api_version(),
        "limits": _limits(rest),
        "notices": list(login.notices),
    }
    if args.output == "json":
        print_json(facts)
    else:
        _print_facts(facts)
    return 0


def _limits(rest: Rest) -> dict[str, Any]:
    from bridge.errors import BridgeError
    from bridge.salesforce.limits import NAMES
    from bridge.salesforce.rest_errors import NotFound

    try:
        limits = rest.limits()
    except NotFound:
        return {"unknown": "this org tells none (it has no /limits)"}
    except BridgeError as error:
        # The login is what was asked about: limits need a permission that a connector does not.
        return {"unknown": error.message}
    return {name: limits[name] for name in NAMES if isinstance(limits.get(name), dict)}


def _print_facts(facts: dict[str, Any]) -> None:
    rows = [
        (key.replace("_", " "), value) for key, value in facts.items() if isinstance(value, str) and value
    ]
    for name, limit in facts["limits"].items():
        left = f"{limit.get('Remaining')} of {limit.get('Max')} left" if isinstance(limit, dict) else limit
        rows.append((name if isinstance(limit, dict) else "limits", left))
    rows.extend(("note", notice) for notice in facts["notices"])
    print_table(("what", "value"), rows)
