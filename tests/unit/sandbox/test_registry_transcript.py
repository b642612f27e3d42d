"""The embedded registry against recorded exchanges: status, body, order of keys, content type."""

import http.client
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.sandbox.registry import Registry

TRANSCRIPT = Path(__file__).parents[2] / "vectors" / "schema-registry" / "transcript-avro.jsonl"

PARSER = "quotes the words of the server's own parser"
JSON_SCHEMA = "needs JSON Schema"
DEKS = "needs the DEK registry"
OTHERS = "lists what exchanges registered that are not in the file"
SET_ASIDE = {
    "root/malformed-json": PARSER,
    "avro/register-invalid": PARSER,
    "avro/register-invalid-json": PARSER,
    "avro/lookup-invalid": PARSER,
    "compat/avro-invalid-schema": PARSER,
    "meta/types": JSON_SCHEMA,
    "ctx/types-url": JSON_SCHEMA,
    "compat/avro-vs-json-type": JSON_SCHEMA,
    "config/normalize-register": JSON_SCHEMA,
    "config/normalize-register-explicit-false": JSON_SCHEMA,
    "config/normalize-lookup": JSON_SCHEMA,
    "empty/keks": DEKS,
    "mode/global-readonly-dek": DEKS,
    "ctx/keks-url": DEKS,
    "ctx/subjects-all": OTHERS,
    "ctx/subjects-default-only": OTHERS,
    "ctx/subjects-default-url": OTHERS,
    "meta/id": "names the Kafka cluster",
    "softid/get-guid-after-hard": "is a fault of the server: 500 for a GUID that is gone",
}


class Replay:
    """Sends the recorded requests, with the ids of this registry in place of the recorded ones."""

    def __init__(self, registry: Registry) -> None:
        self._connection = http.client.HTTPConnection(registry.url.removeprefix("http://"), timeout=20)
        self._ids: dict[int, int] = {}

    def differs(self, exchange: dict[str, Any]) -> str | None:
        """What is different, in words; None if nothing is."""
        request, expected = exchange["request"], exchange["response"]
        body = request["body"]
        if body is not None and not isinstance(body, str):
            body = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
        path = request["path"] if "ctx" in request["path"] else self._path(request["path"])
        self._connection.request(
            request["method"], path, None if body is None else body.encode(), request["headers"]
        )
        response = self._connection.getresponse()
        text = response.read()
        found = json.loads(text) if text else None
        self._learn(expected["body"], found)
        wanted = self._own(expected["body"])
        if path.endswith("/referencedby") and isinstance(wanted, list):
            wanted = [self._ids.get(number, number) for number in wanted]
        if response.status != expected["status"]:
            return f"status {response.status}, recorded {expected['status']}: {text.decode()[:300]}"
        if json.dumps(masked(found)) != json.dumps(masked(wanted)):
            return f"body {json.dumps(found)[:700]}, recorded {json.dumps(wanted)[:700]}"
        content_type = response.getheader("Content-Type")
        if content_type != expected["headers"].get("Content-Type"):
            return f"content type {content_type}, recorded {expected['headers']}"
        return None

    def _path(self, path: str) -> str:
        return re.sub(r"(?<=/schemas/ids/)\d+", lambda m: str(self._ids.get(int(m[0]), int(m[0]))), path)

    def _learn(self, recorded: Any, found: Any) -> None:
        if isinstance(recorded, dict) and isinstance(found, dict):
            if "id" in recorded and "id" in found and recorded.get("guid") == found.get("guid"):
                self._ids.setdefault(recorded["id"], found["id"])
        elif isinstance(recorded, list) and isinstance(found, list):
            for one, other in zip(recorded, found, strict=False):
                self._learn(one, other)

    def _own(self, recorded: Any) -> Any:
        if isinstance(recorded, dict):
            renamed = {"id": lambda value: self._ids.get(value, value)}
            return {key: renamed.get(key, self._own)(value) for key, value in recorded.items()}
        if isinstance(recorded, list):
            return [self._own(item) for item in recorded]
        return recorded


def masked(value: Any) -> Any:
    """Without what differs on every run."""
    if isinstance(value, dict):
        return {key: "*" if key == "ts" else masked(item) for key, item in value.items()}
    return [masked(item) for item in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def outcome() -> Iterator[dict[str, str | None]]:
    exchanges = [json.loads(line) for line in TRANSCRIPT.read_text().splitlines()]
    with Registry() as registry:
        replay = Replay(registry)
        yield {exchange["name"]: replay.differs(exchange) for exchange in exchanges}


def test_every_exchange_is_answered_as_recorded_but_those_set_aside(outcome: dict[str, str | None]) -> None:
    different = {name: what for name, what in outcome.items() if what and name not in SET_ASIDE}
    assert different == {}
    assert len(outcome) > 480


def test_nothing_is_set_aside_that_is_answered_as_recorded(outcome: dict[str, str | None]) -> None:
    assert [name for name in SET_ASIDE if outcome[name] is None] == []
