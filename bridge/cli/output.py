"""How commands print: tables for people, JSON for programs, errors on stderr."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from bridge.errors.words import printable


def add_output_option(parser: argparse.ArgumentParser) -> None:
    """``-o/--output table|json``, the same for every command that prints data."""
    parser.add_argument(
        "-o", "--output", choices=("table", "json"), default="table", help="how to print (default: table)"
    )


def print_json(value: Any) -> None:
    """One JSON document, indented, in UTF-8."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Columns as wide as their widest cell, two blanks between them."""
    lines = [[printable(str(cell)) for cell in row] for row in rows]
    widths = [max([len(head), *(len(line[i]) for line in lines)]) for i, head in enumerate(headers)]
    for line in [[head.upper() for head in headers], *lines]:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def fail(message: str) -> None:
    """Why a command did not do what it was asked to."""
    sys.stdout.flush()
    print(f"sfbridge: {message}", file=sys.stderr, flush=True)


def late_message(name: str, seconds: float, unfinished: str | None) -> str:
    """What did not end in the time for a shutdown, and what that leaves undone."""
    left = unfinished or "nothing that was received waits to be committed"
    return f"{name}: did not end within bridge.shutdown.timeout.ms={seconds * 1000:.0f}; {left}"
