"""ChangeTopicCase: the topic's words joined in another way (kafka-connect-transform-common; Guava's CaseFormat)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from bridge.config.property import HIGH, STRING
from bridge.transforms.record import ConnectRecord
from bridge.transforms.spec import Key, Settings, Spec, one_of
from bridge.transforms.step import OnRecord, Routing, Side, Transform

_CAPITAL: Final = re.compile(r"(?=[A-Z])")
_SPLIT: Final[dict[str, Callable[[str], list[str]]]] = {
    "LOWER_HYPHEN": lambda text: text.split("-"),
    "LOWER_UNDERSCORE": lambda text: text.split("_"),
    "UPPER_UNDERSCORE": lambda text: text.split("_"),
    "LOWER_CAMEL": lambda text: [part for part in _CAPITAL.split(text) if part],
    "UPPER_CAMEL": lambda text: [part for part in _CAPITAL.split(text) if part],
}
_JOIN: Final[dict[str, Callable[[list[str]], str]]] = {
    "LOWER_HYPHEN": lambda words: "-".join(words).lower(),
    "LOWER_UNDERSCORE": lambda words: "_".join(words).lower(),
    "UPPER_UNDERSCORE": lambda words: "_".join(words).upper(),
    "LOWER_CAMEL": lambda words: words[0].lower() + "".join(word.capitalize() for word in words[1:]),
    "UPPER_CAMEL": lambda words: "".join(word.capitalize() for word in words),
}
_CASES: Final = tuple(_SPLIT)


def _key(name: str, doc: str) -> Key:
    return Key(name, STRING, doc, importance=HIGH, validator=one_of(*_CASES), valid=", ".join(_CASES))


SPEC: Final = Spec(
    "ChangeTopicCase",
    "Writes the topic's words in another case.",
    (_key("from", "How the topic is written."), _key("to", "How it is to be written.")),
    {"from": "LOWER_UNDERSCORE", "to": "LOWER_HYPHEN"},
    "`order_placed` becomes `order-placed`",
)


def make(settings: Settings, side: Side) -> Transform:
    """A ChangeTopicCase."""
    split, join = _SPLIT[settings["from"]], _JOIN[settings["to"]]

    def apply(record: ConnectRecord) -> bool:
        words = split(record.topic or "")
        if words and settings["from"] != settings["to"]:
            record.topic = join(words)
        return True

    return OnRecord(apply, routing=Routing.BY_TOPIC)
