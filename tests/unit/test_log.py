"""Logs: who speaks, about which event; no secret, and no traceback for an error of ours."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import log
from bridge.errors import BadRecord, Stage


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)
    log.forget_secrets()


def lines(format: str, level: str = "INFO") -> io.StringIO:
    stream = io.StringIO()
    log.configure(format, level, stream)
    return stream


def test_text_line() -> None:
    out = lines("text")
    log.for_connector("orders").info("subscribed", extra={"replay_id": 7, "channel": "/event/A b"})
    assert re.fullmatch(
        r'[-\d]{10} [:\d]{8}\.\d{3} INFO    orders  subscribed  replay_id=7 channel="/event/A b"\n',
        out.getvalue(),
    )


def test_json_line() -> None:
    out = lines("json")
    log.for_connector("orders").warning(
        "late by %d s", 3, extra={"replay_id": 7, "stage": Stage.RECEIVE, "x": 1.5}
    )
    (line,) = out.getvalue().splitlines()
    entry = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry.pop("ts"))
    assert entry == {
        "level": "WARNING",
        "logger": "bridge",
        "connector": "orders",
        "stage": "RECEIVE",
        "replay_id": 7,
        "x": 1.5,
        "message": "late by 3 s",
    }


@pytest.mark.parametrize("format", ["text", "json"])
def test_an_error_of_ours_brings_stage_and_position_but_no_traceback(format: str) -> None:
    out = lines(format)
    try:
        raise BadRecord("the payload is not JSON", stage=Stage.PARSE, position=42)
    except BadRecord:
        log.for_connector("orders").error("event skipped", exc_info=True)
    text = out.getvalue()
    assert "Traceback" not in text
    assert "event skipped: the payload is not JSON" in text
    assert "42" in text
    assert "PARSE" in text


def test_an_error_of_ours_shows_its_traceback_at_debug_and_a_bug_always() -> None:
    for level, error in (("DEBUG", BadRecord("bad", stage=Stage.PARSE)), ("INFO", ZeroDivisionError("bug"))):
        out = lines("json", level)
        try:
            raise error
        except Exception:
            logging.getLogger("bridge").exception("failed")
        assert "Traceback" in json.loads(out.getvalue())["exception"]


@pytest.mark.parametrize("format", ["text", "json"])
def test_secrets_are_masked_wherever_they_slip_in(format: str) -> None:
    secret = 'p&ss "wörd"\\1'
    log.register_secrets([secret])
    out = lines(format)
    logger = log.for_connector("orders")
    logger.info(
        "login with %s",
        secret,
        extra={"body": {"password": secret}, "url": "x?p=p%26ss%20%22w%C3%B6rd%22%5C1"},
    )
    try:
        raise ValueError(f"bad {secret!r} in {json.dumps(secret)}")
    except ValueError:
        logger.exception("failed")
    for spelling in (secret, "w%C3%B6rd", "wörd"):
        assert spelling not in out.getvalue()
    assert log.MASK in out.getvalue()


@given(st.text(min_size=4), st.text(), st.text())
def test_masking_leaves_nothing_of_the_value(secret: str, before: str, after: str) -> None:
    log.forget_secrets()
    log.register_secrets([secret])
    shown = log.masked(f"{before}{secret}{after}")
    # A value that consists of the mask's own characters cannot be told from it.
    assert set(secret) <= {"*"} or secret not in shown.replace(log.MASK, "\0") or log.MASK in secret


def test_a_secret_within_another_leaves_no_remainder() -> None:
    log.register_secrets(["abcd", "abcdefgh"])
    assert log.masked("x abcdefgh y") == f"x {log.MASK} y"


@given(
    st.dictionaries(
        st.sampled_from(["a", "b c", "d"]), st.one_of(st.text(), st.floats(), st.binary(), st.none())
    )
)
def test_json_lines_are_always_one_line_of_json(extra: dict[str, object]) -> None:
    record = logging.LogRecord("bridge", logging.INFO, "f", 1, "m\nn", (), None)
    record.__dict__.update(extra)
    text = log.JsonFormatter().format(record)
    assert "\n" not in text
    assert json.loads(text, parse_constant=lambda name: pytest.fail(name))["message"] == "m\nn"


def test_seldom_counts_what_it_held_back() -> None:
    seldom = log.Seldom(every=10)
    assert [seldom.due("a", now=t) for t in (0, 1, 2, 11, 12)] == [0, None, None, 2, None]
    assert seldom.due("b", now=1) == 0


def test_once_is_once() -> None:
    out = lines("text")
    once = log.Once()
    for _ in range(3):
        once.warn(log.for_connector("c"), "key", "look here", field="F")
    assert out.getvalue().count("look here") == 1
    assert "field=F" in out.getvalue()


def test_configuring_again_replaces() -> None:
    lines("text")
    out = lines("json")
    logging.getLogger("bridge").info("once")
    assert len(out.getvalue().splitlines()) == 1
    assert len(logging.getLogger().handlers) == 1


FORGED = "no\x1b[2J\r\n2026-01-01 ERROR fake\u202etxt\x00\x85\u2028end"


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_others_say_forges_no_line(form: str) -> None:
    out = lines(form)
    log.for_connector("c").warning("the registry says %s", FORGED, extra={"said": FORGED})
    assert out.getvalue().count("\n") == 1
    if form == "text":
        assert out.getvalue()[:-1].isprintable()


def test_what_stands_behind_a_reference_is_written_as_the_reference() -> None:
    log.register_secrets({"broker.internal": "${env:BROKER}", "internal": log.MASK})
    try:
        assert log.masked("broker.internal:9092 is away") == "${env:BROKER}:9092 is away"
        assert log.masked("internal") == log.MASK
    finally:
        log.forget_secrets()
