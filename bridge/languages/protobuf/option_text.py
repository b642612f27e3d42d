"""Options to text. Normalized, those of a known extension are one map, names are full, and everything is sorted."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from functools import reduce
from itertools import groupby
from typing import Any, Final

from bridge.languages.protobuf.elements import Option, Primitive
from bridge.languages.protobuf.names import Names

# Options the registry keeps when custom ones are left out.
_OWN_PREFIX: Final = "confluent."
_PLAIN: Final = ("BOOLEAN", "ENUM", "NUMBER")
_ESCAPES: Final = str.maketrans(
    {
        "\a": "\\a",
        "\b": "\\b",
        "\f": "\\f",
        "\n": "\\n",
        "\r": "\\r",
        "\t": "\\t",
        "\v": "\\v",
        "\\": "\\\\",
        "'": "\\'",
        '"': '\\"',
    }
)


def merged(options: Iterable[Option]) -> dict[str, Option]:
    """The options by name, those of one name in one: ``(a).b = 1`` and ``(a) = {c: 2}`` are a map of both."""
    by_name: dict[str, Option] = {}
    for option in options:
        name = option.name.removeprefix(".")
        by_name[name] = _merge(by_name[name], option) if name in by_name else _as_map(option)
    return by_name


class OptionText:
    """Writes options; ``scope`` is the writer's own and changes as it goes through the messages."""

    def __init__(self, names: Names | None, scope: list[str], *, extensions: bool) -> None:
        self._names = names
        self._scope = scope
        self._extensions = extensions

    def declared(self, options: Iterable[Option]) -> str:
        """``option name = value;`` lines."""
        return "".join(f"option {self._option(option)};\n" for option in self._chosen(list(options)))

    def bracketed(self, options: Iterable[Option]) -> str:
        """Options in brackets with a blank before; nothing where there are none."""
        chosen = self._chosen(list(options))
        return f" {self._bracket(chosen)}" if chosen else ""

    def _chosen(self, options: list[Option]) -> list[Option]:
        if not self._extensions:
            options = [o for o in options if not o.parenthesized or o.name.startswith(_OWN_PREFIX)]
        if self._names is None:
            return options
        options = sorted((self._qualified(option) for option in options), key=lambda option: option.name)
        chosen: list[Option] = []
        for name, group in groupby(options, key=lambda option: option.name):
            extension = self._names.extensions.get(name)
            single = extension is not None and extension.label != "repeated"
            same = list(group)
            chosen += [reduce(_merge, same)] if single else same
        return chosen

    def _qualified(self, option: Option) -> Option:
        full = self._full_name(option.name) if option.parenthesized else None
        return option if full is None else _as_map(Option(full, option.kind, option.value, True))

    def _full_name(self, name: str) -> str | None:
        return None if self._names is None else self._names.inside(self._scope).resolve_extension(name)

    def _option(self, option: Option) -> str:
        name = f"({option.name})" if option.parenthesized else option.name
        match option.kind:
            case "STRING":
                return f'{name} = "{str(option.value).translate(_ESCAPES)}"'
            case "NUMBER":
                return f"{name} = {self._numeral(option.value)}"
            case "OPTION":
                return f"{name}.{self._option(option.value)}"
            case "MAP":
                return f"{name} = {self._map(option.value)}"
            case "LIST":
                return f"{name} = {self._bracket(option.value)}"
        return f"{name} = {option.value}"

    def _bracket(self, values: list[Any]) -> str:
        if len(values) == 1:
            return f"[{self._value(values[0])}]"
        return "[\n" + _joined(self._value(value) for value in values) + "]"

    def _map(self, value: dict[str, Any]) -> str:
        if self._names is not None:
            value = dict(sorted((self._key(key), item) for key, item in value.items() if item != []))
        return "{\n" + _joined(f"{key}: {self._value(item)}" for key, item in value.items()) + "}"

    def _key(self, key: str) -> str:
        full = self._full_name(key[1:-1]) if key.startswith("[") else None
        return f"[{full}]" if full else key

    def _value(self, value: Any) -> str:
        if isinstance(value, str):
            return f'"{value.translate(_ESCAPES)}"'
        if isinstance(value, dict):
            return self._map(value)
        if isinstance(value, list):
            if self._names is not None and len(value) == 1:
                return self._value(value[0])
            return "[\n" + _joined(self._value(item) for item in value) + "]"
        if isinstance(value, Primitive):
            return self._numeral(value.text) if value.kind == "NUMBER" else value.text
        return self._option(value)

    def _numeral(self, text: str) -> str:
        if self._names is None:
            return text
        try:
            number = Decimal(int(text, 16)) if text.lower().startswith(("0x", "-0x")) else Decimal(text)
        except (InvalidOperation, ValueError):
            return text
        if not number.is_finite():
            return text
        return str(int(number)) if number == number.to_integral_value() else format(number.normalize(), "f")


def _as_map(option: Option) -> Option:
    """``(a).b = v`` as ``(a) = {b: v}``."""
    if option.kind != "OPTION":
        return option
    return Option(option.name, "MAP", _inner(option.value), option.parenthesized)


def _inner(option: Option) -> dict[str, Any]:
    if option.kind == "OPTION":
        return {option.name: _inner(option.value)}
    return {option.name: Primitive(option.kind, option.value) if option.kind in _PLAIN else option.value}


def _merge(first: Option, other: Option) -> Option:
    other = _as_map(other)
    if first.kind != "MAP" or other.kind != "MAP":
        return other
    both = dict(first.value)
    for key, value in other.value.items():
        both[key] = _together(both[key], value) if key in both else value
    return Option(other.name, "MAP", both, other.parenthesized)


def _together(first: Any, second: Any) -> list[Any]:
    values: list[Any] = []
    for value in (*_listed(first), *_listed(second)):
        if value not in values:
            values.append(value)
    return values


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def indented(text: str) -> str:
    """Each line two spaces in."""
    return "".join(f"  {line}\n" for line in text.removesuffix("\n").split("\n")) if text else ""


def _joined(parts: Iterable[str]) -> str:
    return indented(",\n".join(parts))
