"""``sfbridge keys list``: KEKs and DEKs."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from bridge.cli.output import print_json, print_table

if TYPE_CHECKING:
    from bridge.encryption.deks import Deks


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    parser.add_argument("--kek", metavar="NAME", help="only this KEK")


def run(args: argparse.Namespace, deks: Deks) -> int:
    """Always 0. The KMS is asked once for each DEK of a KEK that has several keys."""
    from bridge.cli.keys_common import http_of_worker
    from bridge.encryption.inventory import HEADERS, Inventory, kek_document, row
    from bridge.encryption.keys import keks_of
    from bridge.registry.client import Registry

    keks = keks_of(deks.registry, args.kek)
    inventory = Inventory(deks, Registry(http_of_worker(args)))
    shown = [kek_document(deks, kek) for kek in keks]
    found = [document for kek in keks for document in inventory.of(kek)]
    if args.output == "json":
        print_json({"keks": shown, "deks": found})
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
    print_table(HEADERS, [row(one) for one in found])
    return 0
