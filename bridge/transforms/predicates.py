"""Predicates: which records a transform is applied to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bridge.config.property import STRING
from bridge.java.regex import Pattern
from bridge.transforms.record import ConnectRecord
from bridge.transforms.smt.regex_router import valid_regex
from bridge.transforms.spec import Key, Settings, Spec, non_empty

Predicate = Callable[[ConnectRecord], bool]

_PREDICATES: Final = "org.apache.kafka.connect.transforms.predicates."


def _non_empty_regex(name: str, value: object) -> None:
    non_empty(name, value)
    valid_regex(name, value)


def _has_header(settings: Settings) -> Predicate:
    name = settings["name"]
    return lambda record: any(header[0] == name for header in record.headers)


def _is_tombstone(settings: Settings) -> Predicate:
    return lambda record: record.value is None


def _topic_matches(settings: Settings) -> Predicate:
    matches = Pattern(settings["pattern"]).matches
    return lambda record: record.topic is not None and matches(record.topic)


PREDICATES: Final[dict[str, tuple[Spec, Callable[[Settings], Predicate]]]] = {
    _PREDICATES + "HasHeaderKey": (
        Spec(
            "HasHeaderKey",
            "True for a record with at least one header of that name.",
            (Key("name", STRING, "The header's name.", validator=non_empty, valid="non-empty string"),),
            {"name": "internal"},
        ),
        _has_header,
    ),
    _PREDICATES + "RecordIsTombstone": (
        Spec("RecordIsTombstone", "True for a record without a value."),
        _is_tombstone,
    ),
    _PREDICATES + "TopicNameMatches": (
        Spec(
            "TopicNameMatches",
            "True where the whole topic matches a regular expression.",
            (
                Key(
                    "pattern",
                    STRING,
                    "A regular expression in Java's form.",
                    validator=_non_empty_regex,
                    valid="non-empty string, valid regex",
                ),
            ),
            {"pattern": "orders-.*"},
        ),
        _topic_matches,
    ),
}
"""Java class → declaration and maker."""
