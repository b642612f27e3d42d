"""A connector's writers against the embedded registry, and an event whose values they protect."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from bridge.config import Loaded, config_of
from bridge.config.declarations import WORKER
from bridge.event import Data, Head
from bridge.routing.resolver import Writers

SAMPLES = Path(__file__).parents[2] / "schemas"
EVENT = "Order_Placed__e"
ID = "0rd3rPlac3dEv3ntSch3ma"
SECRET = "a secret for tests"
DESCRIBE: dict[str, Any] = json.loads((SAMPLES / f"{EVENT}.describe.json").read_text())
EXPANDED = json.loads((SAMPLES / f"{EVENT}.event-schema.json").read_text())
PARAMS = "{encrypt.kek.name: sales, encrypt.kms.type: local-kms, encrypt.kms.key.id: k%s}"
RULE = "{name: pii, type: ENCRYPT, tags: [PII], params: %s}"
EMAIL, PHONE = "alice@example.com", "+420 777 123 456"
VALUES: dict[str, Any] = {
    "Customer_Email__c": EMAIL,
    "Phone__c": PHONE,
    "Amount__c": 12.5,
    "Is_Gift__c": True,
}
FIELDS = "Customer_Email__c: {tags: [PII]}, Phone__c: {tags: [PII]}"
FORMATS = ("AVRO", "JSON_SR", "PROTOBUF")  # whose schemas can have rules


class Org:
    """Salesforce's metadata of the sample event."""

    def describe(self, event: str) -> dict[str, Any]:
        return DESCRIBE

    def event_schema(self, schema_id: str) -> dict[str, Any] | None:
        return EXPANDED if schema_id == ID else None

    def field_classification(self, event: str) -> list[dict[str, Any]]:
        return []


def contract(
    directory: Path, fields: str, more: str = "", otherwise: str = "fail", rules: str | None = None
) -> Path:
    """A contract with one rule for PII; ``more`` goes into the rule's params."""
    rule = RULE % (PARAMS % (f", {more}" if more else ""))
    path = directory / "order.contract.yaml"
    found = f"[{rule}]" if rules is None else rules
    path.write_text(f"event: {EVENT}\nfields: {{{fields}}}\nrules: {found}\notherwise: {otherwise}\n")
    return path


def loaded(url: str, **settings: str) -> Loaded:
    """The connector's configuration; two underscores stand for a dot."""
    given = {
        "name": "c",
        "salesforce.platform.event.name": EVENT,
        "kafka.topic": "Orders",
        "output.data.format": "AVRO",
        "csfle.enabled": "true",
        "errors.retry.timeout": "1000",
        "value.converter.schema.registry.url": url,
        **{key.replace("__", "."): value for key, value in settings.items()},
    }
    worker = config_of({"rule.executors._default_.param.secret": SECRET}, WORKER)
    return Loaded(config_of(given), worker)


def writers(url: str, contract: Path | None = None, **settings: str) -> Writers:
    """The resolver of routes."""
    if contract is not None:
        settings["bridge__schema__contract"] = str(contract)
    return Writers(loaded(url, **settings), Org())


def event(replay_id: int = 7, **payload: Any) -> Data:
    """An event of the sample's schema."""
    return Data(msgspec.Raw(json.dumps(payload).encode()), Head(replay_id, "u-u-i-d"), ID)
