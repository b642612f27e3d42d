"""What is read back or taken over: values of topics, dead letters, positions and configurations of other tools."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from bridge.config import exports
from bridge.documents import json_of
from bridge.errors import Fatal
from bridge.metadata import source_format
from bridge.model.framing import VALUE_HEADER
from bridge.reading.decode import Decoder
from bridge.registry.http import Refused
from bridge.salesforce.bayeux import Advice
from bridge.worker import imports
from tests.fuzz.targets.base import Target, document, samples, scratch, text
from tests.fuzz.targets.salesforce import OBJECT

GUID = "37388f62-057f-25b1-3966-c9a28fb44922"
SCHEMAS: dict[int, tuple[str, bytes]] = {
    1: ("AVRO", samples(".avsc")[0]),
    2: ("JSON", samples(".schema.json")[0]),
    3: ("PROTOBUF", samples(".proto")[0]),
}
TERRAFORM = b"""resource "confluent_connector" "a" {
  config_sensitive = { "salesforce.password" = var.password }
  config_nonsensitive = {
    "connector.class" = "SalesforcePlatformEventSource"
    "kafka.topic" = "orders-${var.x}"
  }
}
"""
STRIMZI = b"""apiVersion: kafka.strimzi.io/v1beta2
kind: KafkaConnector
metadata: {name: orders}
spec: {class: io.confluent.salesforce.SalesforcePlatformEventSourceConnector, config: {kafka.topic: "${secrets:a:b}"}}
"""


class _Registry:
    """Answers for three schemas."""

    def call(self, method: str, path: str, body: Any = None) -> Any:
        if path.endswith("/ids"):
            return [{"context": ".", "id": 3}]
        number = int(path.rpartition("/")[2].partition("?")[0] or 0)
        if number not in SCHEMAS:
            raise Refused(404, 40403, "Schema not found")
        type_, content = SCHEMAS[number]
        return {"schemaType": type_, "schema": content.decode()}


def _value(raw: bytes) -> None:
    """The first byte says which schema; the rest is a value of it, or a GUID header and a value."""
    decoder = Decoder(_Registry())
    if raw[:1] == b"\xff":
        decoder.decode(raw[18:], [(VALUE_HEADER, raw[1:18])])
    else:
        decoder.decode(b"\0\0\0\0" + raw)


def _exported(raw: bytes) -> None:
    for suffix in (".tf", ".yaml", ".json", ".properties"):
        path = scratch(f"exported{suffix}")
        path.write_bytes(raw)
        exports.read_export(path)


def _project(raw: bytes) -> None:
    """The bytes as an object in the Metadata API's form, as a project file and as ``.forceignore``."""
    root = scratch("project")
    objects = root / "src" / "objects"
    objects.mkdir(parents=True, exist_ok=True)
    for name in ("sfdx-project.json", ".forceignore"):
        (root / name).unlink(missing_ok=True)
    (objects / "A__e.object").write_bytes(OBJECT)
    for path in (objects / "A__e.object", root / ".forceignore", root / "sfdx-project.json"):
        path.write_bytes(raw)
        with suppress(Fatal):
            source_format.read(root, "A__e")
        (objects / "A__e.object").write_bytes(OBJECT)


def _advice(raw: bytes) -> None:
    given = json_of(raw)
    advice = Advice()
    if isinstance(given, dict):
        advice.update(given)
    assert 0 <= advice.interval <= 300
    assert advice.timeout >= 0


TARGETS = (
    Target(
        "topic-value",
        _value,
        (
            b"\1" + b"\2\2a" * 8,
            b'\2{"a":1}',
            b"\3\0\x0a\1a\x12\2\x08\1",
            b"\xff\1" + bytes(16) + b"\0\x0a\1a",
        ),
        (),
    ),
    Target("exported", _exported, (TERRAFORM, STRIMZI, b"a=b\n", b'{"config":{"name":"x"}}'), seconds=10),
    Target(
        "sfdx-project",
        _project,
        (OBJECT, b'{"packageDirectories":[{"path":"src"}]}', b"**/x\n!y\n"),
        seconds=5,
    ),
    Target(
        "offsets-import",
        lambda raw: imports.from_text(text(raw)),
        (document({"offsets": [{"partition": {}, "offset": {"replayId": 7}}]}), b'{"replayId":7}', b"7"),
    ),
    Target(
        "handshake-advice", _advice, (document({"interval": 0, "timeout": 110000, "reconnect": "retry"}),)
    ),
)
