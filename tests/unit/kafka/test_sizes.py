"""What a record takes, against Kafka's protocol written down by hand."""

from __future__ import annotations

import pytest

from bridge.kafka.sizes import BATCH_BYTES, record_bytes, size_of


@pytest.mark.parametrize(
    ("value", "key", "headers", "record"),
    [
        # length, attributes, two deltas, key length, value length and value, count of headers
        (b"x", None, (), 1 + 3 + 1 + 2 + 1),
        (None, b"k", (), 1 + 3 + 2 + 1 + 1),
        (b"x" * 64, None, (), 2 + 3 + 1 + 66 + 1),
        (b"x" * 63, None, (), 2 + 3 + 1 + 64 + 1),
        (b"x" * 8192, b"", (), 3 + 3 + 1 + 8195 + 1),
        (b"x", None, (("a", b"bc"), ("d", None)), 1 + 3 + 1 + 2 + 1 + (2 + 3) + (2 + 1)),
    ],
)
def test_a_batch_of_one(
    value: bytes | None, key: bytes | None, headers: tuple[tuple[str, bytes | None], ...], record: int
) -> None:
    assert record_bytes(value, key, headers) == BATCH_BYTES + record


def test_what_is_handed_to_a_producer() -> None:
    assert size_of(("t", b"x")) == record_bytes(b"x")
    assert size_of(("t", b"x", b"k", -1, None, None, 0, [("h", b"1")])) == record_bytes(
        b"x", b"k", [("h", b"1")]
    )
