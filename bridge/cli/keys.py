"""``sfbridge keys``: the keys of field encryption in the DEK registry. Prints no key material, ever."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.cli import keys_list, keys_verify
from bridge.cli.arguments import KMS_TYPES
from bridge.cli.keys_common import deks_of, http_of_worker, line_of, worker_of
from bridge.cli.output import add_output_option, fail, print_json
from bridge.cli.parser import add_action
from bridge.cli.progress import counted

if TYPE_CHECKING:
    from bridge.encryption.keys import Found

_ALGORITHMS = ("AES256_GCM", "AES128_GCM", "AES256_SIV")
_ACTIONS = {
    "list": (
        "KEKs and DEKs: wrapped under which key, alternates, versions, age, expiry, use",
        "--worker worker.properties",
    ),
    "create": (
        "register a KEK, and a subject's first DEK",
        "--kek sales --kms-type local-kms --kms-key-id sales --worker worker.properties",
    ),
    "rotate": (
        "make a new DEK version of a subject",
        "--subject :.crm:salesforce.orders-value --worker worker.properties",
    ),
    "rewrap": (
        "wrap all DEKs of a KEK under another key of its KMS",
        "--kek sales --to sales-2 --dry-run --worker worker.properties",
    ),
    "verify": (
        "unwrap every DEK; with --topic prove that what is protected in its records is ciphertext",
        "--topic salesforce.orders --sample 1000 --worker worker.properties",
    ),
}
HELP = "Keys of field encryption: list, create, rotate, rewrap under another KMS key, verify."
EXAMPLE = "sfbridge keys verify --worker worker.properties --topic orders --sample 1000"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The group's commands."""
    commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    parsers = {
        name: add_action(commands, name, words, f"keys {name} {example}")
        for name, (words, example) in _ACTIONS.items()
    }
    for one in parsers.values():
        one.add_argument("--worker", type=Path, metavar="W", help="worker.properties")
        one.add_argument(
            "--schema-registry", metavar="URL", help="instead of the worker's schema.registry.url"
        )
        one.add_argument(
            "--contract",
            type=Path,
            metavar="F",
            help="a contract: the KMS keys it names may be asked, its tags count",
        )
        add_output_option(one)
    keys_list.add_arguments(parsers["list"])
    parsers["create"].add_argument("--kek", metavar="NAME", required=True)
    parsers["create"].add_argument(
        "--kms-type", choices=KMS_TYPES, metavar="TYPE", required=True, help=", ".join(KMS_TYPES)
    )
    parsers["create"].add_argument("--kms-key-id", metavar="ID", required=True)
    parsers["create"].add_argument(
        "--shared", action="store_true", help="the registry may use the KMS key itself"
    )
    parsers["create"].add_argument("--subject", metavar="S", help="also its first DEK")
    parsers["create"].add_argument(
        "--algorithm",
        default="AES256_GCM",
        choices=_ALGORITHMS,
        metavar="NAME",
        help=f"{', '.join(_ALGORITHMS)} (default: the first)",
    )
    parsers["rotate"].add_argument("--subject", metavar="S", required=True)
    parsers["rewrap"].add_argument("--kek", metavar="NAME", required=True)
    parsers["rewrap"].add_argument("--to", metavar="KEY_ID", required=True, help="the other key's id")
    parsers["rewrap"].add_argument("--dry-run", action="store_true", help="only say what would be done")
    keys_verify.add_arguments(parsers["verify"])


def run(args: argparse.Namespace) -> int:
    """0 if all went well, 1 if anything is not as it should be."""
    from bridge.encryption.kms import KeyIdError
    from bridge.errors import ConfigurationError, Fault

    try:
        return _run(args)
    except KeyIdError as error:
        if args.action not in ("create", "rewrap"):  # those take one from the command line
            raise
        option = "--kms-key-id" if args.action == "create" else "--to"
        raise ConfigurationError([Fault(option, error.message)]) from None


def _run(args: argparse.Namespace) -> int:
    from bridge.encryption.keys import check_target, create, keks_of, rewrap, rotate

    if args.action == "verify":
        keys_verify.complete(args)
    deks = deks_of(args)
    if args.action == "verify":
        return keys_verify.run(args, deks)
    if args.action == "list":
        return keys_list.run(args, deks)
    if args.action == "create":
        from bridge.encryption.dek_registry import Kek
        from bridge.encryption.envelope import Algorithm

        kek = Kek(args.kek, args.kms_type, args.kms_key_id, {}, args.shared)
        findings = create(deks, kek, subject=args.subject, algorithm=Algorithm(args.algorithm))
        print(f"KEK {args.kek} is registered", file=sys.stderr)
        return _report(args, findings)
    if args.action == "rotate":
        return _report(args, [rotate(deks, rule, args.subject) for rule in _rules(args)])
    (kek,) = keks_of(deks.registry, args.kek)
    check_target(kek, args.to, _alternates(args), worker_of(args)["bridge.kms.allowed.keys"])
    wrapped = rewrap(deks, kek, args.to, dry_run=args.dry_run, stopped=lambda: False)
    return _report(args, counted(wrapped, "rewrapping", "keys"))


def _report(args: argparse.Namespace, findings: Iterable[Found]) -> int:
    """Each as it ends; the exit code."""
    documents, code = [], 0
    for one in findings:
        document = one.document()
        documents.append(document)
        if one.ok is False:
            code = 1
        if args.output != "json":
            print(line_of(one), flush=True)
    if args.output == "json":
        print_json(documents)
    if code:
        failed = sum(1 for one in documents if one.get("ok") is False)
        fail(f"{failed} of {len(documents)} keys are not as they should be")
    return code


def _alternates(args: argparse.Namespace) -> list[str]:
    """The other keys that a contract names for the KEK."""
    from bridge.encryption.identities import ALTERNATES
    from bridge.encryption.rules import KEK_NAME
    from bridge.metadata.sources import read_contract

    if not args.contract:
        return []
    contract = read_contract(args.contract, "--contract")
    rules = [{**contract.properties, **rule.params} for rule in contract.rules if rule.encrypts]
    named = [rule.get(ALTERNATES, "") for rule in rules if rule.get(KEK_NAME) == args.kek]
    return [key.strip() for text in named for key in text.split(",") if key.strip()]


def _rules(args: argparse.Namespace) -> list[Any]:
    """The encryption rules of a subject's latest schema."""
    from bridge.encryption.rules import read_rules
    from bridge.errors import fatal
    from bridge.registry.client import Registry

    registered = Registry(http_of_worker(args)).latest(args.subject)
    if registered is None:
        raise fatal(f"the subject {args.subject} has no schema")
    rules = read_rules(
        registered.rule_set, registered.metadata, lambda text: print(f"note: {text}", file=sys.stderr)
    )
    if not rules:
        raise fatal(f"the schema of {args.subject} has no enabled ENCRYPT rule")
    distinct = {(rule.kek, rule.algorithm): rule for rule in rules}
    return list(distinct.values())
