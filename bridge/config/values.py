"""From text to typed values, by Kafka's rules: trimmed; decimal integers within their width; booleans."""

from __future__ import annotations

import re
from typing import Any, Final

from bridge.config.property import Property, Type
from bridge.java.texts import trimmed

_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,19}")
_BITS: Final = {Type.INT: 32, Type.LONG: 64}


class InvalidError(ValueError):
    """What is wrong with a value, as the end of a sentence that begins with the value or with 'the value'."""


def typed(declared: Property, text: str) -> Any:
    """The value as str, int, bool or list. Raises InvalidError for a wrong type, value or range."""
    text = trimmed(text)
    if declared.type is Type.LIST:
        return [part for part in (part.strip() for part in text.split(",")) if part]
    if declared.type is Type.BOOLEAN:
        if text.lower() not in ("true", "false"):
            raise InvalidError("is neither true nor false")
        return text.lower() == "true"
    if declared.type in _BITS:
        return _integer(declared, text)
    if declared.valid:
        return _choice(declared, text)
    if (text or declared.framework) and declared.check and (wrong := declared.check(text)):
        raise InvalidError(wrong)
    return text


def shown(type_: Type, text: str) -> str | None:
    """A value as Kafka Connect shows it once it has read it (``ConfigDef.convertToString``); None for what cannot be
    read as the type."""
    text = trimmed(text)
    if type_ is Type.LIST:
        return ",".join(part.strip() for part in text.split(","))
    if type_ is Type.BOOLEAN:
        return text.lower() if text.lower() in ("true", "false") else None
    if (bits := _BITS.get(type_)) is not None:
        fits = _INTEGER.fullmatch(text) and -(2 ** (bits - 1)) <= int(text) < 2 ** (bits - 1)
        return str(int(text)) if fits else None
    return text


def _integer(declared: Property, text: str) -> int:
    bits = _BITS[declared.type]
    if not _INTEGER.fullmatch(text):
        raise InvalidError("is not a whole number")
    value = int(text)
    if not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
        raise InvalidError(f"does not fit into {bits} bits")
    if declared.low is not None and value < declared.low:
        raise InvalidError(f"is below the least value allowed, {declared.low}{_span(declared)}")
    if declared.high is not None and value > declared.high:
        raise InvalidError(f"is above the greatest value allowed, {declared.high}{_span(declared)}")
    return value


def _span(declared: Property) -> str:
    if declared.low is None or declared.high is None or declared.low == declared.high:
        return ""
    return f" ({declared.low} to {declared.high})"


def _choice(declared: Property, text: str) -> str:
    """The valid value meant; spelling in another case, unless case counts, or as one of the aliases, is understood."""
    fold = str if declared.case_counts else str.lower
    spellings = {fold(alias): value for alias, value in declared.aliases.items()}
    spellings |= {fold(value): value for value in declared.valid}
    try:
        return spellings[fold(text)]
    except KeyError:
        raise InvalidError(f"is none of {', '.join(declared.valid)}") from None
