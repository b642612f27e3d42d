"""TimestampNow: the record's timestamp is the time of processing (kafka-connect-transform-common)."""

from __future__ import annotations

import time
from typing import Final

from bridge.transforms.record import ConnectRecord
from bridge.transforms.spec import Settings, Spec
from bridge.transforms.step import OnRecord, Side, Transform

SPEC: Final = Spec(
    "TimestampNow",
    "Sets the record's timestamp to the time of processing.",
    example_text="the record's timestamp is the moment the bridge carried it",
)


def now() -> int:
    """ms since the epoch."""
    return time.time_ns() // 1_000_000


def make(settings: Settings, side: Side) -> Transform:
    """A TimestampNow."""

    def apply(record: ConnectRecord) -> bool:
        record.timestamp = now()
        return True

    return OnRecord(apply)
