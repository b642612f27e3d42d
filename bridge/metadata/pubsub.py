"""The Pub/Sub API's Avro schema text → the event's declaration.

It is the schema of the payload on the wire: ``CreatedDate`` a long, custom fields ``["null", T]`` with the declared
type's name in ``doc``; compound fields are records, also by the name of one defined before. Its 22 characters of
``schema_id`` are not in it. Source: Pub/Sub API guide (GetSchema), recorded schemas.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.documents import json_of, understood
from bridge.errors import Fatal, Stage
from bridge.metadata.infer import event_type, metadata_fatal
from bridge.model.schema import EventType


def event_of_text(text: str, schema_id: str | None = None) -> EventType:
    """From GetSchema's ``schema_json``. Fatal(stage=METADATA) in a sentence."""
    with understood("the Pub/Sub schema", metadata_fatal):
        return event_of_avro(json_of(text), schema_id)


def event_of_avro(document: Any, schema_id: str | None = None) -> EventType:
    """From the parsed schema. Fatal(stage=METADATA) in a sentence that names the field."""
    with understood("the Pub/Sub schema", metadata_fatal):
        return _event_of(document, schema_id)


def _event_of(document: Any, schema_id: str | None) -> EventType:
    if not isinstance(document, Mapping) or document.get("type") != "record":
        raise Fatal("the Pub/Sub schema is not an Avro record", stage=Stage.METADATA)
    name = document.get("name")
    if not isinstance(name, str) or not name:
        raise Fatal("the Pub/Sub schema has no name", stage=Stage.METADATA)
    return event_type(name.rpartition(".")[2], None, {"uuid": schema_id, **document})
