"""Errors of reading and encoding that a caller may want to tell apart."""

from __future__ import annotations

from bridge.errors import BadRecord, Stage
from bridge.errors.words import name_words


class UnknownField(BadRecord):
    """The payload has a field that the event's schema does not know: the schema may be resolved anew."""

    def __init__(self, event: str, field: str, position: int | None) -> None:
        super().__init__(
            f"{event} carries the field {name_words(field)}, which its schema in Salesforce does not have; "
            "latest.compatibility.strict=false drops such fields",
            stage=Stage.PARSE,
            position=position,
        )
        self.field = field


def unreadable(event: str, field: str, actual: str, expected: str, position: int | None) -> BadRecord:
    """A field whose value is not what the schema says; types only, never the value."""
    return BadRecord(
        f"field {field} of {event} is {actual} where {expected} is expected",
        stage=Stage.PARSE,
        position=position,
    )


def unwritable(record: str, field: str, problem: str) -> BadRecord:
    """A value that the written schema has no place for."""
    return BadRecord(f"field {field} of {record} {problem}", stage=Stage.ENCODE)
