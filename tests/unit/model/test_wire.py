"""The frame of Confluent's wire format, written and taken off again."""

from __future__ import annotations

import pytest

from bridge.model.registered import Registered
from bridge.model.wire import frame_of, unframed


def test_a_frame_is_taken_off_as_it_was_put_on() -> None:
    assert frame_of(258) == b"\0\0\0\1\2"
    assert Registered("s", 1, 258, "").frame == frame_of(258)
    assert unframed(frame_of(258) + b"value") == (258, b"value")
    assert unframed(frame_of(2**32 - 1)) == (2**32 - 1, b"")


@pytest.mark.parametrize("data", [b"", b"\0\0\0\1", b"\1\0\0\0\1value", b'{"a":1}'])
def test_other_bytes_have_none(data: bytes) -> None:
    assert unframed(data) is None
