"""From a request's schema to what is stored, by type: parse, check, canonical text, references, inline tags.

A type is added with a function of its own in ``TYPES`` and a judge in ``subjects``.
"""

from __future__ import annotations

from typing import Any, Final

from attrs import evolve, frozen

from bridge.sandbox.registry import avro, names, rules
from bridge.sandbox.registry.content import Content, Json, Reference, metadata_of
from bridge.sandbox.registry.errors import RegistryError, invalid_schema
from bridge.sandbox.registry.names import Name
from bridge.sandbox.registry.store import Store, Version

TYPES: Final = ("AVRO",)


@frozen
class Request:
    """A register or lookup request, its metadata and rules already in stored form."""

    text: str = ""
    type: str = "AVRO"
    references: tuple[Reference, ...] = ()
    metadata: Json | None = None
    rules: Json | None = None
    has_metadata: bool = False
    has_rules: bool = False
    version: int = 0
    id: int | None = None
    tags_to_add: tuple[Json, ...] = ()
    tags_to_remove: tuple[Json, ...] = ()

    @classmethod
    def of(cls, body: Json) -> Request:
        """From the body. Raises 400 for wrong types, 42210 for a bad rule set."""
        references = tuple(
            Reference(str(r.get("name")), str(r.get("subject")), _integer(r.get("version", -1)))
            for r in _list(body.get("references"))
        )
        id_ = body.get("id")
        return cls(
            text=_string(body.get("schema")),
            type=_string(body.get("schemaType")) or "AVRO",
            references=references,
            metadata=metadata_of(body.get("metadata")),
            rules=rules.rule_set_of(body.get("ruleSet")),
            has_metadata=body.get("metadata") is not None,
            has_rules=body.get("ruleSet") is not None,
            version=_integer(body.get("version") or 0),
            id=None if id_ is None else _integer(id_),
            tags_to_add=tuple(_list(body.get("schemaTagsToAdd"))),
            tags_to_remove=tuple(_list(body.get("schemaTagsToRemove"))),
        )

    @property
    def edits_tags(self) -> bool:
        """Whether the schema's inline tags are to be changed on the way."""
        return bool(self.tags_to_add or self.tags_to_remove)

    def with_content_of(self, content: Content) -> Request:
        """The same request for the schema of an existing version."""
        return evolve(self, text=content.text, type=content.type, references=content.references)


class Schemas:
    """Parses in the presence of what is registered, since references are."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def content(self, name: Name, request: Request) -> Content:
        """The content to store. Raises 42201 in the registry's words."""
        if request.type not in TYPES:
            raise invalid_schema(f"Invalid schema type {request.type}")
        try:
            references = tuple(self._pinned(reference, name) for reference in request.references)
            parser = self._parser(name, references)
            known = frozenset(parser.known())
            tree = parser.parse(request.text)
        except avro.InvalidAvro as error:
            raise invalid_schema(_invalid(name, request, str(error))) from None
        _edit_tags(tree, request)
        text = avro.render(tree, known=known)
        return Content(request.type, text, references, request.metadata, request.rules)

    def resolved(self, name: Name, content: Content) -> str:
        """The schema's text with its references spelled out."""
        return avro.render(self._parser(name, content.references).parse(content.text))

    def tags(self, name: Name, content: Content, wanted: list[str]) -> list[Json]:
        """The inline tags, as ``findTags`` answers them."""
        found = []
        for path, kind, props in avro.tagged(self._parser(name, content.references).parse(content.text)):
            tags = [tag for tag in props.get(avro.TAGS, ()) if "*" in wanted or tag in wanted]
            if tags:
                found.append({"schemaEntity": {"entityPath": path, "entityType": kind}, "tags": tags})
        return found

    def reference_name(self, reference: Reference, parent: Name) -> Name:
        """The subject a reference names: in the parent's context unless it is qualified."""
        if names.is_qualified(reference.subject):
            return names.parse(reference.subject)
        return Name(parent.context, reference.subject)

    def _referred(self, reference: Reference, parent: Name) -> Version:
        versions = self._store.versions(self.reference_name(reference, parent), deleted=True)
        for version in versions:
            if version.version == reference.version or (reference.version == -1 and version is versions[-1]):
                return version
        text = f'No schema reference found for subject "{reference.subject}" and version {reference.version}'
        raise avro.InvalidAvro(text)

    def _pinned(self, reference: Reference, parent: Name) -> Reference:
        """``-1`` becomes the number it stands for."""
        return evolve(reference, version=self._referred(reference, parent).version)

    def _parser(self, parent: Name, references: tuple[Reference, ...]) -> avro.Parser:
        parser = avro.Parser()
        self._load(parser, parent, references, set())
        return parser

    def _load(
        self,
        parser: avro.Parser,
        parent: Name,
        references: tuple[Reference, ...],
        seen: set[tuple[Name, int]],
    ) -> None:
        for reference in references:
            version = self._referred(reference, parent)
            key = (version.name, version.version)
            if key not in seen:
                seen.add(key)
                self._load(parser, version.name, version.content.references, seen)
                parser.parse(version.content.text)


def _edit_tags(tree: avro.Type, request: Request) -> None:
    entities = {path: props for path, _, props in avro.tagged(tree)}
    for entry, adding in [(e, True) for e in request.tags_to_add] + [
        (e, False) for e in request.tags_to_remove
    ]:
        path = entry["schemaEntity"]["entityPath"]
        if path not in entities:
            problem = f"No matching path '{path}' found in the schema"
            raise invalid_schema(f"java.lang.IllegalArgumentException: {problem}")
        tags = [tag for tag in entities[path].get(avro.TAGS, ()) if tag not in entry["tags"]]
        tags += entry["tags"] if adding else []
        if tags:
            entities[path][avro.TAGS] = tags
        else:
            entities[path].pop(avro.TAGS, None)


def _invalid(name: Name, request: Request, details: str) -> str:
    """The registry's own frame around what its parser said."""
    asked = Content(request.type, request.text, request.references, request.metadata, request.rules)
    listed = [f"{{name='{r.name}', subject='{r.subject}', version={r.version}}}" for r in request.references]
    references = f"[{', '.join(listed)}]"
    shown = (
        f"{{subject={name},version=null,id=null,guid={asked.guid},schemaType={request.type},references={references},"
        f"metadata=null,ruleSet=null,schema={request.text},schemaTags=null,ts=null,deleted=null}}"
    )
    kind = f"Invalid schema of type {request.type}"
    return f"{kind}, details: Invalid schema {shown} with refs {references} of type {request.type}, details: {details}"


def _string(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    raise RegistryError(400, "Cannot deserialize value of type `java.lang.String`")


def _integer(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            pass
    shown = f'String "{value}": not a valid `java.lang.Integer` value'
    raise RegistryError(400, f"Cannot deserialize value of type `Integer` from {shown}")


def _list(value: Any) -> list[Json]:
    if value is None:
        return []
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return value
    raise RegistryError(400, "Cannot deserialize value of type `java.util.ArrayList`")
