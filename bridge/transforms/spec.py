"""A transform's settings: declared, parsed and judged as Kafka's ``ConfigDef`` does it.

Everything else is derived from the declaration: the messages at validation, docs/transforms.md, describe.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import field, frozen

from bridge.config.property import BOOLEAN, HIGH, INT, LIST, MEDIUM, Importance, Type
from bridge.java.exceptions import InvalidConfig, invalid, null_pointer
from bridge.java.numbers import parse_whole
from bridge.java.texts import trimmed
from bridge.model.schema import UNSET

Settings = Mapping[str, Any]
"""Typed settings, defaults filled in."""

Validator = Callable[[str, Any], None]
"""Raises InvalidConfig for a name and a value."""

_COMMA: Final = re.compile(r"[ \t\n\x0b\f\r]*,[ \t\n\x0b\f\r]*")


@frozen
class Key:
    """One setting. ``default`` UNSET: required."""

    name: str
    type: Type
    doc: str
    default: Any = UNSET
    importance: Importance = MEDIUM
    validator: Validator | None = None
    valid: str = ""
    distinct: bool = False
    """Repeated entries of the list are dropped when it is used."""


@frozen
class Spec:
    """What a transform or predicate is called, takes and does."""

    name: str
    doc: str
    keys: tuple[Key, ...] = ()
    example: Mapping[str, str] = field(factory=dict, hash=False)
    example_text: str = ""

    def parse(self, config: Mapping[str, str | None]) -> dict[str, Any]:
        """Typed settings; raises the first fault as Connect does when it starts a transform."""
        out: dict[str, Any] = {}
        for key in self.keys:
            value = _given(key, config)
            if key.distinct and value is not None:
                value = list(dict.fromkeys(value))
            if key.validator:
                key.validator(key.name, value)
            out[key.name] = value
        return out

    def validate(self, config: Mapping[str, str | None], prefix: str = "") -> dict[str, list[str]]:
        """Every fault by key, as Connect's validation endpoint lists them. JavaError if that fails itself.

        ``prefix``: what stands before the keys' names in messages.
        """
        faults: dict[str, list[str]] = {}
        for key in self.keys:
            messages, value = [], None
            try:
                value = _given(key, config, prefix)
            except InvalidConfig as error:
                messages.append(str(error.message))
            try:
                if key.validator:
                    key.validator(prefix + key.name, value)
            except InvalidConfig as error:
                messages.append(str(error.message))
            if messages:
                faults[key.name] = messages
        return faults


def split_list(text: str) -> list[str]:
    """A list setting's entries."""
    return _COMMA.split(trimmed(text)) if trimmed(text) else []


def _given(key: Key, config: Mapping[str, str | None], prefix: str = "") -> Any:
    if key.name not in config:
        if key.default is UNSET:
            raise InvalidConfig(
                f'Missing required configuration "{prefix}{key.name}" which has no default value.'
            )
        return key.default
    text = config[key.name]
    return None if text is None else _typed(key, prefix + key.name, text)


def _typed(key: Key, name: str, text: str) -> Any:
    content = trimmed(text)
    if key.type is BOOLEAN:
        if content.lower() in ("true", "false"):
            return content.lower() == "true"
        raise invalid(name, text, "Expected value to be either true or false")
    if key.type is LIST:
        return split_list(content)
    if key.type is INT:
        try:
            return parse_whole(content, 32)
        except ValueError:
            raise invalid(name, text, "Not a number of type INT") from None
    return content


REPLACE_NULL: Final = Key(
    "replace.null.with.default",
    BOOLEAN,
    "Whether a null field whose schema has a default takes that default; false: it stays null.",
    True,
)


def replaces_nulls(settings: Settings) -> bool:
    """``replace.null.with.default``. NullPointerException where it is null."""
    return bool(needed(settings, REPLACE_NULL.name))


def field_list(doc: str) -> Key:
    """A list of at least one name, none of them empty."""
    return Key("fields", LIST, doc, importance=HIGH, validator=valid_list(), distinct=True)


def valid_list(*, empty_allowed: bool = False) -> Validator:
    """Kafka's ``ValidList``."""

    def check(name: str, value: Any) -> None:
        if value is None:
            raise InvalidConfig(f"Configuration '{name}' values must not be null.")
        if not value and not empty_allowed:
            raise InvalidConfig(
                f"Configuration '{name}' must not be empty. Valid values include: any non-empty value"
            )
        if len(set(value)) < len(value):
            raise InvalidConfig(f"Configuration '{name}' values must not be duplicated.")
        if "" in value:
            raise InvalidConfig(f"Configuration '{name}' values must not be empty.")

    return check


def one_of(*values: str | None, any_case: bool = False) -> Validator:
    """``ValidString``, or its variant that ignores case."""

    def check(name: str, value: Any) -> None:
        given = value.upper() if any_case and value is not None else value
        if given not in values:
            start = "String must be one of (case insensitive)" if any_case else "String must be one of"
            raise invalid(name, value, f"{start}: {', '.join(v for v in values if v)}")

    return check


def non_empty_list(name: str, value: Any) -> None:
    """``NonEmptyListValidator``."""
    if not value:
        raise invalid(name, value, "Empty list")


def non_null(name: str, value: Any) -> None:
    """``NonNullValidator``."""
    if value is None:
        raise invalid(name, value, "entry must be non null")


def non_empty(name: str, value: Any) -> None:
    """``NonEmptyString``; null passes."""
    if value == "":
        raise invalid(name, value, "String must be non-empty")


def needed(settings: Settings, name: str) -> Any:
    """A setting that Java would stumble over if it were null."""
    if settings[name] is None:
        raise null_pointer(name)
    return settings[name]
