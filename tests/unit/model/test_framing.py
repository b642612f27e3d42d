"""Where a message names its schema: prefix and header, with and without Protobuf's message indexes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import Fatal
from bridge.formats.protobuf.indexes import message_indexes
from bridge.model.framing import KEY_HEADER, VALUE_HEADER, Framing
from bridge.model.registered import Registered

GUID = "37388f62-057f-25b1-3966-c9a28fb44922"
SCHEMA = Registered("orders-value", 1, 7, "{}", guid=GUID)
HEADER = {"value.schema.id.serializer": "io.confluent.kafka.serializers.schema.id.HeaderSchemaIdSerializer"}


def test_the_prefix_is_the_default() -> None:
    framing = Framing.of({}, VALUE_HEADER)
    assert framing.frame(SCHEMA) == b"\0\0\0\0\7"
    assert framing.split(b"\0\0\0\0\7x") == (b"\0\0\0\0\7x", ())


def test_a_header_holds_the_guid() -> None:
    framing = Framing.of(HEADER, VALUE_HEADER)
    frame = framing.frame(SCHEMA)
    assert frame == b"\1" + bytes.fromhex(GUID.replace("-", ""))
    assert framing.split(frame + b"body") == (b"body", ((VALUE_HEADER, frame),))
    assert framing.split(None) == (None, ())


def test_each_side_has_a_setting_of_its_own() -> None:
    assert Framing.of(HEADER, KEY_HEADER).header is None
    assert (
        Framing.of({"key.schema.id.serializer": "HeaderSchemaIdSerializer"}, KEY_HEADER).header == KEY_HEADER
    )


@given(st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=4), st.binary(max_size=8))
def test_message_indexes_go_with_the_guid(path: list[int], body: bytes) -> None:
    framing = Framing.of(HEADER, VALUE_HEADER, indexed=True)
    start = framing.frame(SCHEMA) + message_indexes(tuple(path))
    assert framing.split(start + body) == (body, ((VALUE_HEADER, start),))


def test_a_registry_without_guids_is_named() -> None:
    with pytest.raises(Fatal, match=r"no GUID for orders-value version 1.*PrefixSchemaIdSerializer"):
        Framing.of(HEADER, VALUE_HEADER).frame(Registered("orders-value", 1, 7, "{}"))
