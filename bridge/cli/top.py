"""``sfbridge top``: how connectors are doing, looked at again and again."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Iterator
from typing import Any

from bridge.cli import terminal
from bridge.cli.arguments import positive
from bridge.cli.output import add_output_option, documents, print_json, print_table
from bridge.cli.signals import stopped_by_signals
from bridge.cli.worker_client import WorkerClient, add_url_option

HELP = (
    "Show all connectors of a worker, or without --url those of this machine: state, events committed, rate, lag. "
    "On a terminal it goes on until Ctrl-C."
)
EXAMPLE = "sfbridge top --once\n  sfbridge top --url http://127.0.0.1:8083 --every 5"

_HEADS = ("connector", "state", "committed", "rate", "lag", "waiting", "dead", "replay id", "worker")
_PAGE = 100  # rows of one answer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Whose connectors, and how often."""
    add_url_option(parser, default=None)
    parser.add_argument(
        "--every", type=positive, default=2, metavar="SECONDS", help="how often to look (default: 2)"
    )
    parser.add_argument("--once", action="store_true", help="look once; so it is where there is no terminal")
    add_output_option(parser, lines=True)


def run(args: argparse.Namespace) -> int:
    """0; raises BridgeError where the worker does not answer."""
    stopped = stopped_by_signals()
    again = not args.once and (args.output == "ndjson" or terminal.rewrites(sys.stdout))
    before: dict[tuple[str, str], tuple[float, float]] = {}
    while not stopped.is_set():
        rows = list(_rows(args.url))
        _add_rates(rows, before)
        _show(args, rows, again)
        if not again or stopped.wait(args.every):
            break
    return 0


def _rows(url: str | None) -> Iterator[dict[str, Any]]:
    if url is not None:
        yield from of_worker(WorkerClient(url))
        return
    from bridge.worker.here import connectors_here

    yield from connectors_here()


def of_worker(client: WorkerClient) -> Iterator[dict[str, Any]]:
    """The connectors of a worker's group, what fails first."""
    page, pages = 1, 1
    while page <= pages:
        answer = client.ask("GET", f"/bridge/v1/connectors?limit={_PAGE}&page={page}")
        for row in answer["items"]:
            dead = row["dead_letters"]
            delivered = row["delivered"]
            yield {
                "connector": row["name"],
                "state": row["connect_state"],
                # as a run says it: dead letters are not among them
                "committed": None if delivered is None else max(0, delivered - (dead or 0)),
                "rate": row["rate"],
                "lag_seconds": row["lag"],
                "dead_letters": dead,
                "errors": row["errors"],
                "replay_id": row["replay_id"],
                "worker": row["worker"] or "",
                "reason": row["reason"],
            }
        page, pages = page + 1, answer["pages"] or 1


def _add_rates(rows: list[dict[str, Any]], before: dict[tuple[str, str], tuple[float, float]]) -> None:
    """Events a second since the look before."""
    now = time.monotonic()
    for row in rows:
        key, committed = (row["connector"], row["worker"]), row.get("committed")
        if committed is None or row.get("rate") is not None:  # a worker tells its own
            continue
        if key in before and committed >= before[key][1]:
            row["rate"] = round((committed - before[key][1]) / max(now - before[key][0], 0.001), 1)
        before[key] = now, committed


def _show(args: argparse.Namespace, rows: list[dict[str, Any]], again: bool) -> None:
    if args.output == "json":
        print_json(rows)
        return
    if args.output == "ndjson":
        with documents(args.output, print) as write:
            for row in rows:
                write(row)
        return
    if again:
        print("\x1b[H\x1b[2J", end="")
        print(f"{time.strftime('%H:%M:%S')}  {len(rows)} connectors, every {args.every} s; Ctrl-C ends it\n")
        rows = rows[: max(1, shutil.get_terminal_size().lines - 5)]
    if rows:
        print_table(_HEADS, [_cells(row) for row in rows])
    else:
        print("no connector runs here" if args.url is None else "the worker has no connector")
    for row in rows:
        if row.get("reason"):
            print(f"{row['connector']}: {str(row['reason']).splitlines()[0]}")
    sys.stdout.flush()


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    lag, rate = row.get("lag_seconds"), row.get("rate")
    cells = (
        row["connector"], row["state"], row.get("committed"), None if rate is None else f"{rate}/s",
        None if lag is None else f"{lag} s", row.get("waiting"), row.get("dead_letters"), row.get("replay_id"),
        row["worker"],
    )  # fmt: skip
    return tuple("-" if cell is None else str(cell) for cell in cells)
