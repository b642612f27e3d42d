"""From a request's schema to what is stored: references resolved, text made canonical by its type, faults framed."""

from __future__ import annotations

from typing import Any

from attrs import evolve, frozen

from bridge.languages.compatibility import InvalidSchema, Source
from bridge.sandbox.registry import names, rule_sets
from bridge.sandbox.registry.content import Content, Json, Reference, metadata_of
from bridge.sandbox.registry.error_codes import Unfit, UnknownEntity, invalid_schema
from bridge.sandbox.registry.kinds import KINDS, TagEdit
from bridge.sandbox.registry.names import Name
from bridge.sandbox.registry.store import Store, Version


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
    edits: tuple[TagEdit, ...] = ()
    normalize: bool = False
    propagates: bool = False
    numbered: bool = False
    strict: bool = False

    @classmethod
    def of(cls, body: Json, *, normalize: bool = False, numbered: bool = False) -> Request:
        """From the body. Raises 42210 for a bad rule set.

        ``numbered``: the version is noted in the metadata, whatever the body says.
        """
        references = tuple(
            Reference(
                str(r.get("name")), str(r.get("subject")), -1 if r.get("version") is None else r["version"]
            )
            for r in _list(body.get("references"))
        )
        return cls(
            text=body.get("schema") or "",
            type=body.get("schemaType") or "AVRO",
            references=references,
            metadata=metadata_of(body.get("metadata")),
            rules=rule_sets.rule_set_of(body.get("ruleSet")),
            has_metadata=body.get("metadata") is not None,
            has_rules=body.get("ruleSet") is not None,
            version=body.get("version") or 0,
            id=body.get("id"),
            edits=(*_edits(body, "schemaTagsToAdd"), *_edits(body, "schemaTagsToRemove")),
            normalize=normalize,
            numbered=numbered,
            propagates=body.get("propagateSchemaTags") is True,
        )

    @property
    def edits_tags(self) -> bool:
        """Whether the schema's inline tags are to be changed on the way, or might be."""
        return bool(self.edits) or self.numbered

    def with_content_of(self, content: Content) -> Request:
        """The same request for the schema of an existing version."""
        return evolve(self, text=content.text, type=content.type, references=content.references)

    def with_tags(self, tags: list[Json]) -> Request:
        """The same request, with tags (as ``findTags`` answers them) put into the schema."""
        return evolve(self, edits=(*self.edits, *_edits({"schemaTagsToAdd": tags}, "schemaTagsToAdd")))


class Schemas:
    """Reads in the presence of what is registered, since references are."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def content(self, name: Name, request: Request) -> Content:
        """The content to store. Raises 42201 in the registry's words."""
        kind = KINDS.get(request.type)
        if kind is None:
            raise invalid_schema(f"Invalid schema type {request.type}")
        try:
            references = tuple(self._pinned(reference, name) for reference in request.references)
            source = self._source(request.type, request.text, references, name)
            text = kind.canonical(source, normalize=request.normalize, edits=request.edits)
            if request.strict and any(field.startswith("$$") for field in kind.fields(source)):
                raise Unfit("#: Field names cannot start with $$ prefix")
        except InvalidSchema as error:
            raise invalid_schema(_unreadable(name, request, str(error))) from None
        except UnknownEntity as error:
            raise invalid_schema(f"java.lang.IllegalArgumentException: {error}") from None
        except Unfit as error:
            raise invalid_schema(f"Invalid schema {_shown(name, request, 0, -1)}, details: {error}") from None
        if request.normalize:
            references = tuple(sorted(set(references), key=lambda r: (r.subject, r.version, r.name)))
        return Content(request.type, text, references, request.metadata, request.rules)

    def source(self, name: Name, content: Content) -> Source:
        """The schema with the texts it refers to."""
        return self._source(content.type, content.text, content.references, name)

    def formatted(self, name: Name, content: Content, form: str) -> str:
        """The text in the form that ``format=`` asks for."""
        try:
            return KINDS[content.type].formatted(self.source(name, content), form)
        except InvalidSchema as error:
            raise invalid_schema(str(error)) from None

    def fields(self, name: Name, content: Content) -> frozenset[str]:
        """Names of the fields at the top."""
        return KINDS[content.type].fields(self.source(name, content))

    def tags(self, name: Name, content: Content, wanted: list[str]) -> list[Json]:
        """The inline tags, as ``findTags`` answers them."""
        entries: list[Json] = []
        if not wanted:
            return entries
        try:
            tagged = list(KINDS[content.type].tags(self.source(name, content)))
        except InvalidSchema as error:
            raise invalid_schema(str(error)) from None
        for path, kind, tags in tagged:
            chosen = [tag for tag in tags if "*" in wanted or tag in wanted]
            if chosen:
                entries.append({"schemaEntity": {"entityPath": path, "entityType": kind}, "tags": chosen})
        return entries

    def reference_name(self, reference: Reference, parent: Name) -> Name:
        """The subject a reference names: in the parent's context unless it is qualified."""
        return names.beside(reference.subject, parent)

    def _source(self, kind: str, text: str, references: tuple[Reference, ...], parent: Name) -> Source:
        imports: dict[str, str] = {}
        self._load(imports, parent, references, set())
        return Source(kind, text, imports, {r.name: (r.subject, r.version) for r in references})

    def _referred(self, reference: Reference, parent: Name) -> Version:
        versions = self._store.versions(self.reference_name(reference, parent), deleted=True)
        for version in versions:
            if version.version == reference.version or (reference.version == -1 and version is versions[-1]):
                return version
        text = f'No schema reference found for subject "{reference.subject}" and version {reference.version}'
        raise InvalidSchema(text)

    def _pinned(self, reference: Reference, parent: Name) -> Reference:
        """``-1`` becomes the number it stands for."""
        return evolve(reference, version=self._referred(reference, parent).version)

    def _load(
        self, imports: dict[str, str], parent: Name, references: tuple[Reference, ...], visited: set[str]
    ) -> None:
        for reference in references:
            version = self._referred(reference, parent)
            if reference.name not in visited:
                visited.add(reference.name)
                self._load(imports, version.name, version.content.references, visited)
                imports[reference.name] = version.content.text


def _edits(body: Json, key: str) -> tuple[TagEdit, ...]:
    edits = []
    for entry in _list(body.get(key)):
        entity = entry.get("schemaEntity") or {}
        path, record = str(entity.get("entityPath")), entity.get("entityType") == "sr_record"
        edits.append(TagEdit(path, record, tuple(entry.get("tags") or ()), adding=key == "schemaTagsToAdd"))
    return tuple(edits)


def _unreadable(name: Name, request: Request, details: str) -> str:
    """The registry's own frame around what its parser said; Avro's has one more."""
    kind = f"Invalid schema of type {request.type}"
    if request.type != "AVRO":
        return f"{kind}, details: {kind}, details: {details}"
    references = _listed(request)
    shown = _shown(name, request, None, None)
    return f"{kind}, details: Invalid schema {shown} with refs {references} of type AVRO, details: {details}"


def _shown(name: Name, request: Request, version: int | None, id_: int | None) -> str:
    asked = Content(request.type, request.text, request.references, request.metadata, request.rules)
    numbers = ",".join(
        f"{key}={'null' if n is None else n}" for key, n in (("version", version), ("id", id_))
    )
    return (
        f"{{subject={name},{numbers},guid={asked.guid},schemaType={request.type},references={_listed(request)},"
        f"metadata=null,ruleSet=null,schema={request.text},schemaTags=null,ts=null,deleted=null}}"
    )


def _listed(request: Request) -> str:
    listed = [f"{{name='{r.name}', subject='{r.subject}', version={r.version}}}" for r in request.references]
    return f"[{', '.join(listed)}]"


def _list(value: Any) -> list[Json]:
    return [item for item in value or () if item is not None]
