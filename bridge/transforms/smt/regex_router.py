"""RegexRouter: another topic by a regular expression."""

from __future__ import annotations

from typing import Any, Final

from bridge.config.property import HIGH, STRING
from bridge.java.exceptions import invalid, null_pointer
from bridge.java.regex import Pattern, Unsupported
from bridge.transforms.record import ConnectRecord
from bridge.transforms.spec import Key, Settings, Spec
from bridge.transforms.step import OnRecord, Routing, Side, Transform

_MOST_TOPICS: Final = 1000  # remembered results


def valid_regex(name: str, value: Any) -> None:
    """Kafka's ``RegexValidator``."""
    if value is None:
        why = 'Invalid regex: Cannot invoke "String.isEmpty()" because "this.pattern" is null'
        raise invalid(name, value, why, vague=True)
    try:
        Pattern(value)
    except (ValueError, Unsupported) as error:
        raise invalid(name, value, f"Invalid regex: {error}", vague=True) from None


SPEC: Final = Spec(
    "RegexRouter",
    "Replaces the topic where a regular expression matches the whole of it. The subject follows the topic.",
    (
        Key(
            "regex",
            STRING,
            "A regular expression in Java's form.",
            importance=HIGH,
            validator=valid_regex,
            valid="valid regex",
        ),
        Key("replacement", STRING, "The new topic; $1 … are the groups.", importance=HIGH),
    ),
    {"regex": "(.*)__e", "replacement": "$1"},
    "`order_placed__e` becomes `order_placed`",
)


def make(settings: Settings, side: Side) -> Transform:
    """A RegexRouter."""
    pattern, replacement = Pattern(settings["regex"]), settings["replacement"]
    routes: dict[str, str] = {}

    def apply(record: ConnectRecord) -> bool:
        topic = record.topic or ""
        routed = routes.get(topic)
        if routed is None:
            matches = pattern.matches(topic)
            if matches and replacement is None:
                raise null_pointer("replacement")
            routed = pattern.replace_first(topic, replacement) if matches else topic
            if len(routes) < _MOST_TOPICS:
                routes[topic] = routed
        record.topic = routed
        return True

    return OnRecord(apply, routing=Routing.BY_TOPIC)
