"""Types inferred from text, beyond what was recorded."""

import struct
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.java.exceptions import InvalidConfig
from bridge.model.converter_classes import SIMPLE
from bridge.model.schema import Kind
from bridge.routing.key_converters import header_encoder
from bridge.transforms.connect_values import parse_string
from bridge.transforms.step import Side
from bridge.transforms.table import TRANSFORMS


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("-129", Kind.INT16, -129),
        ("1.", Kind.INT8, 1),
        ("9223372036854775807", Kind.INT64, 2**63 - 1),
        ("-9223372036854775809", Kind.BYTES, Decimal(-(2**63) - 1)),
        ("1e1000001", Kind.BYTES, Decimal("1e1000001")),
        ("1e999999999999", Kind.STRING, "1e999999999999"),
        ("1e20", Kind.FLOAT32, struct.unpack("f", struct.pack("f", 1e20))[0]),
        ("-12e19", Kind.FLOAT32, struct.unpack("f", struct.pack("f", -1.2e20))[0]),
        ("9223372036854775808.0", Kind.FLOAT32, 2.0**63),
        ("922337203685477580.8e1", Kind.BYTES, Decimal(2**63)),
        ("92233720368547758070e-1", Kind.INT64, 2**63 - 1),
        ("3.5e38", Kind.FLOAT64, 3.5e38),
        ("1e39", Kind.FLOAT64, 1e39),
        ("1e309", Kind.BYTES, Decimal("1e309")),
        ("0e400", Kind.INT8, 0),
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


@pytest.mark.parametrize(
    ("text", "header"),
    [("1e20", "1.0E20"), ("1e39", "1.0E39"), ("1e309", "1E+309"), ("[1e20, 1]", "[1.0E20,1.0]")],
)
def test_a_header_is_written_as_kafka_connect_writes_it(text: str, header: str) -> None:
    """What Kafka Connect 4.3.1's InsertHeader and SimpleHeaderConverter write."""
    assert header_encoder(SIMPLE, {})(*parse_string(text)) == header.encode()


@given(st.text(alphabet='[]{}:,"\\ 019.-+eEtrufalsn\t', max_size=20) | st.text(max_size=20))
def test_every_text_has_a_type(text: str) -> None:
    schema, value = parse_string(text)
    assert (schema is None) is (value is None)


def test_a_header_s_text_that_is_nested_too_deeply_is_refused() -> None:
    make = TRANSFORMS["org.apache.kafka.connect.transforms.InsertHeader"].make
    with pytest.raises(InvalidConfig, match="nested too deeply"):
        make({"header": "h", "value.literal": "[" * 2000}, Side.VALUE)
