"""When a schema that is sent is one that is registered already, though its metadata or its text are not quite the same.

The version that the registry notes in ``confluent:version`` does not count where only one of the two has it; an Avro
schema may come with its references spelled out, and its properties in any order.
"""

from __future__ import annotations

from bridge.languages.compatibility import InvalidSchema
from bridge.sandbox.registry.content import VERSION_PROPERTY, Content, Json
from bridge.sandbox.registry.kinds import KINDS
from bridge.sandbox.registry.names import Name
from bridge.sandbox.registry.schemas import Schemas
from bridge.sandbox.registry.store import Version


def finds(schemas: Schemas, name: Name, content: Content, version: Version) -> bool:
    """Whether ``content``, sent for the subject ``name``, stands for this version."""
    stored = version.content
    if content.type != stored.type or content.rules != stored.rules:
        return False
    spelled_out = not content.references and bool(stored.references) and content.type == "AVRO"
    if content.references != stored.references and not spelled_out:
        return False
    mine, theirs = noted_version(content), noted_version(stored)
    if mine is not None and theirs is None and mine != str(version.version):
        return False
    if (mine is None) == (theirs is None):
        same = content.metadata == stored.metadata
    else:
        same = _without_version(content.metadata) == _without_version(stored.metadata)
    if not same or content.text == stored.text:
        return same
    kind = KINDS[content.type]
    try:
        return kind.same(schemas.source(name, content), schemas.source(version.name, stored))
    except InvalidSchema:  # what was registered need not be readable beside its references
        return False


def noted_version(content: Content) -> str | None:
    """The version noted in the metadata."""
    noted = (content.metadata or {}).get("properties", {}).get(VERSION_PROPERTY)
    return None if noted is None else str(noted)


def _without_version(metadata: Json | None) -> Json:
    properties = {k: v for k, v in (metadata or {}).get("properties", {}).items() if k != VERSION_PROPERTY}
    bare = {**(metadata or {}), "properties": properties}
    return {key: value for key, value in bare.items() if value}
