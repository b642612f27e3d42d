"""InsertHeader: a fixed header, its type inferred from the text."""

from __future__ import annotations

from typing import Final

from bridge.config.property import HIGH, STRING
from bridge.java.exceptions import invalid
from bridge.transforms.connect_values import parse_string
from bridge.transforms.record import ConnectRecord
from bridge.transforms.spec import Key, Settings, Spec, non_null
from bridge.transforms.step import OnRecord, Side, Transform

SPEC: Final = Spec(
    "InsertHeader",
    "Adds a header. Its type is inferred from the text: `1` is an int8, `true` a boolean, `[1, 2]` an array.",
    (
        Key(
            "header",
            STRING,
            "The header's name.",
            importance=HIGH,
            validator=non_null,
            valid="non-null string",
        ),
        Key(
            "value.literal",
            STRING,
            "Its value.",
            importance=HIGH,
            validator=non_null,
            valid="non-null string",
        ),
    ),
    {"header": "source", "value.literal": "salesforce"},
    "every record has a header `source` with the text `salesforce`",
)


def make(settings: Settings, side: Side) -> Transform:
    """An InsertHeader."""
    literal = settings["value.literal"]
    try:
        header = (settings["header"], *parse_string(literal))
    except RecursionError:
        raise invalid("value.literal", f"{literal[:20]}…", "It is nested too deeply") from None

    def apply(record: ConnectRecord) -> bool:
        record.headers = (*record.headers, header)
        return True

    return OnRecord(apply, looks=False)
