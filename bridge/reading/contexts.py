"""In which context of a registry a record's schema is: an id means something else in each, and a record names none.

Protocol: ``/contexts`` and ``/schemas/ids/{id}/subjects`` of Schema Registry 8.3. Where the id is known in several
contexts, that one counts in which it is an id of the topic's own subjects. Nothing is guessed beyond that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Protocol
from urllib.parse import quote
from uuid import UUID

from attrs import define, field

from bridge.model.framing import GUID_BYTES, GUID_MAGIC, VALUE_HEADER
from bridge.model.subjects import prefix, shown_context
from bridge.model.wire import unframed
from bridge.reading.decode import Decoded, undecoded
from bridge.reading.framed import Headers, pairs_of
from bridge.registry.http import Caller, Refused
from bridge.routing.letters import PREFIX

_DEFAULT: Final = "."
_SUBJECT: Final = f"{PREFIX}subject"


class Reads(Protocol):
    """What decodes records of one context: a ``Decoder`` or a ``Decrypter``."""

    def decode(self, data: bytes | None, headers: Headers = None, name: str = VALUE_HEADER) -> Decoded: ...


class Unplaced(Exception):
    """It cannot be told in which context a schema is; the text says why."""


@define
class Contexts:
    """Asked once for each schema. ``topic``: whose records they are; ``part``: value or key."""

    registry: Caller
    topic: str
    part: str = "value"
    _places: dict[int | bytes, str | Unplaced] = field(factory=dict)

    def of(self, schema_id: int) -> str:
        """What stands before subjects of the context: ``:.name:``, nothing for the default one. Raises Unplaced."""
        return self._told(schema_id, lambda: self._of_id(schema_id))

    def of_guid(self, guid: bytes) -> str:
        """The same by a schema's GUID, which means the same schema in every context."""
        return self._told(guid, lambda: self._of_guid(guid))

    def _told(self, schema: int | bytes, look: Callable[[], str]) -> str:
        if schema not in self._places:
            try:
                self._places[schema] = look()
            except Unplaced as unplaced:
                self._places[schema] = unplaced
        place = self._places[schema]
        if isinstance(place, Unplaced):
            raise place
        return place

    def _of_id(self, schema_id: int) -> str:
        subjects = {name: self._subjects(schema_id, name) for name in self._every()}
        having = {name: names for name, names in subjects.items() if names is not None}
        if not having:
            raise Unplaced(f"the registry has no schema {schema_id} in any context")
        for own in (f"{self.topic}-{self.part}", f"{self.topic}-"):
            mine = [name for name, names in having.items() if _begins(names, name, own)]
            if len(mine) == 1:
                return prefix(mine[0])
        if len(having) == 1:
            return prefix(next(iter(having)))
        shown = ", ".join(map(shown_context, having))
        raise Unplaced(f"schema {schema_id} is in several contexts ({shown}): name one with --context")

    def _of_guid(self, guid: bytes) -> str:
        text = UUID(bytes=guid)
        try:
            entries = self.registry.call("GET", f"/schemas/guids/{text}/ids")
        except Refused:
            entries = None
        listed = entries if isinstance(entries, list) else []
        names = [str(one["context"]) for one in listed if isinstance(one, dict) and one.get("context")]
        if not names:
            raise Unplaced(f"the registry has no schema {text}")
        return prefix(_DEFAULT if _DEFAULT in names else names[0])

    def _every(self) -> list[str]:
        """The names of all contexts; the default one alone where the registry knows no others."""
        try:
            names = self.registry.call("GET", "/contexts")
        except Refused:
            return [_DEFAULT]
        return [str(name) for name in names] if isinstance(names, list) and names else [_DEFAULT]

    def _subjects(self, schema_id: int, context: str) -> list[str] | None:
        """The subjects that have the id in a context; None where it is none there."""
        query = f"?deleted=true&subject={quote(prefix(context), safe='')}"
        try:
            names = self.registry.call("GET", f"/schemas/ids/{schema_id}/subjects{query}")
        except Refused as refused:
            if refused.status == 404:
                return None
            raise
        return [str(name) for name in names] if isinstance(names, list) and names else None


def _begins(subjects: Iterable[str], context: str, own: str) -> bool:
    wanted = f"{prefix(context)}{own}"
    return any(name == wanted or (own.endswith("-") and name.startswith(wanted)) for name in subjects)


@define
class Located:
    """Decodes each record in the context of its schema. ``make``: what decodes in one, by its prefix."""

    contexts: Contexts
    make: Callable[[str], Reads]
    _made: dict[str, Reads] = field(factory=dict)

    def decode(self, data: bytes | None, headers: Headers = None, name: str = VALUE_HEADER) -> Decoded:
        """As ``Decoder.decode``; with a note where the context cannot be told."""
        try:
            context = self._context(data, headers, name)
        except Unplaced as unplaced:
            framed = unframed(data or b"")
            return undecoded(data or b"", None if framed is None else framed[0], str(unplaced))
        if context not in self._made:
            self._made[context] = self.make(context)
        return self._made[context].decode(data, headers, name)

    def _context(self, data: bytes | None, headers: Headers, name: str) -> str:
        texts = {str(key): content for key, content in pairs_of(headers) if isinstance(content, bytes)}
        if _SUBJECT in texts:  # a dead letter that was encrypted whole names its key's subject
            subject = texts[_SUBJECT].decode("utf-8", "replace")
            return prefix(subject.split(":")[1]) if subject.startswith(":.") else ""
        guid = texts.get(name, b"")
        if guid[:1] == GUID_MAGIC and len(guid) >= GUID_BYTES:
            return self.contexts.of_guid(guid[1:GUID_BYTES])
        framed = None if data is None else unframed(data)
        return "" if framed is None else self.contexts.of(framed[0])
