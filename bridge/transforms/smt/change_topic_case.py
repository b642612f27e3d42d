"""ChangeTopicCase: the topic's words joined in another way (kafka-connect-transform-common; Guava's CaseFormat)."""

from __future__ import annotations

import re
from collections.abc import Callable
from string import ascii_lowercase, ascii_uppercase
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
    "LOWER_HYPHEN": lambda words: _lower("-".join(words)),
    "LOWER_UNDERSCORE": lambda words: _lower("_".join(words)),
    "UPPER_UNDERSCORE": lambda words: _upper("_".join(words)),
    "LOWER_CAMEL": lambda words: _lower(words[0]) + "".join(map(_capitalized, words[1:])),
    "UPPER_CAMEL": lambda words: "".join(map(_capitalized, words)),
}
_SEPARATORS: Final = {"LOWER_HYPHEN": "-", "LOWER_UNDERSCORE": "_"}
"""Between these two only the separator is replaced."""
_TO_LOWER: Final = str.maketrans(ascii_uppercase, ascii_lowercase)
_TO_UPPER: Final = str.maketrans(ascii_lowercase, ascii_uppercase)
_CASES: Final = tuple(_SPLIT)


def _lower(text: str) -> str:
    return text.translate(_TO_LOWER)


def _upper(text: str) -> str:
    return text.translate(_TO_UPPER)


def _capitalized(word: str) -> str:
    return _upper(word[:1]) + _lower(word[1:])


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
    before, after = (_SEPARATORS.get(settings[key]) for key in ("from", "to"))

    def apply(record: ConnectRecord) -> bool:
        words = split(record.topic or "")
        if before and after:
            record.topic = after.join(words)
        elif words and settings["from"] != settings["to"]:
            record.topic = join(words)
        return True

    return OnRecord(apply, routing=Routing.BY_TOPIC)
