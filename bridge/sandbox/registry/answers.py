"""How a version is answered: the keys of each kind of answer, in the registry's order."""

from __future__ import annotations

from typing import Any, Final

from attrs import evolve

from bridge.sandbox.registry.content import Content
from bridge.sandbox.registry.names import DEFAULT, Name, is_qualified
from bridge.sandbox.registry.store import Version

Json = dict[str, Any]

_ORDER: Final = (
    "subject",
    "version",
    "id",
    "guid",
    "schemaType",
    "references",
    "metadata",
    "schema",
    "schemaTags",
    "maxId",
    "ts",
    "deleted",
    "ruleSet",
    "aliases",
)
_REGISTERED: Final = (
    "id",
    "version",
    "guid",
    "schemaType",
    "references",
    "metadata",
    "ruleSet",
    "schema",
    "ts",
    "deleted",
)


def whole(version: Version, *, content: Content | None = None, **extra: Any) -> Json:
    """A Schema: what GET of a version answers; ``content`` where it is shown in another form."""
    parts = {**_parts(version, content), **_times(version), **extra}
    return {key: parts[key] for key in _ORDER if key in parts}


def looked_up(version: Version) -> Json:
    """A Schema as a lookup answers it: without times."""
    parts = _parts(version, None)
    return {key: parts[key] for key in _ORDER if key in parts}


def schema_string(version: Version, **extra: Any) -> Json:
    """A SchemaString: what GET by id answers."""
    return {key: value for key, value in whole(version, **extra).items() if key != "id"}


def registered(version: Version, *, with_times: bool) -> Json:
    """What registering answers; times stand in it when the latest version was found to be the same."""
    parts = {**_parts(version, None), **(_times(version) if with_times else {})}
    return {key: parts[key] for key in _REGISTERED if key in parts}


def _parts(version: Version, content: Content | None) -> Json:
    content = content or version.content
    parts: Json = {
        "subject": str(version.name),
        "version": version.version,
        "id": version.id,
        "guid": content.guid,
        **content.json(),
        "schema": content.text,
    }
    if content.metadata is not None:
        parts["metadata"] = content.metadata
    if content.rules is not None:
        parts["ruleSet"] = content.rules
    return parts


def _times(version: Version) -> Json:
    return {"ts": version.created, "deleted": version.deleted}


def qualified(content: Content, parent: Name) -> Content:
    """The content with its references' subjects qualified; another content address, as the registry has it."""
    if parent.context == DEFAULT:
        return content
    references = tuple(
        reference
        if is_qualified(reference.subject)
        else evolve(reference, subject=f"{parent.context_prefix}{reference.subject}")
        for reference in content.references
    )
    return evolve(content, references=references)
