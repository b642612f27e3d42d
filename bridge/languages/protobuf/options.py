"""Options: ``name = value`` after ``option``, in brackets after a field, and in the text format's maps."""

from __future__ import annotations

from typing import Any, Final

from bridge.languages.protobuf.elements import Option, Primitive
from bridge.languages.protobuf.reader import Reader

_PLAIN: Final = ("BOOLEAN", "ENUM", "NUMBER")
_LONGEST: Final = 60


def read_options(reader: Reader) -> list[Option]:
    """Options in brackets, if there are any."""
    values: list[Option] = []
    if not reader.take("["):
        return values
    while True:
        values.append(read_option(reader, "="))
        if reader.take("]"):
            return values
        reader.expect(reader.take(","), "Expected ',' or ']")


def read_option(reader: Reader, separator: str) -> Option:
    """One option; ``(a.b).c.d = v`` nests as ``(a.b)`` holding ``c`` holding ``d``."""
    extension, parenthesized = reader.peek() == "[", reader.peek() == "("
    name = reader.name()
    if extension:
        name = f"[{name}]"
    inner: list[str] = []
    while (character := reader.char()) == ".":
        reader.expect(len(inner) < _LONGEST, "the option's name is too long")
        inner.append(reader.name(wrapping=True, dots=False))
    if separator == ":" and character in ("{" if reader.like_registry else "{<["):
        reader.back()
    else:
        reader.expect(character == separator, f"expected '{separator}' in option")
    kind, value = _value(reader)
    for part in reversed(inner):
        wrapped = part.startswith("(")
        value = Option(part[1:-1] if wrapped else part, kind, value, wrapped)
        kind = "OPTION"
    return Option(name, kind, value, parenthesized)


def _value(reader: Reader) -> tuple[str, Any]:
    first = reader.peek()
    if first == "{" or (first == "<" and not reader.like_registry):
        return "MAP", _map(reader, "}" if first == "{" else ">")
    if first == "[":
        return "LIST", _list(reader)
    if first in "\"'":
        return "STRING", reader.quoted()
    word = reader.word() if reader.like_registry else _whole(reader)
    if first.isdigit() or first == "-":
        return "NUMBER", word
    return ("BOOLEAN" if word in ("true", "false") else "ENUM"), word


def _whole(reader: Reader) -> str:
    """A word, or a number with the signs that it may have: ``- 1``, ``1e+5``."""
    word = reader.word()
    if word == "-":
        return word + reader.word()
    if word[-1] in "eE" and word[0] in "-.0123456789" and reader.take("+"):
        return f"{word}+{reader.word()}"
    return word


def _map(reader: Reader, closing: str) -> dict[str, Any]:
    reader.char()
    reader.down()
    values: dict[str, Any] = {}
    while reader.peek() != closing:
        option = read_option(reader, ":")
        value = Primitive(option.kind, option.value) if option.kind in _PLAIN else option.value
        stored = values.get(option.name)
        if isinstance(value, Option):
            nested = stored if isinstance(stored, dict) else values.setdefault(option.name, {})
            nested[value.name] = value.value
        elif stored is None:
            values[option.name] = value
        else:
            several = stored if isinstance(stored, list) else [stored]
            values[option.name] = several + (value if isinstance(value, list) else [value])
        if reader.peek() in ",;":
            reader.char()
    reader.up(closing)
    return values


def _list(reader: Reader) -> list[Any]:
    reader.char()
    reader.down()
    values: list[Any] = []
    while reader.peek() != "]":
        kind, value = _value(reader)
        values.append(Primitive(kind, value) if kind in _PLAIN else value)
        if not reader.take(","):
            reader.expect(reader.peek() == "]", "expected ',' or ']'")
    reader.up("]")
    return values
