"""What the tests ask a registry, past the clients that they test."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from bridge.sandbox.registry import Registry

_CONTENT = {"Content-Type": "application/vnd.schemaregistry.v1+json"}


def asked(registry: Registry, path: str, body: Any = None, *, method: str | None = None) -> Any:
    """The answer's document; with a body, it is a POST unless said otherwise."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{registry.url}{path}", data, _CONTENT, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)
