"""The types of schemas: one file each, of the same shape. What a type is asked is this protocol, and no more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Protocol

from attrs import frozen

from bridge.languages.compatibility import Source
from bridge.sandbox.registry import kind_avro, kind_json, kind_protobuf

Tagged = tuple[str, str, list[str]]


@frozen
class TagEdit:
    """Inline tags to add to, or to remove from, an entity; ``record`` for a record, else a field."""

    path: str
    record: bool
    tags: tuple[str, ...]
    adding: bool


class Kind(Protocol):
    """A type of schemas."""

    def canonical(self, source: Source, *, normalize: bool, edits: tuple[Any, ...]) -> str:
        """The text that is stored. Raises ``InvalidSchema`` for what is no schema, ``Unfit`` for what is refused."""

    def tags(self, source: Source) -> Iterator[Tagged]:
        """Every record and field with tags: its path, ``sr_record`` or ``sr_field``, the tags."""

    def formatted(self, source: Source, form: str) -> str:
        """The text in another form; in its own where the type has no such form."""

    def same(self, one: Source, other: Source) -> bool:
        """Whether two different texts are the same schema."""

    def fields(self, source: Source) -> frozenset[str]:
        """Names of the fields at the top."""


KINDS: Final[Mapping[str, Kind]] = {
    "JSON": kind_json,
    "PROTOBUF": kind_protobuf,
    "AVRO": kind_avro,
}
