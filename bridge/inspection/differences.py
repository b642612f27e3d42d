"""In what two decoded values differ: paths and words, never a value."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

_NAMES: Final = {str: "text", bool: "boolean", int: "number", float: "number", type(None): "null"}


def differences(
    a: object, b: object, ignored: Collection[str], sealed: Collection[str], path: str = ""
) -> Iterator[tuple[str, str]]:
    """Path and kind of each difference. ``ignored``: paths that may differ; ``sealed``: names of fields, wherever they
    stand, that hold ciphertext."""
    name = path.rpartition(".")[2]
    if path in ignored or name in sealed:
        return
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        for key in dict.fromkeys((*a, *b)):
            below = f"{path}.{key}" if path else str(key)
            if below in ignored or str(key) in sealed:
                continue
            if key not in b:
                yield below, "only in A"
            elif key not in a:
                yield below, "only in B"
            else:
                yield from differences(a[key], b[key], ignored, sealed, below)
    elif isinstance(a, list) and isinstance(b, list):
        if len(a) != len(b):
            yield path, "lists of different lengths"
        for one, other in zip(a, b, strict=False):
            if how := list(differences(one, other, ignored, sealed, path)):
                yield from how[:1]
                return
    elif (kinds := (_kind(a), _kind(b)))[0] != kinds[1]:
        yield path, f"{kinds[0]} in A, {kinds[1]} in B"
    elif a != b:
        yield path, _how(a, b)


def _kind(value: object) -> str:
    if isinstance(value, Mapping):
        return "record"
    return "list" if isinstance(value, list) else _NAMES.get(type(value), type(value).__name__)


def _how(a: object, b: object) -> str:
    if isinstance(a, str) and isinstance(b, str):
        if a.strip() == b.strip():
            return "blanks at an end"
        if a.casefold() == b.casefold():
            return "upper and lower case"
        if a.replace("Z", "+00:00") == b.replace("Z", "+00:00"):
            return "how a time is written"
    return f"another {_kind(a)}"
