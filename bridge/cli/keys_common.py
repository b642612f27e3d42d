"""What the actions of ``sfbridge keys`` share: the worker, its registry, its keys, a line for each DEK."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bridge.config import Config
    from bridge.encryption.deks import Deks
    from bridge.encryption.keys import Found
    from bridge.registry.http import Http


def line_of(one: Found) -> str:
    """One version of a DEK, and what is said of it."""
    document = one.document()
    word = {True: "ok", False: "FAILED", None: ""}[one.ok]
    what = f"{document['kek']} {document['subject']} {document['algorithm']} version {document['version']}"
    return f"{word:7} {what} ({document['age_days']} days) {one.message}".rstrip()


def worker_of(args: argparse.Namespace) -> Config:
    """The worker's configuration."""
    from bridge.config import load_worker

    return load_worker(args.worker)


def http_of_worker(args: argparse.Namespace) -> Http:
    """The registry. ConfigurationError where none is named."""
    from bridge.cli.schemas_files import registry_http

    return registry_http(worker_of(args), args.schema_registry)


def deks_of(args: argparse.Namespace) -> Deks:
    """Keys, with the worker's KMS credentials, asked for in the context where one is named."""
    from bridge.encryption.dek_registry import DekRegistry
    from bridge.encryption.deks import Deks
    from bridge.model.subjects import context_name
    from bridge.routing.guard import executor_params
    from bridge.routing.keys import permitted_by_hand

    context = context_name(getattr(args, "context", ""))
    registry = DekRegistry(http_of_worker(args), context)
    worker = worker_of(args)
    params = executor_params(None, worker)
    told = (getattr(args, "kms_key_id", None), getattr(args, "to", None), *_keys_of_contracts(args))
    return Deks(registry, params, retry_seconds=10, permitted=permitted_by_hand(worker, params, *told))


def _keys_of_contracts(args: argparse.Namespace) -> list[str]:
    """The KMS keys that the given contracts name: an operator's own words."""
    from bridge.metadata.sources import read_contract
    from bridge.routing.keys import contract_keys

    contracts = list(getattr(args, "contracts", {}).values())
    if args.contract:
        contracts.append(read_contract(args.contract, "--contract"))
    meant = contract_keys(contracts).values()
    return [key for each in meant for key in (each.kms_key, *each.alternates) if key]
