"""TombstoneHandler: records without a value are dropped, or fail."""

from __future__ import annotations

import logging
from typing import Final

from bridge.config.property import STRING
from bridge.java.exceptions import data_error
from bridge.transforms.record import ConnectRecord
from bridge.transforms.spec import Key, Settings, Spec, one_of
from bridge.transforms.step import OnRecord, Side, Transform

_LEVELS: Final = {"ignore": logging.DEBUG, "warn": logging.WARNING}
SPEC: Final = Spec(
    "TombstoneHandler",
    "Takes records without a value out of the stream, or fails on them.",
    (
        Key(
            "behavior",
            STRING,
            "ignore drops them silently, warn drops them with a warning, fail makes them errors.",
            "warn",
            validator=one_of("ignore", "warn", "fail"),
            valid="ignore, warn, fail",
        ),
    ),
    {"behavior": "ignore"},
    "a record whose value is null is not written",
)


def make(settings: Settings, side: Side) -> Transform:
    """A TombstoneHandler."""
    behaviour, log = settings["behavior"], logging.getLogger(__name__)

    def apply(record: ConnectRecord) -> bool:
        if record.value is not None:
            return True
        if behaviour == "fail":
            raise data_error("the record is a tombstone, and behavior is fail")
        log.log(_LEVELS[behaviour], "a record without a value was dropped (topic %s)", record.topic)
        return False

    return OnRecord(apply)
