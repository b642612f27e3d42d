"""What the matrix says of tests elsewhere is so: each is there, and asks for what is to be said."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.chaos.elsewhere import TABLE, Elsewhere, ids

TESTS = Path(__file__).parents[1]


@cache
def module(path: str) -> tuple[dict[str, ast.FunctionDef], dict[str, ast.stmt]]:
    """The functions of a test file, and its constants."""
    body = ast.parse((TESTS / path).read_text("utf-8")).body
    functions = {node.name: node for node in body if isinstance(node, ast.FunctionDef)}
    constants = {
        target.id: node
        for node in body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return functions, constants


def texts(test: str) -> str:
    """Every text in a test, its decorators and the constants that it names."""
    path, _, name = test.partition("::")
    functions, constants = module(path)
    function = functions[name]
    named = [
        constants[node.id]
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and node.id in constants
    ]
    return "\n".join(
        str(node.value)
        for root in (function, *named)
        for node in ast.walk(root)
        if isinstance(node, ast.Constant)
    )


@pytest.mark.parametrize("test", ids())
def test_it_is_there(test: str) -> None:
    path, _, name = test.removeprefix("tests/").partition("::")
    assert name.startswith("test_")
    assert name in module(path)[0]


@pytest.mark.parametrize("line", [line for line in TABLE if line.said], ids=lambda line: line.situation)
def test_it_asks_for_what_is_to_be_said(line: Elsewhere) -> None:
    assert line.said
    assert line.said in texts(line.tests[0])


def test_no_situation_stands_there_twice() -> None:
    assert len({line.situation for line in TABLE}) == len(TABLE)
