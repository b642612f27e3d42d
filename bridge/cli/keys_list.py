"""``sfbridge keys list``: KEKs and DEKs."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from bridge.cli.keys_common import http_of_worker, worker_of
from bridge.cli.output import print_json, print_table

if TYPE_CHECKING:
    from bridge.encryption.deks import Deks
    from bridge.encryption.uses import Key


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    parser.add_argument("--kek", metavar="NAME", help="only this KEK")


_PATIENCE = 5.0  # seconds for the counts; the list is good without them


def run(args: argparse.Namespace, deks: Deks) -> int:
    """Always 0. The KMS is asked once for each DEK of a KEK that has several keys."""
    from bridge.encryption.inventory import HEADERS, Inventory, kek_document, row
    from bridge.encryption.keys import keks_of
    from bridge.registry.client import Registry

    keks = keks_of(deks.registry, args.kek)
    inventory = Inventory(deks, Registry(http_of_worker(args)), _values(args))
    shown = [kek_document(deks, kek) for kek in keks]
    documents = [document for kek in keks for document in inventory.of(kek)]
    if args.output == "json":
        print_json({"keks": shown, "deks": documents})
        return 0
    rows = [
        (
            k["name"],
            k["kmsType"],
            k["kmsKeyId"],
            ", ".join(k["alternates"]) or "-",
            "shared" if k["shared"] else "",
        )
        for k in shown
    ]
    print_table(("kek", "kms type", "kms key", "alternates", ""), rows)
    print()
    print_table(HEADERS, [row(one) for one in documents])
    return 0


def _values(args: argparse.Namespace) -> Mapping[Key, int] | None:
    """How many values the connectors of the worker's group encrypted under each DEK; None where that is not known."""
    from bridge.errors import BridgeError
    from bridge.kafka.committed import NotRead
    from bridge.kafka.settings import worker_settings
    from bridge.kafka.uses import read_uses

    worker = worker_of(args)
    if not worker.get("bootstrap.servers"):
        return None
    ends = time.monotonic() + _PATIENCE
    try:
        settings, topic = worker_settings("consumer", worker), worker["offset.storage.topic"]
        uses = read_uses(settings, topic, stopped=lambda: time.monotonic() > ends)
    except NotRead:
        print(f"note: how many values were encrypted is not known: {topic} takes too long", file=sys.stderr)
        return None
    except BridgeError as error:
        print(f"note: how many values were encrypted is not known: {error.message}", file=sys.stderr)
        return None
    return uses.of()
