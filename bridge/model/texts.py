"""A registered schema's text together with what belongs to it: texts it refers to, and the versions before it.

It is a text like any other to whoever does not care, so that formats and registry need no further arguments for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

_NONE: Final[Mapping[str, str]] = MappingProxyType({})


class ReferringText(str):
    """``imports``: texts by reference name, each after those it needs itself. ``earlier``: earlier versions."""

    imports: Mapping[str, str]
    earlier: Sequence[str]

    def __new__(cls, text: str, imports: Mapping[str, str], earlier: Sequence[str] = ()) -> ReferringText:
        instance = super().__new__(cls, text)
        instance.imports, instance.earlier = imports, earlier
        return instance


def imports_of(text: str) -> Mapping[str, str]:
    """What a text refers to, by name."""
    return text.imports if isinstance(text, ReferringText) else _NONE


def earlier_of(text: str) -> Sequence[str]:
    """The texts of earlier versions, as far as they were given."""
    return text.earlier if isinstance(text, ReferringText) else ()
