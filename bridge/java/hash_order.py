"""The order in which a Java hash set or map gives its keys.

A's bucket is ``(h ^ h >>> 16) & (size - 1)``, and a bucket keeps the order of insertion
(java.util.HashMap; buckets of eight and more, which become trees, are not told apart here).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

Key = TypeVar("Key", bound=str | int)
_LOAD = 0.75


def hash_order(first: Iterable[Key], then: Iterable[Key] = ()) -> list[Key]:
    """The elements of ``new HashSet(first)`` after ``addAll(then)``."""
    initial = list(dict.fromkeys(first))
    every = list(dict.fromkeys([*initial, *then]))
    size = 16
    while size < int(len(initial) / _LOAD) + 1:
        size *= 2
    while len(every) > size * _LOAD:
        size *= 2
    return sorted(every, key=lambda key: _spread(key) & (size - 1))


def map_order(keys: Iterable[Key]) -> list[Key]:
    """The keys of a ``HashMap`` filled one by one."""
    return hash_order((), keys)


def _spread(key: str | int) -> int:
    number = key if isinstance(key, int) else _hash(str(key))
    number &= 0xFFFFFFFF
    return number ^ (number >> 16)


def _hash(text: str) -> int:
    units = text.encode("utf-16-be", "surrogatepass")
    number = 0
    for high, low in zip(units[::2], units[1::2], strict=True):
        number = (31 * number + (high << 8 | low)) & 0xFFFFFFFF
    return number
