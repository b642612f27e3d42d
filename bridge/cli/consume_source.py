"""Where ``sfbridge consume`` reads and by what it decodes: said by a connector's file, or by the command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from attrs import evolve

from bridge.errors import ConfigurationError, Fault

if TYPE_CHECKING:
    from bridge.config import Config, Loaded
    from bridge.encryption.deks import Deks
    from bridge.reading.source import Source
    from bridge.registry.http import Http


@contextmanager
def source_of(args: argparse.Namespace) -> Iterator[Source]:
    """What the command line says. Raises ConfigurationError, and what a service account's keys raise."""
    if args.connector is None:
        if args.topic is None:
            why = "is needed: name a topic, or the connector that writes it (--connector FILE)"
            raise ConfigurationError([Fault("TOPIC", why)])
        yield _of_worker(args)
        return
    from bridge import log
    from bridge.inspection.configuration import load
    from bridge.kafka.service_account import looking
    from bridge.reading.source import source_of as connectors_source

    for option, given in (
        ("--bootstrap-server", args.bootstrap_server),
        ("--schema-registry", args.schema_registry),
    ):
        if given:
            why = "does not go with --connector, which says it; --worker names the worker's file"
            raise ConfigurationError([Fault(option, why)])
    loaded = load(args.connector, args.worker)
    log.register_secrets(loaded.secrets())
    with looking(loaded, "consume", _note) as keyed:
        source = connectors_source(keyed, args.topic or _topic(keyed))
        yield source if args.context is None else evolve(source, context=args.context)


def _topic(loaded: Loaded) -> str:
    from bridge.kafka.admin import output_topics

    names = output_topics(loaded.connector)
    if len(names) == 1:
        return names[0]
    several = f"it writes to {', '.join(names)}" if names else "its topic depends on the event"
    why = f"must be named before --connector {loaded.connector.name}: {several}"
    raise ConfigurationError([Fault("TOPIC", why)])


def _of_worker(args: argparse.Namespace) -> Source:
    from bridge.config.registry import registry_properties
    from bridge.kafka.settings import worker_settings
    from bridge.reading.source import Source
    from bridge.registry.http import http_of
    from bridge.routing.look import RETRY

    worker = _worker(args)
    settings = registry_properties({}, worker.raw())
    registry = http_of(settings, retry_seconds=RETRY, longest_wait=2) if settings.get("url") else None
    kafka = worker_settings("consumer", worker)
    return Source(kafka, args.topic, registry, args.context, lambda context: _deks(worker, registry, context))


def _deks(worker: Config, registry: Http | None, context: str) -> Deks:
    from bridge.encryption.dek_registry import DekRegistry
    from bridge.encryption.deks import Deks
    from bridge.model.subjects import context_name
    from bridge.routing.guard import executor_params
    from bridge.routing.keys import permitted_by_hand
    from bridge.routing.look import RETRY

    assert registry is not None
    params = executor_params(None, worker)
    keks = DekRegistry(registry, context_name(context))
    return Deks(keks, params, retry_seconds=RETRY, permitted=permitted_by_hand(worker, params))


def _worker(args: argparse.Namespace) -> Config:
    """The worker's configuration, options of the command line laid over it."""
    from bridge.config import Config, load_worker

    worker = load_worker(args.worker)
    options = {"bootstrap.servers": args.bootstrap_server, "schema.registry.url": args.schema_registry}
    given = {key: text for key, text in options.items() if text}
    return Config({**worker, **given}, {**worker.raw(), **given}, worker.name)


def _note(text: str) -> None:
    print(f"note: {text}", file=sys.stderr)
