"""Runner ``registry``: recorded exchanges with a Schema Registry, replayed in order against an empty one of ours.

Form of the files: ``schema-registry/README.md``. A file whose name, or whose exchanges' group, is *stock* was recorded
from a registry that drops rule sets. Compared are status and body. Masked is what differs on every run: times,
encrypted and generated key material, the offset of a KEK test, the Kafka cluster's id. Where a message quotes a parser,
the cause is compared: the text up to the parser's own words.
"""

from __future__ import annotations

import http.client
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from bridge.sandbox.registry import Registry

Outcome = tuple[str, str | None]
"""The exchange's name, and the difference in words or None."""

_VOLATILE: Final = frozenset({"ts", "encryptedKeyMaterial", "keyMaterial", "offset", "kafka-cluster"})
# Where the words of a parser begin: those of the JSON reader, of Avro's, of the record classes.
_QUOTED: Final = re.compile(
    r"(with refs .* of type AVRO, details: |Could not parse Protobuf - ).*|(Cannot deserialize value of type `\S+`).*"
    r"|^(Unrecognized token|Unexpected (?:character|end-of-input)|Invalid UTF-8|The body is not valid JSON).*",
    re.DOTALL,
)
_TIMES: Final = re.compile(r'(?<="ts":)\d+')
_SECRET: Final = "LOCAL_SECRET"


def check(path: Path) -> Iterator[Outcome]:
    """Every exchange of one file."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    stock = "stock" in path.name or any(json.loads(line)["name"].startswith("stock/") for line in lines[:1])
    with _environment(), Registry(keeps_rules=not stock) as registry:
        connection = http.client.HTTPConnection(registry.url.removeprefix("http://"), timeout=20)
        for line in lines:
            exchange = json.loads(line)
            yield exchange["name"], _difference(connection, exchange)


def _difference(connection: http.client.HTTPConnection, exchange: dict[str, Any]) -> str | None:
    request, expected = exchange["request"], exchange["response"]
    body = request["body"]
    if body is not None and not isinstance(body, str):
        body = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    encoded = None if body is None else body.encode("utf-8", "surrogatepass")
    connection.request(request["method"], request["path"], encoded, request["headers"])
    response = connection.getresponse()
    text = response.read().decode("utf-8", "surrogatepass")
    found = _parsed(text)
    if response.status != expected["status"]:
        return f"status {response.status}, recorded {expected['status']}: {text[:300]}"
    if "raw" in expected and _TIMES.sub("", text) != _TIMES.sub("", expected["raw"]):
        return f"text {text[:700]}, recorded {expected['raw'][:700]}"
    if _compared(found) != _compared(expected["body"]):
        return f"body {_shown(found)}, recorded {_shown(expected['body'])}"
    content_type = response.getheader("Content-Type")
    if content_type != expected["headers"].get("Content-Type"):
        return f"content type {content_type}, recorded {expected['headers']}"
    return None


def _parsed(text: str) -> Any:
    """The document, or the text itself where it is none; an absent body is None."""
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text


def _compared(body: Any) -> str:
    """What is compared of a body: the order of keys counts, too."""
    return json.dumps(_masked(body))


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: "*" if key in _VOLATILE else _cause(item) if key == "message" else _masked(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_masked(item) if not isinstance(item, str) else _cause(item) for item in value]
    return value


def _cause(message: Any) -> Any:
    if not isinstance(message, str):
        return message
    match = _QUOTED.search(message)
    if match is None:
        return message
    kept = match[1] or match[2]
    return message[: match.start()] + (kept or "a body that cannot be read")


def _shown(body: Any) -> str:
    return json.dumps(body, ensure_ascii=False)[:900]


@contextmanager
def _environment() -> Iterator[None]:
    """The secret that was in the recorded registry's environment."""
    before = os.environ.get(_SECRET)
    os.environ[_SECRET] = "mysecret"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_SECRET]
        else:
            os.environ[_SECRET] = before
