"""``sfbridge consume``: what is in a topic, decoded; a line for each record."""

from __future__ import annotations

import argparse
import base64
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.cli.arguments import positive, seconds
from bridge.cli.output import add_output_option, documents
from bridge.cli.signals import stopped_by_signals

if TYPE_CHECKING:
    pass

HELP = "Reads committed records of a topic and decodes them by their schema. Without an end it follows the topic."
EXAMPLE = (
    "sfbridge consume --connector connector.json --worker worker.properties --from-beginning --max-events 10\n"
    "  sfbridge consume orders --worker worker.properties --decrypt"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    parser.add_argument(
        "topic", metavar="TOPIC", nargs="?", help="the topic; with --connector, where that does not say it"
    )
    parser.add_argument(
        "--connector",
        type=Path,
        metavar="FILE",
        help="take topic, context, registry, logins and keys from this connector",
    )
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
        "--until-idle", type=seconds, metavar="SECONDS", help="end when nothing came for so long"
    )
    parser.add_argument(
        "--schema-registry", metavar="URL", help="instead of the worker's schema.registry.url"
    )
    parser.add_argument(
        "--context",
        metavar="C",
        help="the registry's context that the schema ids belong to (default: the connector's; without one it is "
        "looked for)",
    )
    parser.add_argument(
        "--decrypt", action="store_true", help="open encrypted fields and dead letters (needs the keys' KMS)"
    )
    add_output_option(parser, lines=True)


def run(args: argparse.Namespace) -> int:
    """Read until the goal is reached or a signal comes; both are exit code 0."""
    stopped = stopped_by_signals()  # before the imports, which take a while
    from bridge import log
    from bridge.cli.consume_source import source_of
    from bridge.errors import Retriable
    from bridge.reading.consumer import Reader
    from bridge.reading.source import document

    log.configure(level="WARNING")
    with source_of(args) as source, documents(args.output, _print_line) as show:
        reader = Reader(
            source.kafka,
            source.topic,
            from_beginning=args.from_beginning,
            waiting=lambda reason: print(f"waiting for Kafka: {reason}", file=sys.stderr, flush=True),
            stopped=stopped.is_set,
        )
        keys, values = source.decoder("key"), source.decoder(decrypt=args.decrypt)
        try:
            for message in reader.read(max_events=args.max_events, until_idle=args.until_idle):
                show(document(message, keys, values))
        except Retriable:
            if not stopped.is_set():
                raise
    return 0


def _print_line(record: Mapping[str, Any]) -> None:
    """Partition, offset, time, key, value."""
    from bridge.reading.decode import iso_time

    at = iso_time(record["timestamp"]) if record["timestamp"] is not None else "-"
    has_key = record["key"] is not None or "key" in record.get("undecoded", {})
    key = _part(record, "key") if has_key else "-"
    note = f"  ({record['note']})" if "note" in record else _dead(record.get("headers") or {})
    where = f"{record['partition']:>3} {record['offset']:>8}"
    print(f"{where}  {at}  {key}  {_part(record, 'value')}{note}", flush=True)


def _dead(headers: Mapping[str, str | None]) -> str:
    """Of a dead letter, where it failed and why."""
    from bridge.errors.words import printable
    from bridge.kafka.dead_letter import PREFIX

    reason = headers.get(PREFIX + "exception.message")
    return "" if reason is None else f"  (put aside: {headers.get(PREFIX + 'stage')}: {printable(reason)})"


def _part(record: Mapping[str, Any], name: str) -> str:
    """Key or value in one line; of bytes that could not be decoded, how many there are."""
    bare = record.get("undecoded", {}).get(name)
    if bare is not None:
        return f"[{len(base64.b64decode(bare['base64']))} bytes]"
    return json.dumps(record[name], ensure_ascii=False)
