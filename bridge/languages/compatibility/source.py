"""What is compared: a schema's text together with the texts it refers to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from attrs import Factory, frozen

TYPES: Final = ("AVRO", "JSON", "PROTOBUF")


class InvalidSchema(ValueError):
    """A text is not a schema of its type; the message says why."""


@frozen
class Source:
    """One schema. ``imports``: by reference name, each after those it needs; ``references``: subject and version."""

    type: str
    text: str
    imports: Mapping[str, str] = Factory(dict)
    references: Mapping[str, tuple[str, int]] = Factory(dict)


@frozen
class Earlier:
    """An earlier version by its number."""

    version: int
    source: Source
