"""docs/troubleshooting.md quotes what the bridge really says: each message is a sentence of its code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest

from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "troubleshooting.md"
QUOTED = re.findall(r"^\| `([^`]+)` \|", PAGE.read_text(), re.M)


@cache
def sentences() -> tuple[str, ...]:
    """Every text of the code, with ``…`` for what is filled in."""
    trees = (ast.parse(path.read_text()) for path in sorted((ROOT / "bridge").rglob("*.py")))
    return tuple(text for tree in trees for node in ast.walk(tree) for text in _text(node))


def _text(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.JoinedStr):
        yield "".join(str(v.value) if isinstance(v, ast.Constant) else "…" for v in node.values)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


@pytest.mark.parametrize("message", QUOTED)
def test_a_message_is_one_of_ours(message: str) -> None:
    assert any(message in sentence for sentence in sentences())


def test_there_are_messages() -> None:
    assert len(QUOTED) > 25
