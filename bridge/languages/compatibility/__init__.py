"""Compatibility as the Schema Registry judges it, offline: levels, directions, and one file per format.

The rules are those of Confluent Schema Registry 8.3, held to recorded verdicts (tests/vectors/schema-registry). A
judge reports every difference that stands against reading data of one schema with another, in the registry's words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from bridge.documents import understood
from bridge.languages.compatibility import avro, json_schema, protobuf
from bridge.languages.compatibility.avro_schema import load as load_avro
from bridge.languages.compatibility.json_nodes import load as load_json
from bridge.languages.compatibility.protobuf import normalized
from bridge.languages.compatibility.source import TYPES, Earlier, InvalidSchema, Source

__all__ = [
    "DEFAULT_LEVEL",
    "LEVELS",
    "TYPES",
    "Earlier",
    "InvalidSchema",
    "Source",
    "incompatibilities",
    "validate",
]

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

# (reader, writer, word for the reader, word for the writer, lenient) → what stands against reading
Judge = Callable[[Source, Source, str, str, bool], list[str]]
_JUDGES: Final[Mapping[str, Judge]] = {
    "AVRO": avro.judge,
    "JSON": json_schema.judge,
    "PROTOBUF": protobuf.judge,
}


def incompatibilities(
    level: str,
    candidate: Source,
    earlier: Sequence[Earlier],
    *,
    lenient: bool = False,
    validate_fields: bool = False,
) -> list[str]:
    """Why a schema does not follow ``earlier`` (oldest first) at this level; empty when it does.

    ``lenient`` is the registry's ``compatibilityPolicy=LENIENT``, which concerns JSON Schema only. What follows the
    differences says which version was compared and with which settings. Raises ``InvalidSchema``.
    """
    if level == "NONE" or not earlier:
        return []
    closing = f"{{validateFields: '{str(validate_fields).lower()}', compatibility: '{level}'}}"
    compared = list(reversed(earlier)) if level.endswith("_TRANSITIVE") else [earlier[-1]]
    for version in compared:
        if version.source.type != candidate.type:
            return ["Incompatible because of different schema type", closing]
        differing = differences(level, candidate, version.source, lenient=lenient)
        if differing:
            old = f"{{oldSchema: '{version.source.text}'}}"
            return [*differing, f"{{oldSchemaVersion: {version.version}}}", old, closing]
    return []


def differences(level: str, new: Source, old: Source, *, lenient: bool = False) -> list[str]:
    """What stands between two schemas of one type, in the directions of the level. Raises ``InvalidSchema``."""
    judge = _JUDGES[new.type]
    differing: list[str] = []
    with understood("one of the schemas", InvalidSchema):
        if level.startswith(("FORWARD", "FULL")):
            differing += judge(old, new, "old", "new", lenient)
        if level.startswith(("BACKWARD", "FULL")):
            differing += judge(new, old, "new", "old", lenient)
    return differing


def validate(source: Source) -> None:
    """Raises ``InvalidSchema`` unless the text is a schema of its type and all that it names is known."""
    load = {"AVRO": load_avro, "JSON": load_json}.get(source.type, normalized)
    with understood("the schema", InvalidSchema):
        load(source)
