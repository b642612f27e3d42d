"""TopicRegexRouter of the managed service: RegexRouter with an RE2 pattern."""

from __future__ import annotations

import re
from typing import Any, Final

from bridge.config.property import HIGH, STRING
from bridge.java.exceptions import invalid
from bridge.transforms.smt.regex_router import make as make_router
from bridge.transforms.smt.regex_router import valid_regex
from bridge.transforms.spec import Key, Settings, Spec
from bridge.transforms.step import Side, Transform

_BEYOND_RE2: Final = re.compile(r"\(\?<?[=!]|\\[1-9k]|\(\?>|[*+?}]\+")


def _in_java(pattern: str) -> str:
    return pattern.replace("(?P<", "(?<")


def _valid(name: str, value: Any) -> None:
    if value is not None and _BEYOND_RE2.search(value):
        raise invalid(
            name, value, "Invalid regex: RE2 has no look-around, back-references or possessive forms"
        )
    valid_regex(name, None if value is None else _in_java(value))


SPEC: Final = Spec(
    "TopicRegexRouter",
    "Replaces the topic where a regular expression matches the whole of it (as RegexRouter; the pattern is RE2, "
    "named groups are written `(?P<name>…)`).",
    (
        Key("regex", STRING, "The pattern.", importance=HIGH, validator=_valid, valid="valid RE2 pattern"),
        Key("replacement", STRING, "The new topic; $1 … are the groups, $0 the match.", importance=HIGH),
    ),
    {"regex": "soe-(.*)", "replacement": "$1"},
    "`soe-Order` becomes `Order`",
)


def make(settings: Settings, side: Side) -> Transform:
    """A TopicRegexRouter."""
    return make_router({**settings, "regex": _in_java(settings["regex"])}, side)
