"""Documents of others: what they claim to be, or one sentence."""

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import documents
from bridge.documents import DEEPEST, Broken, bounded, json_of, object_of, read


class Answer(msgspec.Struct):
    id: int
    names: list[str] = []


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "is no JSON"),
        (b"\xff", "is no UTF-8"),
        (b'{"a":"\xff"}', "is no UTF-8"),
        (b"NaN", "holds NaN"),
        (b'{"a":-Infinity}', "holds -Infinity"),
        (b"1e999", "beyond a double's range"),
        (b"-1e400", "beyond a double's range"),
        (b"9" * 5000, "is no JSON"),
        (nested(DEEPEST + 2).encode(), "nested more than 100 deep"),
        (nested(3000).encode(), "nested more than 100 deep"),
        (nested(200_000).encode(), "nested more than 100 deep"),
        (b'{"a":' * 3000, "nested more than 100 deep|is no JSON"),
        (b'{"a":1}}', "line 1, column 8"),
        ('{"a":1}'.encode("utf-16"), "is no UTF-8"),
    ],
)
def test_what_is_broken_is_one_sentence(raw: bytes, why: str) -> None:
    for text in (raw, raw.decode("latin-1")) if why != "is no UTF-8" else (raw,):
        with pytest.raises(Broken, match=why) as broken:
            json_of(text)
        assert len(str(broken.value)) < 120
        assert "\n" not in str(broken.value)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b'{"id":"4711"}', r"is not what was expected: expected `int`, got `str` - at `\$.id`"),
        (b'{"id":1e999}', "expected `int`, got `float`|out of range"),
        (b"{}", "missing required field `id`"),
        (b"[]", "expected `object`, got `array`"),
        (b'{"id":1,"names":[null]}', r"\$.names\[0\]"),
        (b'{"id":1,"other":' + nested(100_000).encode() + b"}", "nested more than 100 deep"),
        (b"\xff", "is no JSON|is no UTF-8"),
        (b'{"id":1,"names":["\xff"]}', "is no UTF-8"),
        (b"", "is no JSON"),
    ],
)
def test_what_has_another_shape_is_one_sentence(raw: bytes, why: str) -> None:
    with pytest.raises(Broken, match=why) as broken:
        read(raw, Answer)
    assert "4711" not in str(broken.value)


def test_a_document_of_the_deepest_kind_is_read() -> None:
    json_of(nested(DEEPEST))
    json_of('{"a":' * DEEPEST + "1" + "}" * DEEPEST)


def test_a_document_that_is_too_large_is_not_even_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "LARGEST", 10)
    for reading in (json_of, lambda raw: read(raw, Answer)):
        with pytest.raises(Broken, match="has 11 bytes; more than 10"):
            reading(b'"123456789"')


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(-1e300, 1e300) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(values)
def test_what_json_can_say_comes_back(value: Any) -> None:
    assert json_of(json.dumps(value)) == value
    assert bounded(value) is value


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_nothing_else_is_ever_raised(raw: bytes) -> None:
    for reading in (json_of, lambda raw: read(raw, Answer), lambda raw: object_of(json_of(raw))):
        with contextlib.suppress(Broken):
            reading(raw)
