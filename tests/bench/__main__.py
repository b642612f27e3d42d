"""``make bench``: every promised number, measured in one run beside the floor loop and a plain Python bridge.

The floor takes turns with each variant, because a machine's speed drifts by more than the differences of interest: a
ratio is the median of (variant / its own floor). A promise that is not kept makes the exit code 1.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.bench import contest, encoders, history, scenarios
from tests.bench.connectors import connectors
from tests.bench.cycles import cycles
from tests.bench.group import group
from tests.bench.latency import latency
from tests.bench.pause import pause
from tests.bench.pubsub import pubsub
from tests.bench.restart import restart
from tests.bench.setting import Bench
from tests.bench.size import size
from tests.bench.starts import starts
from tests.bench.table import Row, print_rows

# Name → what it measures. "parts" are benchmarks of single steps, in modules of their own.
GROUPS: dict[str, tuple[str, Callable[[Bench], list[Row]]]] = {
    "cpu": ("CPU per event of the bridge, beside the floor and a plain Python bridge", contest.cpu),
    "kinds": ("the same on other kinds of events: dates together, long texts, many fields", contest.kinds),
    "conversion": ("reading and encoding alone, by format and kind of events", encoders.conversion),
    "exactly-once": ("what exactly-once costs in throughput", scenarios.exactly_once),
    "latency": ("socket write to read_committed consumer, at 100 events/s", latency),
    "memory": ("resident memory over many events", scenarios.memory),
    "reply": ("peak memory with a reply of 100 MB", scenarios.large_reply),
    "pubsub": ("the same by the Pub/Sub API, beside a floor by gRPC", pubsub),
    "connectors": ("what one more connector costs a worker", connectors),
    "starts": ("what an org sees while 100 connectors of one user start, and how long that takes", starts),
    "pause": ("the longest pause while 50 routes are looked up again, registry at 100 ms", pause),
    "restart": ("100 connectors again, 1,000,000 records of positions to read", restart),
    "cycles": ("what 300 connectors that were made, restarted and deleted leave behind", cycles),
    "group": ("what a group of 20,000 connectors costs, without Kafka", group),
    "start": ("sfbridge run to the first committed event, with registry and fencing", scenarios.start),
    "size": ("how much room an installation takes", size),
    "help": ("time of sfbridge --help", scenarios.help_time),
}
PARTS = ("receive", "encoders", "encryption", "transforms")


def main() -> int:
    """Run what was asked for; 0 when every promise measured is kept."""
    parser = _parser()
    args = parser.parse_args()
    names = [*GROUPS, *PARTS]
    if unknown := [name for name in args.only if name not in names]:
        parser.error(f"no group {', '.join(unknown)}: choose from {', '.join(names)}")
    chosen = args.only or names
    rows: list[Row] = []
    if any(name in GROUPS for name in chosen):
        with tempfile.TemporaryDirectory(prefix="sfbridge-bench-") as folder:
            bench = Bench(Path(folder), args.events, args.repeat, args.million * 1_000_000)
            try:
                for name in GROUPS:
                    if name in chosen:
                        print(f"… {name}: {GROUPS[name][0]}", file=sys.stderr, flush=True)
                        rows += _measured(name, bench)
            finally:
                bench.close()
        print_rows(rows)
        before = history.last()
        for line in history.changes(rows, before) or ["no earlier run on this class of machine"]:
            print(line)
        if not args.no_history:
            history.append(rows)
        if args.output:
            args.output.write_text(json.dumps([row.as_json() for row in rows], indent=2) + "\n")
    broken = [row.name for row in rows if row.ok is False]
    for name in PARTS:
        if name in chosen:
            print(f"\n{name}", flush=True)
            if importlib.import_module(f"tests.bench.{name}").main():
                broken.append(name)
    if broken:
        print(f"not as promised: {', '.join(broken)}", file=sys.stderr)
    return 1 if broken else 0


def _measured(name: str, bench: Bench) -> list[Row]:
    """A group's rows; of one that could not be measured, what it said: the others are not lost with it."""
    try:
        return GROUPS[name][1](bench)
    except SystemExit as failure:
        print(failure, file=sys.stderr, flush=True)
        return [Row(name, value="could not be measured", ok=False)]


def _parser() -> argparse.ArgumentParser:
    lines = [f"  {name:14}{text}" for name, (text, _) in GROUPS.items()]
    lines += [f"  {name:14}single steps: python -m tests.bench.{name}" for name in PARTS]
    parser = argparse.ArgumentParser(
        prog="make bench ARGS=…",
        description=__doc__,
        epilog="groups:\n" + "\n".join(lines),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("only", nargs="*", metavar="GROUP", help="default: all of them")
    parser.add_argument("--repeat", type=int, default=7, help="rounds of each contest (default 7)")
    parser.add_argument("--events", type=int, default=60_000, help="events of a turn (default 60000)")
    parser.add_argument(
        "--million", type=int, default=2, help="millions of events of the memory run (default 2)"
    )
    parser.add_argument(
        "--no-history", action="store_true", help="do not add the run to tests/bench/history.jsonl"
    )
    parser.add_argument("--output", type=Path, help="write the rows as JSON, too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
