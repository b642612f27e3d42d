"""Compatibility: which versions are compared in which direction, and one file per format that judges a pair."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from attrs import frozen

from bridge.sandbox.registry.errors import RegistryError

LEVELS: Final = (
    "NONE",
    "BACKWARD",
    "FORWARD",
    "FULL",
    "BACKWARD_TRANSITIVE",
    "FORWARD_TRANSITIVE",
    "FULL_TRANSITIVE",
)
DEFAULT_LEVEL: Final = "BACKWARD"

# (reader, writer, word for the reader, word for the writer) → what stands against reading
Judge = Callable[[str, str, str, str], list[str]]


@frozen
class Earlier:
    """An earlier version: its number, type and resolved text (its references spelled out)."""

    version: int
    type: str
    text: str
    resolved: str


def check_level(text: str) -> str:
    """The level in capitals. Raises 42203."""
    level = text.upper()
    if level not in LEVELS:
        valid = ", ".join(
            level.lower() for level in (LEVELS[0], LEVELS[1], LEVELS[2], LEVELS[3], *LEVELS[4:6])
        )
        message = f"Invalid compatibility level. Valid values are {valid}, and {LEVELS[6].lower()}"
        raise RegistryError(42203, message)
    return level


def judge(
    judges: Mapping[str, Judge],
    level: str,
    type_name: str,
    resolved: str,
    earlier: Sequence[Earlier],
    *,
    validate_fields: bool = False,
) -> list[str]:
    """Why a schema does not follow ``earlier`` (oldest first) at this level; empty when it does."""
    if level == "NONE" or not earlier:
        return []
    closing = f"{{validateFields: '{str(validate_fields).lower()}', compatibility: '{level}'}}"
    compared = list(reversed(earlier)) if level.endswith("_TRANSITIVE") else [earlier[-1]]
    for version in compared:
        if version.type != type_name:
            return ["Incompatible because of different schema type", closing]
        found: list[str] = []
        if level.startswith(("FORWARD", "FULL")):
            found += judges[type_name](version.resolved, resolved, "old", "new")
        if level.startswith(("BACKWARD", "FULL")):
            found += judges[type_name](resolved, version.resolved, "new", "old")
        if found:
            old = f"{{oldSchema: '{version.text}'}}"
            return [*found, f"{{oldSchemaVersion: {version.version}}}", old, closing]
    return []
