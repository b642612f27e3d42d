"""JSON Schema cases. A null property counts as absent, as for Java's serializer."""

from __future__ import annotations

import json
from typing import Any

from bridge.errors import BridgeError
from bridge.formats import FORMATS
from bridge.languages.json_schema.places import changer
from bridge.model.protection import Protection
from bridge.model.schema import Field, Kind, Schema
from bridge.reading.opener import Opener
from tests.vectors.csfle_avro import differences as _differences


def opened(case: Any, opener: Opener, body: bytes) -> Any:
    return opener.json(body)


def wire(case: Any, body: bytes) -> Any:
    return json.loads(body)


def written(case: Any, plaintext: Any, frame: bytes, protection: Protection) -> bytes:
    """By the bridge's encoder; what Connect's data model cannot hold (a property nobody declared) by hand."""
    schema = _schema(plaintext)
    try:
        return FORMATS["JSON_SR"].compile_values(schema, case.text, frame, {}, protection)(plaintext)
    except BridgeError:
        return _by_hand(case, plaintext, frame, protection)


def _schema(value: Any) -> Schema:
    """What Connect's model makes of a JSON value; properties that are null count as absent."""
    if isinstance(value, dict):
        fields = tuple(Field(name, _schema(item)) for name, item in value.items())
        return Schema(Kind.STRUCT, optional=True, name="R", fields=fields)
    if isinstance(value, list):
        whole: dict[str, Any] = {}
        for item in value:
            whole |= item if isinstance(item, dict) else {}
        some = next((item for item in value if item is not None), "")
        return Schema(Kind.ARRAY, optional=True, value_schema=_schema(whole or some))
    kinds = {bool: Kind.BOOLEAN, int: Kind.INT64, float: Kind.FLOAT64}
    return Schema(kinds.get(type(value), Kind.STRING), optional=True)


def _by_hand(case: Any, plaintext: Any, frame: bytes, protection: Protection) -> bytes:
    def sealed(name: str, value: str) -> str:
        seal = protection.fields.get(name)
        return value if seal is None else seal.text(value.encode()).decode()

    document = changer(case.text)(plaintext, sealed)
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return frame + (body if protection.payload is None else protection.payload.raw(body))


def normal(case: Any, document: Any) -> Any:
    if isinstance(document, dict):
        return {key: normal(case, item) for key, item in document.items() if item is not None}
    if isinstance(document, list):
        return [normal(case, item) for item in document]
    return document


def differences(case: Any, plaintext: Any, found: Any) -> set[str]:
    return _differences(case, normal(case, plaintext), normal(case, found))
