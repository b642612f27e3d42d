"""Confluent's Filter: keeps or drops records by a JSON path."""

from __future__ import annotations

from typing import Any, Final

from bridge.config.property import HIGH, STRING
from bridge.java.exceptions import data_error, invalid
from bridge.model.schema import UNSET
from bridge.transforms.json_path import Path
from bridge.transforms.record import ConnectRecord
from bridge.transforms.spec import Key, Settings, Spec, one_of
from bridge.transforms.step import OnRecord, Side, Transform


def valid_path(name: str, value: Any) -> None:
    """InvalidConfig for what is no JSON path."""
    try:
        Path(value or "")
    except (ValueError, RecursionError) as error:
        raise invalid(name, value, str(error)) from None


SPEC: Final = Spec(
    "Filter",
    "Keeps (`include`) or drops (`exclude`) the records that a JSON path matches, and the other way round for the "
    "rest. A bare path matches what is there and not null; inside `[?(…)]` what is missing does not match.",
    (
        Key(
            "filter.condition",
            STRING,
            "The JSON path.",
            importance=HIGH,
            validator=valid_path,
            valid="a JSON path",
        ),
        Key(
            "filter.type",
            STRING,
            "include or exclude.",
            UNSET,
            HIGH,
            one_of("include", "exclude"),
            "include, exclude",
        ),
        Key(
            "missing.or.null.behavior",
            STRING,
            "Where what a bare path leads to is missing or null: fail, include (keep) or exclude (drop) the record.",
            "fail",
            validator=one_of("fail", "include", "exclude"),
            valid="fail, include, exclude",
        ),
    ),
    {"filter.condition": '$[?(@.Status__c == "OPEN")]', "filter.type": "include"},
    "only records whose `Status__c` is OPEN are written",
)


def make(settings: Settings, side: Side) -> Transform:
    """A Filter."""
    path, includes = Path(settings["filter.condition"]), settings["filter.type"] == "include"
    missing = settings["missing.or.null.behavior"]

    def apply(record: ConnectRecord) -> bool:
        value = record.value if side is Side.VALUE else record.key
        matches = path.find(value)
        if value is None or (not path.filters and all(one is None for one in matches)):
            if missing == "fail":
                raise data_error(f"what the condition {path.text} leads to is missing or null")
            return bool(missing == "include")
        return bool(matches) is includes

    return OnRecord(apply)
