"""Types inferred from text, beyond what was recorded."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.schema.model import Kind
from bridge.transforms.connect_values import parse_string


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("-129", Kind.INT16, -129),
        ("1.", Kind.INT8, 1),
        ("9223372036854775807", Kind.INT64, 2**63 - 1),
        ("-9223372036854775809", Kind.BYTES, Decimal(-(2**63) - 1)),
        ("1e1000001", Kind.STRING, "1e1000001"),
        ("1e999999999999", Kind.STRING, "1e999999999999"),
        ("3.5e39", Kind.BYTES, Decimal("3.5e39")),
        ("[1, [2]]", Kind.ARRAY, [1, [2]]),
        ('{"a":1,"b":null}', Kind.STRING, '{"a":1,"b":null}'),
        ("[null]", Kind.ARRAY, [None]),
        ('{"a\\"b":1}', Kind.MAP, {'a\\"b': 1}),
        ("[1 2]", Kind.STRING, "[1 2]"),
        ("  ", Kind.STRING, "  "),
    ],
)
def test_types(text: str, kind: Kind, value: Any) -> None:
    schema, found = parse_string(text)
    assert schema is not None
    assert (schema.kind, found) == (kind, value)


@given(st.text(alphabet='[]{}:,"\\ 019.-+eEtrufalsn\t', max_size=20) | st.text(max_size=20))
def test_every_text_has_a_type(text: str) -> None:
    schema, value = parse_string(text)
    assert (schema is None) is (value is None)
