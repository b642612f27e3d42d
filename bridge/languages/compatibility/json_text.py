"""JSON texts of schemas: written compact, keys in their order or sorted, texts and numbers as Jackson writes them."""

from __future__ import annotations

import json
import math
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from bridge.java.numbers import double_text
from bridge.languages.compatibility.source import InvalidSchema


class Number(float):
    """A number with a fraction or an exponent, as it was written."""

    text: str

    def __new__(cls, text: str) -> Number:
        """From its spelling."""
        instance = super().__new__(cls, text)
        instance.text = text
        return instance

    def __reduce__(self) -> tuple[type[Number], tuple[str]]:
        return Number, (self.text,)


def read(text: str) -> object:
    """The document. Raises ``InvalidSchema``."""
    try:
        document = json.loads(text, parse_float=Number)
    except (ValueError, RecursionError):
        raise InvalidSchema("Invalid JSON schema") from None
    return document


def write(document: object, *, ordered: bool = False) -> str:
    """The document's compact text."""
    if isinstance(document, dict):
        items = sorted(document.items(), key=_utf16) if ordered else document.items()
        parts = (f"{_string(key)}:{write(value, ordered=ordered)}" for key, value in items)
        return f"{{{','.join(parts)}}}"
    if isinstance(document, list):
        return f"[{','.join(write(item, ordered=ordered) for item in document)}]"
    if isinstance(document, str):
        return _string(document)
    return _number(document) if isinstance(document, float) else json.dumps(document)


def _number(value: float) -> str:
    """A ``Number`` as ``BigDecimal.toString`` has it (which knows no negative zero), another as ``Double.toString``."""
    if isinstance(value, Number):
        try:
            exact = Decimal(value.text)
        except InvalidOperation:  # an exponent beyond any
            return value.text
        return str(exact.copy_abs() if exact.is_zero() else exact)
    return double_text(value) if math.isfinite(value) else f'"{double_text(value)}"'


_ESCAPES: Final = {number: f"\\u{number:04X}" for number in range(32)} | {
    ord(character): text
    for character, text in zip(
        '"\\\b\f\n\r\t', ('\\"', "\\\\", "\\b", "\\f", "\\n", "\\r", "\\t"), strict=True
    )
}


def _string(text: str) -> str:
    return f'"{text.translate(_ESCAPES)}"'


def _utf16(item: tuple[str, Any]) -> bytes:
    """Java's order of strings."""
    return item[0].encode("utf-16-be", "surrogatepass")
