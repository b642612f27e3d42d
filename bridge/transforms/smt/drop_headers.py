"""DropHeaders: takes headers out by name."""

from __future__ import annotations

from typing import Final

from bridge.config.property import HIGH, LIST
from bridge.transforms.record import ConnectRecord
from bridge.transforms.spec import Key, Settings, Spec, valid_list
from bridge.transforms.step import OnRecord, Side, Transform

SPEC: Final = Spec(
    "DropHeaders",
    "Takes headers out of the record.",
    (Key("headers", LIST, "Their names.", importance=HIGH, validator=valid_list(), distinct=True),),
    {"headers": "internal"},
    "no record has a header `internal`",
)


def make(settings: Settings, side: Side) -> Transform:
    """A DropHeaders."""
    names = frozenset(settings["headers"])

    def apply(record: ConnectRecord) -> bool:
        record.headers = tuple(header for header in record.headers if header[0] not in names)
        return True

    return OnRecord(apply, looks=False)
