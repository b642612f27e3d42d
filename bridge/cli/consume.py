"""``sfbridge consume``: what is in a topic, decoded; a line for each record."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.cli.arguments import positive
from bridge.cli.output import add_output_option, documents
from bridge.cli.signals import stopped_by_signals
from bridge.model.framing import KEY_HEADER

if TYPE_CHECKING:
    from confluent_kafka import Message

    from bridge.config.config import Config
    from bridge.reading.decode import Decoder
    from bridge.reading.decrypt import Decrypter

HELP = "Reads committed records of a topic and decodes them by their schema. Without an end it follows the topic."
EXAMPLE = "sfbridge consume orders --worker worker.properties --from-beginning --max-events 10"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    parser.add_argument("topic", metavar="TOPIC")
    parser.add_argument(
        "--worker", type=Path, metavar="W", help="worker.properties: brokers, logins, registry"
    )
    parser.add_argument(
        "--bootstrap-server", metavar="HOST:PORT", help="instead of the worker's bootstrap.servers"
    )
    parser.add_argument(
        "--from-beginning", action="store_true", help="from the first record, not from now on"
    )
    parser.add_argument("--max-events", type=positive, metavar="N", help="end after N records")
    parser.add_argument(
        "--until-idle", type=float, metavar="SECONDS", help="end when nothing came for so long"
    )
    parser.add_argument(
        "--schema-registry", metavar="URL", help="instead of the worker's schema.registry.url"
    )
    parser.add_argument(
        "--context", default="default", help="the registry's context the schema ids belong to"
    )
    parser.add_argument(
        "--decrypt", action="store_true", help="open encrypted fields and dead letters (needs the keys' KMS)"
    )
    add_output_option(parser, lines=True)


def run(args: argparse.Namespace) -> int:
    """Read until the goal is reached or a signal comes; both are exit code 0."""
    from bridge import log
    from bridge.kafka.settings import worker_settings
    from bridge.reading.consumer import Reader

    worker = _worker(args)
    log.configure(level="WARNING")
    stopped = stopped_by_signals()
    reader = Reader(
        worker_settings("consumer", worker),
        args.topic,
        from_beginning=args.from_beginning,
        waiting=lambda reason: print(f"waiting for Kafka: {reason}", file=sys.stderr, flush=True),
        stopped=stopped.is_set,
    )
    decoder = _decoder(args, worker)
    values = _decrypter(args, worker) if args.decrypt else None
    with documents(args.output, _print_line) as show:
        for message in reader.read(max_events=args.max_events, until_idle=args.until_idle):
            show(describe(message, decoder, values))
    return 0


def describe(message: Message, decoder: Decoder, decrypter: Decrypter | None = None) -> dict[str, Any]:
    """A record as one JSON object."""
    headers, raw = message.headers(), _bytes(message.value())
    key = decoder.decode(_bytes(message.key()), headers, KEY_HEADER)
    value = (decoder if decrypter is None else decrypter).decode(raw, headers)
    kind, at = message.timestamp()
    document: dict[str, Any] = {
        "topic": message.topic(),
        "partition": message.partition(),
        "offset": message.offset(),
        "timestamp": at if kind else None,
        "key": key.value,
        "value": value.value,
    }
    headers = {str(name): _text(content) for name, content in dict(message.headers() or ()).items()}
    notes = [note for note in (key.note, value.note) if note]
    more = {"headers": headers, "schema_id": value.schema_id, "note": "; ".join(notes)}
    return document | {name: one for name, one in more.items() if one not in ({}, None, "")}


def _print_line(record: Mapping[str, Any]) -> None:
    """Partition, offset, time, key, value."""
    from bridge.reading.decode import iso_time

    at = iso_time(record["timestamp"]) if record["timestamp"] is not None else "-"
    key = "-" if record["key"] is None else _short(record["key"])
    note = f"  ({record['note']})" if "note" in record else ""
    where = f"{record['partition']:>3} {record['offset']:>8}"
    print(f"{where}  {at}  {key}  {_short(record['value'])}{note}", flush=True)


def _short(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _worker(args: argparse.Namespace) -> Config:
    """The worker's configuration, options of the command line laid over it."""
    from bridge.config import Config, load_worker

    worker = load_worker(args.worker)
    options = {"bootstrap.servers": args.bootstrap_server, "schema.registry.url": args.schema_registry}
    given = {key: text for key, text in options.items() if text}
    return Config({**worker, **given}, {**worker.raw(), **given}, worker.name)


def _decoder(args: argparse.Namespace, worker: Config) -> Decoder:
    from bridge.config.registry import registry_properties
    from bridge.model.subjects import prefix
    from bridge.reading.decode import Decoder
    from bridge.registry.http import http_of

    settings = registry_properties({}, worker.raw())
    registry = http_of(settings, retry_seconds=10, longest_wait=2) if settings.get("url") else None
    return Decoder(registry, prefix(args.context))


def _decrypter(args: argparse.Namespace, worker: Config) -> Decrypter:
    from bridge.config.registry import registry_properties
    from bridge.encryption.dek_registry import DekRegistry
    from bridge.encryption.deks import Deks
    from bridge.errors import ConfigurationError, Fault
    from bridge.model.subjects import context_name, prefix
    from bridge.reading.decrypt import Decrypter
    from bridge.registry.http import http_of
    from bridge.routing.guard import executor_params
    from bridge.routing.keys import permitted_by_hand

    settings = registry_properties({}, worker.raw())
    if not settings.get("url"):
        raise ConfigurationError(
            [Fault("schema.registry.url", "is needed for --decrypt: keys are kept there")]
        )
    http = http_of(settings, retry_seconds=10, longest_wait=2)
    params = executor_params(None, worker)
    keks = DekRegistry(http, context_name(args.context))
    deks = Deks(keks, params, retry_seconds=10, permitted=permitted_by_hand(worker, params))
    return Decrypter(http, deks, prefix(args.context), args.topic)


def _bytes(content: object) -> bytes | None:
    return content if isinstance(content, bytes) else content.encode() if isinstance(content, str) else None


def _text(content: object) -> str | None:
    if content is None:
        return None
    return content.decode("utf-8", "replace") if isinstance(content, bytes) else str(content)
