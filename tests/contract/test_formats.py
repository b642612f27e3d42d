"""What every format promises, held by one kit: a new format is one more parameter."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.config.declarations.formats import REGISTRY_TYPES
from bridge.errors import Fatal, Stage
from bridge.formats import FORMATS, Format
from bridge.formats.reader import read_with
from bridge.model.schema import Schema
from tests.unit.formats.events import EVERY, FULL, ORDER, data, payloads, rows

FRAME = b"\0\0\0\0\7"
REGISTERED = list(REGISTRY_TYPES)
SCHEMA = rows(ORDER).schema


def narrow(schema: Schema, *indexes: int) -> Schema:
    return evolve(schema, fields=tuple(f for i, f in enumerate(schema.fields) if i not in indexes))


@pytest.mark.parametrize("name", FORMATS)
def test_the_name_is_the_formats_own(name: str) -> None:
    assert name == FORMATS[name].NAME


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_schema_gives_the_same_text(name: str) -> None:
    for event in (ORDER, EVERY):
        schema = rows(event).schema
        assert FORMATS[name].render(schema, {}) == FORMATS[name].render(evolve(schema), {})


@pytest.mark.parametrize("name", REGISTERED)
@settings(max_examples=30, deadline=None)
@given(payload=payloads(EVERY))
def test_three_ways_to_the_same_bytes(name: str, payload: dict[str, Any]) -> None:
    form, layout = FORMATS[name], rows(EVERY)
    text = form.render(layout.schema, {})
    row = read_with(layout)(data(payload))
    fused = form.compile_fused(layout, text, FRAME, {})(data(payload))
    assert fused.startswith(FRAME)
    assert form.compile_rows(layout, text, FRAME, {})(row) == fused
    assert (
        form.compile_values(layout.schema, text, FRAME, {})(layout.values(read_with(layout)(data(payload))))
        == fused
    )


@pytest.mark.parametrize("name", REGISTERED)
@settings(max_examples=40, deadline=None)
@given(gone=st.sets(st.integers(0, len(SCHEMA.fields) - 1), min_size=1, max_size=len(SCHEMA.fields) - 1))
def test_a_schema_grows_to_what_the_event_needs(name: str, gone: set[int]) -> None:
    form: Format = FORMATS[name]
    text = form.render(narrow(SCHEMA, *gone), {})
    lacking = {f.name for i, f in enumerate(SCHEMA.fields) if i in gone}
    assert set(form.missing_fields(SCHEMA, text, {})) == lacking
    grown = form.with_fields(SCHEMA, text, {})
    assert form.missing_fields(SCHEMA, grown, {}) == ()
    assert form.missing_fields(narrow(SCHEMA, *gone), grown, {}) == ()
    assert form.with_fields(SCHEMA, grown, {}) == grown
    form.compile_fused(rows(ORDER), grown, FRAME, {})(data(FULL))
    with pytest.raises(Fatal) as caught:
        form.compile_fused(rows(ORDER), text, FRAME, {})
    assert caught.value.stage is Stage.SCHEMA
    assert all(field in caught.value.message for field in lacking)
    form.compile_fused(rows(ORDER, drop_unknown=True), text, FRAME, {"latest.compatibility.strict": "false"})(
        data(FULL)
    )


@pytest.mark.parametrize("name", REGISTERED)
@pytest.mark.parametrize("text", ["", "{", "<html>", "null", "[]", "\0", "syntax", '"string"'])
def test_a_registered_text_that_is_no_such_schema_is_one_sentence(name: str, text: str) -> None:
    for use in (FORMATS[name].missing_fields, FORMATS[name].with_fields):
        with pytest.raises(Fatal) as caught:
            use(SCHEMA, text, {})
        assert "\n" not in caught.value.message
        assert caught.value.stage is Stage.SCHEMA
