"""``sfbridge keys verify``: whether keys unwrap, and whether what is protected in a topic is ciphertext that opens."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.cli.arguments import positive, since
from bridge.cli.output import fail, print_json
from bridge.cli.progress import Progress, counted

if TYPE_CHECKING:
    from bridge.encryption.dek_registry import Kek
    from bridge.encryption.deks import Deks
    from bridge.encryption.keys import Found
    from bridge.reading.proof import Proof
    from bridge.reading.stretch import Stretch


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    parser.add_argument("--kek", metavar="NAME", help="only this KEK")
    parser.add_argument(
        "--topic",
        metavar="T",
        help="prove its records by the tags of all schema versions and the contract; of the keys only theirs",
    )
    parser.add_argument(
        "--without",
        metavar="KEY_ID",
        help="as if this KMS key were gone: proves that it can be retired (KEKs that do not name it are left out)",
    )
    parser.add_argument("--all", action="store_true", help="with --topic: all keys of the registry, too")
    parser.add_argument(
        "--sample", type=positive, metavar="N", help="at most N records, the older and the newer ones (all)"
    )
    parser.add_argument(
        "--since",
        type=since,
        metavar="TIME|OFFSET",
        help="only records from there on: an offset, a time (2026-01-31T10:00:00Z) or how long ago (24h, 7d)",
    )
    parser.add_argument(
        "--connector",
        type=Path,
        metavar="FILE",
        help="its topic, context and contracts, where they are not given",
    )
    parser.add_argument(
        "--context", metavar="C", help="the context of the schemas and keys (default: default)"
    )


def complete(args: argparse.Namespace) -> None:
    """What is not given, as the connector has it. ConfigurationError for what is wrong in its file or contracts."""
    from bridge.cli.keys_common import worker_of
    from bridge.config import subscription
    from bridge.inspection.configuration import load_connector
    from bridge.kafka.admin import output_topic
    from bridge.metadata.sources import load_contracts

    args.contracts = {}
    if args.connector:
        connector = load_connector(args.connector, worker=worker_of(args))
        args.topic = args.topic or output_topic(connector)
        args.context = args.context or connector.get("schema.context.name")
        if not args.contract:
            events = subscription.events(connector)
            args.contracts = load_contracts(events, connector.get("bridge.schema.contract"))
    args.context = args.context or "default"


def run(args: argparse.Namespace, deks: Deks) -> int:
    """0 where everything is as it should be; 1 with the reasons on stderr, one total last."""
    report: dict[str, Any] = {}
    problems: list[str] = []
    proof = None
    keks = _named(args, deks) if args.without else None
    if args.topic:
        proof, stretch = _prove(args, deks)
        report["topic"], problems = _topic(args, proof, stretch)
    keys = list(_shown(args, counted(_keys(args, deks, proof, keks), "unwrapping", "keys")))
    problems += _unusable(deks, keks or [])
    broken = sum(1 for one in keys if one.ok is False)
    total = f"{len(keys) - broken} of {len(keys)} keys unwrap"
    total += f" without {args.without}" if args.without else ""
    if not keys:
        total = "no key was verified"
        problems += [] if proof else ["the registry has no DEK here, so nothing was verified"]
    if proof is not None:
        total += f"; {_counts(report['topic'])}"
    code = 1 if broken or problems else 0
    if args.output == "json":
        print_json({"ok": not code, "keys": [one.document() for one in keys], **report, "total": total})
    for problem in problems:
        fail(problem)
    if code:
        fail(f"not proved: {total}")
    elif args.output != "json":
        print(total)
    return code


def _named(args: argparse.Namespace, deks: Deks) -> list[Kek]:
    """The KEKs that a key is to be retired from. Fatal where there is none: what is misspelt is always dispensable."""
    from bridge.encryption.keys import keks_of
    from bridge.errors import fatal

    keks = keks_of(deks.registry, args.kek)
    named = [kek for kek in keks if args.without in deks.keys_of(kek)]
    if not named:
        every = sorted({key_id for kek in keks for key_id in deks.keys_of(kek)})
        raise fatal(
            f"no KEK names the key {args.without}, so nothing was verified; there is {', '.join(every) or 'none'}"
        )
    deks.without = frozenset([args.without])
    return named


def _unusable(deks: Deks, keks: list[Kek]) -> list[str]:
    """Where no new DEK could be wrapped without the key."""
    from bridge.errors import BridgeError

    out = []
    for kek in keks:
        try:
            deks.unwrap_probe(kek)
        except BridgeError as error:
            out.append(f"the KEK {kek.name} could wrap no new DEK: {error.message}")
    return out


def _keys(
    args: argparse.Namespace, deks: Deks, proof: Proof | None, keks: list[Kek] | None
) -> Iterator[Found]:
    from bridge.encryption.keys import keks_of, verify_deks

    if proof is None or args.all:
        for kek in keks_of(deks.registry, args.kek) if keks is None else keks:
            yield from verify_deks(deks, kek)
        return
    for name in sorted({kek for kek, _, _ in proof.keys if args.kek in (None, kek)}):
        one = deks.registry.kek(name, deleted=True)
        if one is None:
            continue  # what is said of the record that names it says so
        for subject in sorted({subject for kek, subject, _ in proof.keys if kek == name}):
            yield from verify_deks(deks, one, subject)


def _shown(args: argparse.Namespace, findings: Iterator[Found]) -> Iterator[Found]:
    from bridge.cli.keys_common import line_of

    for one in findings:
        if args.output != "json":
            print(line_of(one), flush=True)
        yield one


def _prove(args: argparse.Namespace, deks: Deks) -> tuple[Proof, Stretch]:
    from bridge.cli.keys_common import http_of_worker, worker_of
    from bridge.kafka.settings import worker_settings
    from bridge.metadata.sources import read_contract
    from bridge.model.subjects import prefix
    from bridge.reading.consumer import Reader
    from bridge.reading.proof import Proof
    from bridge.reading.stretch import Stretch

    contract = read_contract(args.contract, "--contract") if args.contract else None
    proof = Proof(http_of_worker(args), deks, prefix(args.context), args.topic, contract, args.contracts)
    reader = Reader(
        worker_settings("consumer", worker_of(args)),
        args.topic,
        waiting=lambda reason: print(f"waiting for Kafka: {reason}", file=sys.stderr, flush=True),
    )
    stretch = Stretch(reader, args.since, args.sample)
    with Progress(args.topic) as progress:
        for message in stretch.read(progress):
            proof.add(message.value(), message.headers(), f"{message.partition()}/{message.offset()}")
    return proof, stretch


def _topic(args: argparse.Namespace, proof: Proof, stretch: Stretch) -> tuple[dict[str, object], list[str]]:
    """The report, and what keeps it from being a proof."""
    from bridge.reading.proof import document

    proven = document(proof)
    problems = [*proven["problems"], *stretch.held_back]
    if nothing := proof.nothing():
        problems.append(f"nothing was verified: {nothing}")
    report: dict[str, object] = {
        **proven,
        "problems": problems,
        "context": args.context,
        "of": stretch.offsets if args.sample else proof.records,
        "since": args.since.text if args.since else None,
        "skipped": stretch.skipped,
    }
    if args.output != "json":
        for name, count in proven["fields"].items():
            print(f"{'ok':7} {name}: ciphertext in {count} values that opens")
        for name in proven["released"]:
            print(f"note    {name}: the contract has taken the tag away; it may be plaintext")
        if args.since:
            print(
                f"note    only records since {args.since.text}: up to {stretch.skipped} before it were not looked at"
            )
    return report, problems


def _counts(report: dict[str, object]) -> str:
    records = f"{report['records']} of {report['of']} records read"
    if report["since"]:
        records += f" since {report['since']}"
    return (
        f"{records}, {report['encrypted']} with ciphertext that opens, {report['plaintext']} with plaintext"
    )
