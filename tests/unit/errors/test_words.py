"""What of others a sentence may hold: no control characters, no event's value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bridge
from bridge.cli.output import print_table
from bridge.errors import ConfigurationError, Fatal, Fault, Stage
from bridge.errors.words import _HOLD_EVENTS, exception_words, name_words, printable, traceback_words, words
from bridge.formats.bad_values import UnknownField

FORGED = "no\x1b[2J\r\n2026-01-01 ERROR fake\u202etxt\x00\x85\u2028end"


@given(st.text())
def test_what_is_printable_is_one_line_without_control_characters(text: str) -> None:
    assert printable(text).isprintable()
    assert len(printable(text)) == len(text)
    assert len(words(text)) <= 200


def test_an_error_holds_none_whoever_is_quoted_in_it() -> None:
    assert Fatal(FORGED, stage=Stage.SCHEMA).message.isprintable()
    refused = ConfigurationError([Fault("a", FORGED), Fault("b", "is wrong")])
    assert len(refused.message.splitlines()) == 2
    assert all(line.isprintable() for line in refused.message.splitlines())


def test_a_table_holds_none(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["key"], [[FORGED]])
    assert [line.isprintable() for line in capsys.readouterr().out.splitlines()] == [True, True]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Customer_Email__c", True),
        ("Billing__c.Street", True),
        ("z@example.org", False),
        ("Zdenka T", False),
        ("", False),
    ],
)
def test_a_name_is_quoted_where_it_is_one(name: str, shown: bool) -> None:
    assert (name_words(name) == name) is shown
    assert ((name or "\0") in UnknownField("E__e", name, 7).message) is shown


def raised_in(module: str, text: str) -> ValueError:
    """An exception that quotes a value, out of the code of a module."""
    names: dict[str, Any] = {"__name__": module}
    exec(compile("def read(text):\n    return float(text)\n", "reader.py", "exec"), names)
    with pytest.raises(ValueError, match=text) as caught:
        names["read"](text)
    return caught.value


def test_an_exception_of_what_holds_events_is_called_by_its_class() -> None:
    error = raised_in("bridge.formats.reader", "zdenka")
    assert exception_words(error) == "ValueError"
    assert "zdenka" not in traceback_words(error)
    assert "reader.py" in traceback_words(error)
    error = raised_in("bridge.worker.state", "zdenka")
    assert exception_words(error) == "ValueError: could not convert string to float: 'zdenka'"
    assert "zdenka" in traceback_words(error)
    assert "zdenka" not in traceback_words(error, of_event=True)


def test_a_cause_that_holds_events_silences_the_others() -> None:
    outer = RuntimeError("told by zdenka")
    outer.__cause__ = raised_in("bridge.transforms.smt.cast", "zdenka")
    assert "zdenka" not in traceback_words(outer)
    assert "RuntimeError" in traceback_words(outer)
    ours = Fatal("known", stage=Stage.SCHEMA)
    ours.__cause__ = outer.__cause__
    assert "known" in traceback_words(ours)
    assert "zdenka" not in traceback_words(ours)


def test_the_rooms_that_hold_events_are_there() -> None:
    """One that is moved must not begin to speak."""
    for room in _HOLD_EVENTS:
        path = Path(bridge.__file__).parent / room.replace(".", "/")
        assert path.is_dir() or path.with_suffix(".py").is_file() or room == "letters", room
