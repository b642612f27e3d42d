from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings

from bridge.errors import BadRecord, ConfigurationError
from bridge.formats import FORMATS
from bridge.formats.reader import read_with
from bridge.metadata.infer import record_schema
from bridge.model.schema import DECIMAL, Field, Kind, Schema
from tests.support.formats import compile_encoder_for_values, compile_route

from .events import EVERY, FULL, ORDER, data, payloads, rows

JSON = FORMATS["JSON"]


def test_the_page_of_the_layout() -> None:
    convert = compile_route(ORDER, record_schema(ORDER), JSON, None, b"", {})
    made = json.loads(convert(data(FULL)))
    assert list(made) == [f.name for f in record_schema(ORDER).fields]
    assert (made["ReplayId"], made["CreatedDate"], made["Ship_Date__c"]) == ("2621", 1723032739078, 19944)


@settings(deadline=None)
@given(payloads(EVERY))
def test_fused_by_row_and_by_values_are_the_same(payload: dict[str, Any]) -> None:
    layout = rows(EVERY)
    for options in ({}, {"schemas.enable": "true"}):
        row = read_with(layout)(data(payload))
        fused = JSON.compile_fused(layout, None, b"", options)(data(payload))
        assert JSON.compile_rows(layout, None, b"", options)(row) == fused
        by_values = compile_encoder_for_values(layout.schema, JSON, None, b"", options)(layout.values(row))
        assert by_values == fused


def _encode(schema: Schema, value: Any, **settings: str) -> Any:
    record = Schema(Kind.STRUCT, name="R", fields=(Field("x", schema),))
    options = {key.replace("_", "."): text for key, text in settings.items()}
    return json.loads(compile_encoder_for_values(record, JSON, None, b"", options)({"x": value}))["x"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(float("nan"), "NaN"), (float("inf"), "Infinity"), (-float("inf"), "-Infinity"), (-0.0, -0.0)],
)
def test_what_is_no_json_number_is_quoted(value: float, expected: Any) -> None:
    made = _encode(Schema(Kind.FLOAT64), value)
    assert made == expected
    assert str(made) == str(expected)


def test_a_float_is_as_short_as_in_java() -> None:
    assert _encode(Schema(Kind.FLOAT32), 0.10000000149011612) == 0.1


def test_decimals_in_both_formats() -> None:
    schema = Schema(Kind.BYTES, name=DECIMAL, version=1, parameters={"scale": "2"})
    assert _encode(schema, Decimal("123.45")) == "MDk="
    assert _encode(schema, Decimal("123.45"), decimal_format="numeric") == 123.45
    with pytest.raises(BadRecord, match=r"field x of R .* 2 digits"):
        _encode(schema, Decimal("1.234"))


def test_a_null_where_none_may_be() -> None:
    with pytest.raises(BadRecord, match="field x of R is null"):
        _encode(Schema(Kind.STRING), None)


def test_an_option_that_is_neither_true_nor_false() -> None:
    with pytest.raises(ConfigurationError, match=r"value\.converter\.schemas\.enable: must be true or false"):
        compile_route(ORDER, record_schema(ORDER), JSON, None, b"", {"schemas.enable": "perhaps"})
