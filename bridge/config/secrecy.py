"""What must never be shown: masks, and the secrets that hide inside other values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from bridge.config.catalogue import Catalogue
from bridge.config.placeholders import filled

MASK: Final = "****************"
"""What stands for a secret, as Confluent Cloud writes it."""

_MASKED: Final = re.compile(r"\*{4,}|\[hidden\]", re.IGNORECASE)
_REFERENCE: Final = re.compile(r"\$\{[A-Za-z0-9_.-]+:[^}]*\}")
_LOGIN: Final = re.compile(r"(?<=://)[^/@\s]+(?=@)")
_JAAS: Final = re.compile(
    r"""(?:password|clientSecret)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s;"']+))""", re.IGNORECASE
)


def is_masked(value: str) -> bool:
    """Whether the value is what an export shows instead of a secret."""
    return _MASKED.fullmatch(value.strip()) is not None


def is_only_reference(written: str) -> bool:
    """Whether the value stands elsewhere as a whole, so that showing how it is written shows no secret."""
    return bool(written.strip()) and not filled(_REFERENCE, written, lambda match: "").strip()


def without_login(written: str) -> str:
    """The text with user names and passwords in URLs masked."""
    return _LOGIN.sub("****", written)


def secrets(catalogue: Catalogue, given: Mapping[str, str]) -> frozenset[str]:
    """Every text in these properties that must not be logged."""
    return frozenset(
        text for key, value in given.items() for text in _in_value(catalogue, key, value) if text
    )


def _in_value(catalogue: Catalogue, key: str, value: str) -> Iterator[str]:
    for login in _LOGIN.findall(value):
        yield login
        yield login.partition(":")[2]
    if not catalogue.is_secret(key):
        return
    yield value.strip()
    if key.endswith("user.info"):
        yield value.strip().partition(":")[2]
    if "jaas" in key:
        yield from ("".join(groups) for groups in _JAAS.findall(value))
