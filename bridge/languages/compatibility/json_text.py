"""JSON texts of schemas: numbers keep their spelling, keys their order; written compact, or with keys sorted."""

from __future__ import annotations

import json
from typing import Any

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


def read(text: str) -> Any:
    """The document. Raises ``InvalidSchema``."""
    try:
        document = json.loads(text, parse_float=Number)
    except (ValueError, RecursionError):
        raise InvalidSchema("Invalid JSON schema") from None
    return document


def write(document: Any, *, ordered: bool = False) -> str:
    """The document's compact text."""
    if isinstance(document, dict):
        items = sorted(document.items(), key=_utf16) if ordered else document.items()
        parts = (f"{_string(key)}:{write(value, ordered=ordered)}" for key, value in items)
        return f"{{{','.join(parts)}}}"
    if isinstance(document, list):
        return f"[{','.join(write(item, ordered=ordered) for item in document)}]"
    if isinstance(document, str):
        return _string(document)
    return document.text if isinstance(document, Number) else json.dumps(document)


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _utf16(item: tuple[str, Any]) -> bytes:
    """Java's order of strings."""
    return item[0].encode("utf-16-be", "surrogatepass")
