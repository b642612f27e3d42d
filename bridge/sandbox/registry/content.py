"""What is registered: a schema's text, its references, metadata and rules; and the id of that content.

The GUID is the MD5 of the text, the references, the metadata and the rule set, each value's UTF-8 bytes in a row
with a byte 1 before metadata and rule set: a content address, equal in every context.
"""

from __future__ import annotations

import hashlib
import re
import struct
import uuid
from collections.abc import Iterator
from functools import cached_property
from typing import Any, Final

from attrs import evolve, field, frozen

from bridge.sandbox.registry import rule_sets as rule_sets

VERSION_PROPERTY = "confluent:version"
_HEX: Final = re.compile(r"[0-9a-f]+")

Json = dict[str, Any]


@frozen
class Reference:
    """A schema this one refers to."""

    name: str
    subject: str
    version: int

    def json(self) -> Json:
        """As it is answered."""
        return {"name": self.name, "subject": self.subject, "version": self.version}


@frozen(slots=False, eq=False)
class Content:
    """Content of one schema; two are the same when type and GUID are."""

    type: str
    text: str
    references: tuple[Reference, ...] = ()
    metadata: Json | None = None
    rules: Json | None = field(default=None)

    @cached_property
    def guid(self) -> str:
        """The content address."""
        digest = hashlib.md5(usedforsecurity=False)
        for piece in self._pieces():
            digest.update(piece)
        return str(uuid.UUID(bytes=digest.digest()))

    @property
    def identity(self) -> tuple[str, str]:
        """What equal contents share."""
        return self.type, self.guid

    def with_property(self, key: str, value: str) -> Content:
        """The content with one property of its metadata set."""
        metadata = self.metadata or {}
        properties = dict(sorted({**metadata.get("properties", {}), key: value}.items()))
        return evolve(self, metadata=_ordered({**metadata, "properties": properties}))

    def json(self) -> Json:
        """``schemaType, references, metadata, schema, ruleSet``: what is empty is left out."""
        references = [reference.json() for reference in self.references]
        return {"schemaType": self.type, **({"references": references} if references else {})}

    def _pieces(self) -> Iterator[bytes]:
        yield self.text.encode()
        for reference in self.references:
            yield reference.name.encode() + reference.subject.encode() + struct.pack(">i", reference.version)
        if self.metadata is not None:
            yield b"\x01"
            for key, tags in self.metadata.get("tags", {}).items():
                yield "".join((key, *tags)).encode()
            for key, value in self.metadata.get("properties", {}).items():
                yield (key + rule_sets.never_null(value)).encode()
            yield "".join(self.metadata.get("sensitive", ())).encode()
        if self.rules is not None:
            yield b"\x01"
            for phase in rule_sets.PHASES:
                for rule in self.rules.get(phase, ()):
                    yield from rule_sets.pieces(rule)
            yield self.rules.get("enableAt", "").encode()


def guid_of(text: str) -> str | None:
    """A GUID as a path names it: five groups of hexadecimal digits, leading zeros left out or not, or 32 digits."""
    groups = [group.lower() for group in text.split("-")]
    widths = (32,) if len(groups) == 1 else (8, 4, 4, 4, 12)
    if len(groups) != len(widths) or not all(_HEX.fullmatch(group) for group in groups):
        return None
    if len(groups) == 1 and len(text) != widths[0]:
        return None
    digits = "".join(group.zfill(width)[-width:] for group, width in zip(groups, widths, strict=True))
    return str(uuid.UUID(hex=digits))


def metadata_of(given: Json | None) -> Json | None:
    """Metadata as it is stored: its maps and sets sorted, absent parts left out."""
    if given is None:
        return None
    tags = {key: sorted(set(values or ())) for key, values in sorted((given.get("tags") or {}).items())}
    properties = dict(sorted((given.get("properties") or {}).items()))
    sensitive = sorted(set(given.get("sensitive") or ()))
    parts = {"tags": tags, "properties": properties, "sensitive": sensitive}
    return {key: value for key, value in parts.items() if value}


def merge_metadata(lower: Json | None, upper: Json | None) -> Json | None:
    """Two metadata in one; where both set a key, ``upper`` wins."""
    if lower is None or upper is None:
        return lower if upper is None else upper
    merged: Json = {key: {**lower.get(key, {}), **upper.get(key, {})} for key in ("tags", "properties")}
    merged["sensitive"] = [*lower.get("sensitive", ()), *upper.get("sensitive", ())]
    return metadata_of(merged)


def _ordered(metadata: Json) -> Json:
    return {key: metadata[key] for key in ("tags", "properties", "sensitive") if key in metadata}
