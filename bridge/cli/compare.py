"""``sfbridge compare``: two topics side by side, the managed connector's and ours, say."""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.cli.arguments import since, until
from bridge.cli.output import add_output_option, fail, print_json, print_table
from bridge.cli.progress import Progress
from bridge.cli.signals import stopped_by_signals

if TYPE_CHECKING:
    from bridge.inspection.comparing import Comparison
    from bridge.inspection.sides import Side

HELP = (
    "Compare two topics that carry the same events, each decoded by its own schemas: what is missing, double, out of "
    "order, different. Exit code 1 where anything differs; no value is printed."
)
EXAMPLE = (
    "sfbridge compare orders-managed orders --worker worker.properties --since 24h\n"
    "  sfbridge compare orders-managed orders --connector connector.json --worker worker.properties --decrypt"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The topics, and how they are read."""
    parser.add_argument("topic_a", metavar="TOPIC_A", help="what is there")
    parser.add_argument("topic_b", metavar="TOPIC_B", help="what is to be like it")
    parser.add_argument(
        "--worker", type=Path, metavar="W", help="worker.properties: brokers, logins, registry"
    )
    parser.add_argument(
        "--worker-b", type=Path, metavar="W", help="that of TOPIC_B, where it is on another cluster"
    )
    parser.add_argument(
        "--connector", type=Path, metavar="FILE", help="who writes TOPIC_B: its context, registry and keys"
    )
    parser.add_argument(
        "--context-a", metavar="C", help="the registry's context of TOPIC_A (default: looked for)"
    )
    parser.add_argument(
        "--context-b", metavar="C", help="that of TOPIC_B (default: the connector's, else looked for)"
    )
    parser.add_argument(
        "--since", type=since, metavar="TIME", help="only records from then on, or 24h, 7d ago"
    )
    parser.add_argument("--until", type=until, metavar="TIME", help="only records before then")
    parser.add_argument(
        "--align", metavar="FIELD", help="what names an event (default: EventUuid, else ReplayId)"
    )
    parser.add_argument(
        "--ignore", action="append", default=[], metavar="FIELD", help="may differ; may be repeated"
    )
    parser.add_argument(
        "--decrypt", action="store_true", help="compare encrypted fields, too (needs the keys' KMS)"
    )
    add_output_option(parser)


def run(args: argparse.Namespace) -> int:
    """0 where nothing differs, 1 where something does."""
    stopped = stopped_by_signals()  # before the imports, which take a while
    from bridge import log
    from bridge.inspection.comparing import compare

    log.configure(level="WARNING")
    with ExitStack() as stack:
        a = _side(args, stack, args.topic_a, None, args.worker, args.context_a)
        b = _side(args, stack, args.topic_b, args.connector, args.worker_b or args.worker, args.context_b)
        a.stopped = b.stopped = stopped.is_set
        with Progress("comparing") as progress:
            comparison = compare(a, b, align=args.align, ignored=args.ignore, progress=progress)
    if stopped.is_set():
        fail("stopped before the end of the topics, so nothing is concluded")
        return 1
    if args.output == "json":
        print_json(comparison.document())
    else:
        _print(comparison)
    return _verdict(comparison)


def _side(
    args: argparse.Namespace,
    stack: ExitStack,
    topic: str,
    connector: Path | None,
    worker: Path | None,
    context: str | None,
) -> Side:
    from bridge.cli.consume_source import source_of
    from bridge.inspection.sides import Side

    said = argparse.Namespace(
        topic=topic,
        connector=connector,
        worker=worker,
        context=context,
        bootstrap_server=None,
        schema_registry=None,
    )
    source = stack.enter_context(source_of(said))
    return Side(source, args.since, args.until, args.decrypt, _waiting)


def _print(comparison: Comparison) -> None:
    a, b = comparison.a, comparison.b
    print(f"A {a.topic}: {a.records} records; B {b.topic}: {b.records} records")
    print(f"{comparison.pairs} events are in both, by {comparison.aligned}")
    if comparison.outside:
        print(f"{comparison.outside} are before or after all that the other topic holds, and are not judged")
    if comparison.uncompared:
        print(f"{comparison.uncompared} are too far apart to compare their fields")
    if comparison.sealed:
        print(f"encrypted, and compared with --decrypt only: {', '.join(comparison.sealed)}")
    if comparison.kinds:
        print()
        rows = [
            (kind.what, kind.where or "-", one.count, one.event or "-", one.a or "-", one.b or "-")
            for kind, one in comparison.kinds.items()
        ]
        print_table(("difference", "field", "count", "first event", "in a", "in b"), rows)
    for text in comparison.held_back:
        print(f"not all could be read: {text}")
    if comparison.schema:
        print("\nschemas")
        for line in comparison.schema:
            print(f"  {line}")


def _verdict(comparison: Comparison) -> int:
    if not comparison.compared:
        why = "all that are in both are too far apart" if comparison.pairs else "no event is in both topics"
        fail(f"{why}, so nothing was compared")
        return 1
    if comparison.equal:
        return 0
    count = len(comparison.kinds) + bool(comparison.schema) + bool(comparison.held_back)
    fail(f"{comparison.a.topic} and {comparison.b.topic} differ in {count} ways")
    return 1


def _waiting(reason: str) -> None:
    print(f"waiting for Kafka: {reason}", file=sys.stderr, flush=True)
