"""JSON Schema cases. A null property counts as absent, as for Java's serializer."""

from __future__ import annotations

import json
from typing import Any

from bridge.encryption.decrypt import Opener
from bridge.encryption.json_places import change
from bridge.encryption.protection import Protection
from tests.vectors.csfle_avro import differences as _differences


def opened(case: Any, opener: Opener, body: bytes) -> Any:
    return opener.json(body)


def wire(case: Any, body: bytes) -> Any:
    return json.loads(body)


def written(case: Any, plaintext: Any, frame: bytes, protection: Protection) -> bytes:
    def sealed(name: str, value: str) -> str:
        seal = protection.fields.get(name)
        return value if seal is None else seal.text(value.encode()).decode()

    document = change(case.text, plaintext, sealed)
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
