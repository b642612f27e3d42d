"""A registered schema's text together with the texts it refers to, where it refers to any.

It is a text like any other to whoever does not care, so that formats and registry need no second argument for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_NONE: Final[Mapping[str, str]] = MappingProxyType({})


class ReferringText(str):
    """``imports``: texts by reference name, each after those it needs itself."""

    imports: Mapping[str, str]

    def __new__(cls, text: str, imports: Mapping[str, str]) -> ReferringText:
        made = super().__new__(cls, text)
        made.imports = imports
        return made


def imports_of(text: str) -> Mapping[str, str]:
    """What a text refers to, by name."""
    return text.imports if isinstance(text, ReferringText) else _NONE
