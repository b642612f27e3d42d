"""``sfbridge init``: a few questions, a login, an event; then connector, worker and contract file."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.cli.arguments import KMS_TYPES
from bridge.cli.asking import Asking
from bridge.cli.output import add_output_option, print_json
from bridge.cli.program import program

if TYPE_CHECKING:
    from bridge.inspection.beginning import Answers
    from bridge.inspection.generate import Key
    from bridge.metadata.source_format import Declared
    from bridge.salesforce.rest import Rest

HELP = (
    "Make the first files of a connector: asks on a terminal, takes options elsewhere. Tries the login, lists the "
    "org's events, proposes tags from Salesforce's classification. Secrets are read from the environment "
    "(SF_CONSUMER_SECRET, SF_PASSWORD, SF_SECURITY_TOKEN, SF_KEYSTORE_PASSWORD) and never written."
)
EXAMPLE = (
    "sfbridge init\n"
    "  sfbridge init --grant JWT_BEARER --username integration@example.com --consumer-key 3MVG9 "
    "--keystore keys/salesforce-jwt.properties --event Order_Placed__e --brokers broker-1:9092 "
    "--registry http://registry:8081 --out orders"
)
_KMS = ("none", *KMS_TYPES)
_MADE = "keys/salesforce-jwt.properties"  # by auth keystore


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """An option for every question."""
    from bridge.config.declarations.formats import NAMES
    from bridge.inspection.beginning import GRANTS

    for option, metavar, words in (
        ("--instance", "URL", "the org, such as https://example.my.salesforce.com (default: by the grant)"),
        ("--username", "U", "the integration user"),
        ("--consumer-key", "K", "of the app in Salesforce"),
        ("--keystore", "FILE", f"for JWT_BEARER: .p12, .jks, or {_MADE} of 'auth keystore'"),
        ("--ca-file", "FILE", "a private CA that signed the org's certificate"),
        ("--event", "NAME", "the API name of the event or change event"),
        ("--name", "N", "the connector's name (default: after the event)"),
        ("--topic", "T", "the topic (default: salesforce.<event>)"),
        ("--brokers", "HOST:PORT,…", "Kafka's bootstrap.servers"),
        ("--registry", "URL", "the schema registry; none for JSON"),
        ("--context", "C", "the registry's context (default: the default one)"),
        ("--kms-key-id", "ID", "the key in the KMS"),
    ):
        parser.add_argument(option, metavar=metavar, help=words)
    parser.add_argument(
        "--grant", choices=GRANTS, metavar="GRANT", help=f"{', '.join(GRANTS)} (default: the first)"
    )
    parser.add_argument("--format", choices=NAMES, metavar="F", help=f"{', '.join(NAMES)} (default: AVRO)")
    parser.add_argument(
        "--api", choices=("streaming", "pubsub"), default="streaming", help="default: streaming"
    )
    parser.add_argument(
        "--security-protocol",
        choices=("PLAINTEXT", "SSL", "SASL_SSL", "SASL_PLAINTEXT"),
        metavar="P",
        help="Kafka's: PLAINTEXT (default), SSL, SASL_SSL, SASL_PLAINTEXT",
    )
    parser.add_argument(
        "--kms-type", choices=_KMS, metavar="TYPE", help=f"to encrypt what is tagged: {', '.join(_KMS)}"
    )
    parser.add_argument(
        "--kek", metavar="NAME", default="salesforce", help="the KEK's name (default: salesforce)"
    )
    parser.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="where to (default: here)")
    parser.add_argument("--force", action="store_true", help="overwrite files that are there")
    add_output_option(parser)


def run(args: argparse.Namespace) -> int:
    """0 when the files are written. Nothing is written where the login or an answer is refused."""
    from attrs import evolve

    from bridge.inspection.beginning import contract_of

    asking = Asking()
    answers = _login(args, asking)
    _check_free(args)
    rest = _rest(answers, asking)
    event = _event(args, asking, rest)
    declared = _declared(rest, event)
    answers = _places(args, asking, event, answers)
    asking.check()
    _, tags, _ = contract_of(declared, None)
    answers = evolve(answers, key=_key(args, asking, tags, answers.format))
    asking.check()
    _write(args, answers, declared)
    return 0


def _login(args: argparse.Namespace, asking: Asking) -> Answers:
    from bridge.inspection.beginning import GRANTS, Answers

    grant = asking.choice("--grant", "How does the bridge log in?", args.grant, GRANTS, GRANTS[0])
    standard = "" if grant == "CLIENT_CREDENTIALS" else "https://login.salesforce.com"
    instance = asking.text("--instance", "The org's address", args.instance, standard)
    username = ""
    if grant != "CLIENT_CREDENTIALS":
        username = asking.text("--username", "The integration user's name", args.username)
    key = asking.text("--consumer-key", "The consumer key of the app in Salesforce", args.consumer_key)
    keystore = ""
    if grant == "JWT_BEARER":
        there = _MADE if Path(_MADE).is_file() else ""
        question = "The keystore ('sfbridge auth keystore --out keys' makes one)"
        keystore = asking.text("--keystore", question, args.keystore, there)
    if not asking.person:  # all at once, and before a login
        _brokers(args, asking)
        _registry(args, asking, args.format or "AVRO")
    asking.check()
    return Answers(grant, key, instance, username, keystore, args.ca_file or "", args.api)


def _check_free(args: argparse.Namespace) -> None:
    """Before anything is asked of Salesforce."""
    from bridge.errors import ConfigurationError, Fault

    there = [path for name in ("connector.json", "worker.properties") if (path := args.out / name).exists()]
    if there and not args.force:
        raise ConfigurationError([Fault(str(path), "exists; --force overwrites it") for path in there])


def _rest(answers: Answers, asking: Asking) -> Rest:
    """The org's metadata, after a login that was accepted."""
    from bridge import log
    from bridge.errors import ConfigurationError, Fault
    from bridge.inspection.beginning import draft, secrets_of
    from bridge.inspection.configuration import LOADER
    from bridge.salesforce.auth import Login
    from bridge.salesforce.rest import Rest

    lacking = [(key, name) for key, name in secrets_of(answers) if name not in os.environ]
    if lacking and not asking.person:
        raise ConfigurationError(
            [Fault(name, f"is not in the environment, and holds {key}") for key, name in lacking]
        )
    for key, name in lacking:
        os.environ[name] = asking.secret(f"{key} (not written; give it as {name} later)")
    log.configure("text", "WARNING")
    connector = LOADER.connector_config(draft(answers))
    log.register_secrets(connector.hidden())
    login = Login(connector)
    _say("logging in …")
    session = login.session()
    _say(f"logged in to org {session.org_id} at {session.instance_url}")
    return Rest(login, connector)


def _event(args: argparse.Namespace, asking: Asking, rest: Rest) -> str:
    from bridge.errors import ConfigurationError, Fault

    if args.event:
        return str(args.event)
    _say("listing events …")
    events = rest.events()
    if not events:
        raise ConfigurationError([Fault("--event", "the org shows this user no platform event (…__e)")])
    if len(events) > 1 and not asking.person:
        raise ConfigurationError([Fault("--event", f"is required; the org has {', '.join(events)}")])
    return asking.choice(
        "--event", "Which event?", events[0] if len(events) == 1 else None, events, events[0]
    )


def _declared(rest: Rest, event: str) -> Declared:
    from bridge.inspection.declaring import declared

    _say(f"reading {event} …")
    return declared(rest, event, lambda text: _say(f"note: {text}"))


def _places(args: argparse.Namespace, asking: Asking, event: str, answers: Answers) -> Answers:
    """Where records go, and how."""
    from attrs import evolve

    from bridge.config.declarations.formats import NAMES

    short = event.removesuffix("__e").lower().replace("_", "-")
    form = asking.choice("--format", "In which format?", args.format, NAMES, "AVRO")
    registry = _registry(args, asking, form)
    topic = asking.text("--topic", "Into which topic?", args.topic, f"salesforce.{short}")
    brokers = _brokers(args, asking)
    protocols = ("PLAINTEXT", "SSL", "SASL_SSL")
    security = asking.choice(
        "--security-protocol", "How are they reached?", args.security_protocol, protocols, protocols[0]
    )
    return evolve(
        answers,
        name=args.name or short,
        topic=topic,
        format=form,
        registry=registry,
        context=args.context or "",
        brokers=brokers,
        security=security,
    )


def _brokers(args: argparse.Namespace, asking: Asking) -> str:
    return asking.text("--brokers", "Kafka's brokers (host:port,…)", args.brokers)


def _registry(args: argparse.Namespace, asking: Asking, form: str) -> str:
    from bridge.config.declarations.formats import REGISTRY_TYPES

    if form not in REGISTRY_TYPES:
        return args.registry or ""
    return asking.text("--registry", "The schema registry's address", args.registry)


def _key(args: argparse.Namespace, asking: Asking, tags: dict[str, list[str]], form: str) -> Key | None:
    """The key that is to encrypt what is tagged; None where nothing is, or nobody wants it."""
    from bridge.config.declarations.formats import REGISTRY_TYPES
    from bridge.inspection.generate import Key

    for name, labels in tags.items():
        _say(f"tagged by Salesforce's classification: {name} ({', '.join(labels)})")
    if not tags or form not in REGISTRY_TYPES:
        return None
    question = "Which key management service holds the key that encrypts them?"
    kms = asking.choice("--kms-type", question, args.kms_type, _KMS, "none")
    if kms == "none":
        return None
    default = "salesforce" if kms == "local-kms" else ""
    key_id = asking.text("--kms-key-id", "The key's id there", args.kms_key_id, default)
    return Key(args.kek, kms, key_id, given=True)


def _write(args: argparse.Namespace, answers: Answers, declared: Declared) -> None:
    from bridge.cli.written import connector_text, worker_text, write
    from bridge.inspection.beginning import (
        connector_properties,
        contract_of,
        variables,
        worker_properties,
    )
    from bridge.inspection.generate import CONTRACT

    contract = args.out / "schemas" / f"{declared.event.name}{CONTRACT}"
    text, tags, protects = contract_of(declared, answers.key)
    connector = connector_properties(answers, declared.event.name, contract, protects=protects)
    paths = [args.out / "connector.json", args.out / "worker.properties", contract]
    texts = [connector_text(connector), worker_text(worker_properties(answers), "init"), text]
    write(paths, texts, force=args.force)
    needed = [name for name in variables(answers) if not os.environ.get(name)]
    following = f"{program()} validate {paths[0]} --worker {paths[1]} --online"
    if args.output == "json":
        print_json(
            {
                "files": [str(path) for path in paths],
                "event": declared.event.name,
                "tags": tags,
                "encrypts": protects,
                "environment": variables(answers),
                "next": following,
            }
        )
        return
    for path in paths:
        print(f"written: {path}")
    if tags and not protects:
        print("nothing is encrypted yet: the contract's rule is disabled until it names a key (--kms-type)")
    if needed:
        print(f"set before: {', '.join(needed)}")
    print(f"next: {following}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
