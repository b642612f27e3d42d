"""Every source of a tag protects by itself: in each format, with each mode of registration, read back officially."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bridge.routing.resolver import Writers
from bridge.sandbox.registry import Registry
from tests.support.encryption import EMAIL, FORMATS, PHONE, VALUES, Org, contract, event, loaded, writers
from tests.support.official_client import read
from tests.support.registry_client import asked

SUBJECT = "orders-value"
PLAIN = {"Order_Number__c": "O-10018"}
MODES: dict[str, dict[str, str]] = {
    "first version": {},
    "next version": {},
    "normalized": {"value__converter__normalize__schemas": "true"},
    "nothing is registered": {"value__converter__auto__register__schemas": "false"},
    "the latest is used": {
        "value__converter__auto__register__schemas": "false",
        "value__converter__use__latest__version": "true",
    },
}


class Classified(Org):
    """The e-mail address is personal, says Salesforce."""

    def field_classification(self, event: str) -> list[dict[str, Any]]:
        from tests.support.encryption import DESCRIBE

        return [
            {
                "QualifiedApiName": each["name"],
                "ComplianceGroup": "PII" if each["name"] == "Customer_Email__c" else None,
                "SecurityClassification": None,
            }
            for each in DESCRIBE["fields"]
        ]


def without_tags(registry: Registry, path: Path, form: str) -> dict[str, Any]:
    """A version with the rule and without any tag, as it is registered for a contract that tags another field."""
    other = contract(path, "Phone__c: {tags: [OTHER]}")
    with_rules = writers(
        registry.url, other, output__data__format=form, bridge__csfle__allow__plaintext="true"
    )
    with_rules.resolve(event().schema, event(**VALUES))
    with_rules.close()
    return dict(asked(registry, f"/subjects/{SUBJECT}/versions/latest"))


def contract_fields(registry: Registry, path: Path, form: str) -> tuple[Path | None, Org]:
    return contract(path, "Customer_Email__c: {tags: [PII]}"), Org()


def classification(registry: Registry, path: Path, form: str) -> tuple[Path | None, Org]:
    made = contract(path, "")
    made.write_text(made.read_text() + "classification: {complianceGroup: {PII: PII}}\n")
    return made, Classified()


def registered_pattern(registry: Registry, path: Path, form: str) -> tuple[Path | None, Org]:
    latest = without_tags(registry, path, form)
    body = {key: latest[key] for key in ("schema", "schemaType", "ruleSet") if key in latest}
    body["metadata"] = {"tags": {"**.Customer_Email__c": ["PII"]}}
    asked(registry, f"/subjects/{SUBJECT}/versions", body)
    return None, Org()


def registered_inline(registry: Registry, path: Path, form: str) -> tuple[Path | None, Org]:
    first = writers(
        registry.url, contract(path, "Customer_Email__c: {tags: [PII]}"), output__data__format=form
    )
    first.resolve(event().schema, event(**VALUES))
    first.close()
    return None, Org()


SOURCES = (contract_fields, classification, registered_pattern, registered_inline)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("source", SOURCES, ids=lambda each: each.__name__)
def test_a_tag_protects_wherever_it_comes_from(
    registry: Registry, tmp_path: Path, source: Any, form: str, mode: str
) -> None:
    registered = source in (registered_pattern, registered_inline)
    if mode != "first version" and not registered:
        without_tags(registry, tmp_path, form)
    path, org = source(registry, tmp_path, form)
    settings = {"output__data__format": form, **MODES[mode]}
    if path is not None:
        settings["bridge__schema__contract"] = str(path)
    made = Writers(loaded(registry.url, **settings), org)
    values = VALUES | PLAIN
    route = made.resolve(event().schema, event(**values))
    message = route.convert(event(**values))
    made.close()
    assert route.sealed == 1
    assert EMAIL.encode() not in message
    assert EMAIL.encode()[:8] not in message
    for plain in (PHONE, PLAIN["Order_Number__c"]):
        assert plain.encode() in message, "only what is tagged"
    versions = asked(registry, f"/subjects/{SUBJECT}/versions")
    if "auto" in "".join(MODES[mode]):
        assert versions == [1] if source is not registered_pattern else versions == [1, 2]
    # The official Python client reads no schema with metadata.tags; that of JavaScript does, in its own tests.
    stored = asked(registry, f"/subjects/{SUBJECT}/versions/latest")
    if "tags" not in (stored.get("metadata") or {}) and (registered or "auto" not in "".join(MODES[mode])):
        found = read(registry, form, message)
        assert found["Customer_Email__c"] == EMAIL
        assert found["Phone__c"] == PHONE
