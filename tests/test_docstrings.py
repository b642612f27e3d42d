"""Docstrings can be rendered: their tables have straight columns, their literals are closed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.test_house import modules, parsed

RULE = re.compile(r"=+(?: +=+)+")


def docstrings(module: str) -> Iterator[tuple[int, str]]:
    """Line and text of each."""
    for node in ast.walk(parsed(module)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text is not None:
                yield getattr(node, "lineno", 1), text


def faults_of_tables(text: str) -> Iterator[str]:
    """What is wrong with the simple tables (reStructuredText) of a text."""
    lines = text.splitlines()
    rules = [number for number, line in enumerate(lines) if RULE.fullmatch(line)]
    for first in rules:
        if first and not lines[first - 1].strip():
            yield from _faults_of_table(lines, first)
    if rules and lines[: rules[0]] and lines[rules[0] - 1].strip():
        yield "no empty line stands before the table"


def _faults_of_table(lines: list[str], first: int) -> Iterator[str]:
    end = next((n for n in range(first, len(lines)) if not lines[n].strip()), len(lines))
    table = lines[first:end]
    gaps = [match.span() for match in re.finditer(" +", table[0])]
    if len(table) < 3 or not RULE.fullmatch(table[-1]):
        yield f"the table {table[0]!r} is not closed"
    for row in table:
        if RULE.fullmatch(row) and row != table[0]:
            yield f"{row!r} is another rule than {table[0]!r}"
        for start, stop in gaps:
            if not RULE.fullmatch(row) and row[start:stop].strip():
                yield f"{row!r} crosses a column"


@pytest.mark.parametrize("module", modules())
def test_docstrings_can_be_rendered(module: str) -> None:
    for line, text in docstrings(module):
        where = f"{module}:{line}"
        assert not list(faults_of_tables(text)), where
        outside = re.sub(r"::\n\n(?:(?:    .*)?\n?)+", "", text)
        assert outside.count("``") % 2 == 0, f"{where}: a literal is not closed"


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ("A.\n\n==  ==\na   b\n==  ==\n", None),
        ("A.\n\n==  ==\na   b\n==  ==\nc   d\n==  ==\n", None),
        ("A.\n\n==  ==\nabc b\n==  ==\n", "crosses"),
        ("A.\n\n==  ==\na   b\n", "closed"),
        ("A.\n\n==  ==\na   b\n===  =\n", "another rule"),
        ("A.\n==  ==\na   b\n==  ==\n", "empty line"),
    ],
)
def test_a_broken_table_is_noticed(table: str, fault: str | None) -> None:
    found = list(faults_of_tables(table))
    assert (found == []) if fault is None else any(fault in text for text in found)
