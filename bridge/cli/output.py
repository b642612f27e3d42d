"""How commands print: tables for people, JSON for programs, errors on stderr."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

from bridge.cli import terminal
from bridge.cli.streams import UnwrittenError

_GAP: Final = 2  # blanks between columns
_LEAST: Final = 12  # columns that a cell of several words keeps


def add_output_option(parser: argparse.ArgumentParser, *, lines: bool = False) -> None:
    """``-o/--output table|json``, the same for every command that prints data. ``lines``: a command that prints one
    record after another, for which ``json`` is one list and ``ndjson`` a document a line."""
    choices = ("table", "json", "ndjson") if lines else ("table", "json")
    words = "table (default), json: one document" + (
        "; ndjson: a document a line, as it comes" if lines else ""
    )
    parser.add_argument("-o", "--output", choices=choices, default="table", help=words)


def print_json(value: Any) -> None:
    """One JSON document, indented; in UTF-8, or in ASCII where the output's encoding lacks characters."""
    print(json.dumps(value, indent=2, ensure_ascii=not terminal.speaks_unicode(sys.stdout)))


Print = Callable[[Mapping[str, Any]], object]
"""Prints one document of several."""


@contextmanager
def documents(output: str, table: Print) -> Iterator[Print]:
    """Prints documents as they come: with ``json`` the elements of one list, with ``ndjson`` a line each, else as
    ``table`` does."""
    count = 0
    if output == "table":
        yield table
        return

    def write(document: Mapping[str, Any]) -> None:
        nonlocal count
        text = json.dumps(document, ensure_ascii=not terminal.speaks_unicode(sys.stdout))
        before = "" if output == "ndjson" else "[\n" if not count else ",\n"
        print(before + text, end="\n" if output == "ndjson" else "", flush=True)
        count += 1

    try:
        yield write
    finally:
        if output != "ndjson":
            print("\n]" if count else "[]", flush=True)


def print_table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Columns as wide as their widest cell, two blanks between them. Where the terminal is narrower, cells are folded
    between words; where even that has no room, each row is a paragraph."""
    # here: --help prints no table, and what errors are made of takes as long to load as all the rest
    from bridge.errors.words import printable

    cells = [[printable(str(cell)) for cell in row] for row in rows]
    heads = [head.upper() for head in headers]
    room = terminal.columns(sys.stdout)
    natural = [max(terminal.width(line[i]) for line in [heads, *cells]) for i in range(len(heads))]
    widths = natural if room is None else _narrowed(natural, _least(heads, cells), room)
    if widths is None:
        _print_paragraphs(heads, cells, room or 80)
        return
    for line in [heads, *cells]:
        parts = [
            [cell] if room is None else terminal.folded(cell, wide)
            for cell, wide in zip(line, widths, strict=True)
        ]
        for row in range(max(map(len, parts))):
            _print_row([part[row] if row < len(part) else "" for part in parts], widths, line is heads)


def _print_row(texts: list[str], widths: list[int], is_head: bool) -> None:
    padded = [text + " " * (wide - terminal.width(text)) for text, wide in zip(texts, widths, strict=True)]
    padded[-1] = texts[-1]
    if not is_head:
        padded = [terminal.state(text, sys.stdout) for text in padded]
    print((" " * _GAP).join(padded).rstrip())


def _least(heads: list[str], cells: list[list[str]]) -> list[int]:
    """How narrow each column may become: its longest word."""
    return [
        max(terminal.width(word) for line in [heads, *cells] for word in [*line[i].split(), ""])
        for i in range(len(heads))
    ]


def _narrowed(natural: list[int], least: list[int], room: int) -> list[int] | None:
    """Widths that fit, the widest columns made narrower; None where there are none."""
    room -= _GAP * (len(natural) - 1)
    least = [min(wide, max(word, _LEAST)) for wide, word in zip(natural, least, strict=True)]
    if sum(least) > room:
        return None
    widths = list(natural)
    while (over := sum(widths) - room) > 0:
        widest = max(range(len(widths)), key=lambda i: widths[i] - least[i])
        widths[widest] = max(least[widest], widths[widest] - max(1, over // 2))
    return widths


def _print_paragraphs(heads: list[str], cells: list[list[str]], room: int) -> None:
    for number, line in enumerate(cells):
        if number:
            print()
        for head, cell in zip(heads, line, strict=True):
            first, *more = terminal.folded(cell, max(20, room - 4))
            if terminal.width(head) + 2 + terminal.width(cell) <= room:
                print(f"{head}: {terminal.state(cell, sys.stdout)}".rstrip())
            else:
                print("\n".join([f"{head}:", *(f"    {text}" for text in (first, *more))]))


def fail(message: str) -> None:
    """Why a command did not do what it was asked to."""
    with suppress(UnwrittenError):
        sys.stdout.flush()
    print(f"{terminal.painted('sfbridge:', 'red', sys.stderr)} {message}", file=sys.stderr, flush=True)


def late_message(name: str, seconds: float, unfinished: str | None) -> str:
    """What did not end in the time for a shutdown, and what that leaves undone."""
    left = unfinished or "nothing that was received waits to be committed"
    return f"{name}: did not end within bridge.shutdown.timeout.ms={seconds * 1000:.0f}; {left}"
