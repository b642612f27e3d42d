"""Metadata in files → an event's declaration: describe, eventSchema (EXPANDED, COMPACT), the Pub/Sub API's Avro
schema, an SFDX project. Nothing here touches a network.

Every fault is one sentence that names the file, and the field where there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from attrs import evolve

from bridge.changes import event_of
from bridge.documents import Broken, json_of
from bridge.errors import ConfigurationError, Fatal, Fault
from bridge.errors.words import words
from bridge.metadata import source_format
from bridge.metadata.infer import event_type, metadata_fatal
from bridge.metadata.pubsub import event_of_avro
from bridge.metadata.source_format import Declared
from bridge.model.schema import EventType

Origin = Path | str
"""What sentences call the metadata: its file, or what a program says it is."""


def from_describe(path: Path) -> Declared:
    """``sobjects/<Event>/describe`` as Salesforce answers it; that of an object is taken for its change event."""
    return _of_describe(path, _document(path))


def from_event_schema(path: Path) -> Declared:
    """``eventSchema`` in either payload format."""
    return _of_event_schema(path, _document(path))


def from_avro(path: Path) -> Declared:
    """The Avro schema that the Pub/Sub API's GetSchema gives."""
    return _of_avro(path, _document(path))


def from_document(origin: str, document: Mapping[str, Any]) -> Declared:
    """Metadata that a program has at hand, in any of the forms; ``origin`` is what sentences call it."""
    return _of_any(origin, _unwrapped(origin, dict(document)))


def from_sfdx(directory: Path, event: str) -> Declared:
    """An SFDX project's source tree."""
    return source_format.read(directory, event)


def from_any(path: Path, event: str | None = None) -> Declared:
    """A folder is an SFDX project; of files the content decides. ConfigurationError where a name is needed."""
    if path.is_dir():
        if event is None:
            names = source_format.events(path)
            if len(names) != 1:
                there = f"; there are {', '.join(names)}" if names else ", and there is none"
                raise ConfigurationError(
                    [Fault("--event", f"must say which event of {path} is meant{there}")]
                )
            event = names[0]
        return from_sfdx(path, event)
    return _of_any(path, _document(path))


def _of_any(origin: Origin, document: dict[str, Any]) -> Declared:
    """What the content says that it is."""
    if isinstance(document.get("fields"), list) and document.get("type") in ("record", "expanded-record"):
        if "uuid" in document or document["type"] != "record":
            return _of_event_schema(origin, document)
        return _of_avro(origin, document)
    return _of_describe(origin, document)


def _of_describe(origin: Origin, document: dict[str, Any]) -> Declared:
    name = _name(origin, document, "a describe")
    if any(isinstance(f, Mapping) and f.get("name") == "SystemModstamp" for f in document["fields"]):
        name = event_of(name)
    return Declared(_named(origin, lambda: event_type(name, document, None)))


def _of_event_schema(origin: Origin, document: dict[str, Any]) -> Declared:
    name = _name(origin, document, "an eventSchema")
    return Declared(_named(origin, lambda: event_type(name, None, document)))


def _of_avro(origin: Origin, document: dict[str, Any]) -> Declared:
    return Declared(_named(origin, lambda: event_of_avro(document)))


def is_metadata(document: object) -> bool:
    """Whether a JSON document describes an event as Salesforce does, not a value's schema."""
    if not isinstance(document, Mapping) or not isinstance(document.get("fields"), list):
        return False
    return document.get("type") != "record" or document.get("namespace") == "com.sforce.eventbus"


def _document(path: Path) -> dict[str, Any]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise metadata_fatal(f"{path}: cannot be read ({error.strerror})") from None
    if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        raise metadata_fatal(f"{path}: is HTML or XML and not JSON; was it saved from a login page?")
    try:
        document = json_of(content.removeprefix(b"\xef\xbb\xbf"))
    except Broken as broken:
        raise metadata_fatal(f"{path}: {broken}") from None
    if (
        isinstance(document, list)
        and document
        and isinstance(document[0], dict)
        and "errorCode" in document[0]
    ):
        raise metadata_fatal(
            f"{path}: holds an error of Salesforce ({document[0]['errorCode']}) and no metadata"
        )
    if not isinstance(document, dict):
        raise metadata_fatal(f"{path}: is not a JSON object")
    return _unwrapped(path, document)


def _unwrapped(path: Origin, document: dict[str, Any]) -> dict[str, Any]:
    """What Salesforce's tools put metadata into: ``sf … --json`` (``{"status": 0, "result": …}``) and the Pub/Sub API's
    GetSchema (``schemaJson`` holds the schema's text)."""
    if "status" in document and "fields" not in document:
        if document["status"] == 0 and isinstance(document.get("result"), dict):
            return _unwrapped(path, document["result"])
        name = document.get("name") or document["status"]
        raise metadata_fatal(
            f"{path}: holds an error of Salesforce's command line ({words(name)}) and no metadata"
        )
    text = document.get("schemaJson", document.get("schema_json"))
    if not isinstance(text, str):
        return document
    try:
        schema = json_of(text.encode())
    except Broken as broken:
        raise metadata_fatal(f"{path}: its schemaJson {broken}") from None
    if not isinstance(schema, dict):
        raise metadata_fatal(f"{path}: its schemaJson is not a JSON object")
    return schema


def _name(path: Origin, document: Mapping[str, Any], what: str) -> str:
    name = document.get("name")
    if not isinstance(name, str) or not name or not isinstance(document.get("fields"), list):
        raise metadata_fatal(f"{path}: is not {what}: it has no {'name' if not name else 'fields'}")
    return name


def _named(path: Origin, read: Callable[[], EventType]) -> EventType:
    try:
        event = read()
    except Fatal as error:
        raise metadata_fatal(f"{path}: {error.message}") from None
    return evolve(event, fields=tuple(f for f in event.fields if f.name not in ("ReplayId", "EventUuid")))
