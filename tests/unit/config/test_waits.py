"""Every wait has an end and a name: the table of docs/operations.md is that of the code, and the code uses it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge import waits
from bridge.config import waits as document
from bridge.config.declarations import CONNECTOR, WORKER
from bridge.waits import Wait

NAMES = {id(value): name for name, value in vars(waits).items() if isinstance(value, Wait)}
EVERY = [pytest.param(wait, id=NAMES[id(wait)]) for wait in waits.EVERY]
FILES = [path for path in Path(waits.__file__).parent.rglob("*.py") if path.name != "waits.py"]
SOURCES = "".join(path.read_text("utf-8") for path in FILES)
LIMITS = {"timeout", "request_timeout", "operation_timeout", "connect_timeout", "read_timeout"}


def test_the_page_is_in_step() -> None:
    text = document.TARGET.read_text("utf-8")
    assert document.table() in text, "run python -m bridge.config.waits"
    assert document.page(text) == text


@pytest.mark.parametrize("wait", EVERY)
def test_each_wait_says_what_it_is_for_how_long_it_lasts_and_what_is_said(wait: Wait) -> None:
    assert wait.what
    assert wait.said
    assert document.longest(wait)


@pytest.mark.parametrize("wait", [one for one in EVERY if one.values[0].keys])
def test_each_property_of_a_wait_is_one(wait: Wait) -> None:
    declared = {one.key for catalogue in (CONNECTOR, WORKER) for one in catalogue}
    assert [key for key in wait.keys if key not in declared and not key.startswith("producer.")] == []


@pytest.mark.parametrize("wait", [one for one in EVERY if one.values[0].seconds is not None])
def test_the_code_takes_its_limit_from_the_declaration(wait: Wait) -> None:
    name = NAMES[id(wait)]
    if wait is not waits.ASKED:  # its one use is beside it
        assert re.search(rf"\b{name}\.(longest|seconds)\b", SOURCES)


def test_a_property_that_bounds_a_wait_of_the_connector_is_in_the_table() -> None:
    """A new time limit has to be put into the table."""
    bounded = {key for wait in waits.EVERY for key in wait.keys}
    ends = (".time.ms", ".timeout.ms", ".watchdog.ms", ".timeout")
    assert {one.key for one in CONNECTOR if one.key.endswith(ends)} <= bounded


def test_no_request_has_a_limit_of_its_own() -> None:
    """Of five seconds and more: what is shorter is a turn in a loop, and a thread that ends is no request. The
    demonstration reads from servers in its own process."""
    own = [
        f"{path.name}:{call.lineno}"
        for path in FILES
        if "sandbox" not in path.parts
        for call in _limited(path)
    ]
    assert own == []


def _limited(path: Path) -> Iterator[ast.Call]:
    """Calls with a number for a time limit."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and "join" not in ast.unparse(node.func):
            for given in node.keywords:
                value = given.value.value if isinstance(given.value, ast.Constant) else 0
                if given.arg in LIMITS and isinstance(value, int | float) and value >= 5:
                    yield node
