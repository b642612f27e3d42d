"""``sfbridge schemas``: files in, files and sentences out, exit codes for a pipeline."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.cli.main import main
from bridge.formats import FORMATS
from bridge.model.contract import parse
from bridge.sandbox import samples
from bridge.sandbox.org import Org
from bridge.sandbox.registry import Registry
from tests.support import sfdx

SAMPLES = Path(__file__).parents[3] / "schemas"
EVENT = "Invoice_Approved__e"
PROJECT = SAMPLES / "sfdx"
ENDINGS = (".avsc", ".schema.json", ".proto", ".contract.yaml")


def generated(out: Path, *more: str) -> dict[str, bytes]:
    assert main(["schemas", "generate", "--out", str(out), *more]) == 0
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


def test_the_sample_is_generated_byte_for_byte(tmp_path: Path) -> None:
    made = generated(tmp_path / "a", "--sfdx", str(PROJECT), "--event", EVENT)
    assert set(made) == {f"{EVENT}{ending}" for ending in ENDINGS}
    assert made == {name: (SAMPLES / name).read_bytes() for name in made}
    assert made == generated(tmp_path / "a", "--sfdx", str(PROJECT), "--event", EVENT), (
        "again, over its own files"
    )
    shutil.copytree(PROJECT, tmp_path / "moved")
    assert made == generated(tmp_path / "b", "--sfdx", str(tmp_path / "moved"), "--event", EVENT)


@pytest.mark.parametrize("name", ["Order_Placed__e", "Every_Type__e"])
def test_from_describe_it_is_the_golden_schema(tmp_path: Path, name: str) -> None:
    made = generated(tmp_path, "--describe", str(SAMPLES / f"{name}.describe.json"), "--format", "avro")
    assert set(made) == {f"{name}.avsc", f"{name}.contract.yaml"}
    assert made[f"{name}.avsc"] == (SAMPLES / f"{name}.avsc").read_bytes()


@pytest.mark.parametrize("kind", ["event-schema", "event-schema.compact"])
def test_from_event_schema_and_from_pubsub(tmp_path: Path, kind: str) -> None:
    name = "Order_Placed__e"
    source = SAMPLES / f"{name}.{kind}.json"
    made = generated(tmp_path / "out", "--event-schema", str(source), "--format", "AVRO")
    assert made[f"{name}.avsc"] == (SAMPLES / f"{name}.avsc").read_bytes()
    if kind.endswith("compact"):
        document = {k: v for k, v in json.loads(source.read_text()).items() if k != "uuid"}
        (tmp_path / "pubsub.avsc").write_text(json.dumps(document))
        again = generated(tmp_path / "avro", "--avro", str(tmp_path / "pubsub.avsc"), "--format", "AVRO")
        assert again[f"{name}.avsc"] == made[f"{name}.avsc"]


def test_rules_of_a_generated_contract_expire_and_wait_for_a_key(tmp_path: Path, capsys: Any) -> None:
    source = ["--sfdx", str(PROJECT), "--event", EVENT]
    contract = parse(generated(tmp_path / "a", *source)[f"{EVENT}.contract.yaml"].decode())
    assert contract.rules
    assert all(rule.disabled and rule.params["encrypt.dek.expiry.days"] == "90" for rule in contract.rules)
    assert "are disabled until they name a key" in capsys.readouterr().err
    key = ["--kek", "sales", "--kms-type", "aws-kms", "--kms-key-id", "arn:aws:kms:eu:1:key/2"]
    contract = parse(generated(tmp_path / "b", *source, *key)[f"{EVENT}.contract.yaml"].decode())
    assert all(rule.encrypts and rule.params["encrypt.kek.name"] == "sales" for rule in contract.rules)


def test_an_edited_contract_is_kept_and_followed(tmp_path: Path) -> None:
    source = ["--sfdx", str(PROJECT), "--event", EVENT]
    generated(tmp_path, *source)
    path = tmp_path / f"{EVENT}.contract.yaml"
    edited = "# ours\n" + path.read_text().replace(
        "Payer_Iban__c: {tags: [CONFIDENTIAL, PCI, PII]}", "Payer_Iban__c: {tags: [OWN]}"
    )
    assert "OWN" in edited
    path.write_text(edited)
    made = generated(tmp_path, *source)
    assert path.read_text() == edited
    entries = {f["name"]: f for f in json.loads(made[f"{EVENT}.avsc"])["fields"]}
    assert entries["Payer_Iban__c"]["confluent:tags"] == ["OWN"]


def test_numbers_of_protobuf_stay(tmp_path: Path) -> None:
    if "PROTOBUF" not in FORMATS:
        pytest.fail("PROTOBUF is not among the formats")
    project = tmp_path / "project"
    shutil.copytree(PROJECT, project)
    source = ["--sfdx", str(project), "--event", EVENT, "--format", "PROTOBUF"]
    before = generated(tmp_path / "out", *source)[f"{EVENT}.proto"].decode()
    fields = next(project.rglob("fields"))
    (fields / "Aaa__c.field-meta.xml").write_text(
        sfdx.field_xml(samples.FieldDefinition("Aaa__c", "string")), encoding="utf-8"
    )
    after = generated(tmp_path / "out", *source)[f"{EVENT}.proto"].decode()
    numbered = [line for line in before.splitlines() if " = " in line]
    assert all(line in after.splitlines() for line in numbered)
    assert "Aaa__c" in after
    old = tmp_path / "old.proto"
    old.write_text(before)
    assert main(["schemas", "diff", str(old), str(tmp_path / "out" / f"{EVENT}.proto")]) == 0


def test_diff_tells_whom_it_breaks(tmp_path: Path, capsys: Any) -> None:
    golden = SAMPLES / "Order_Placed__e.avsc"
    assert main(["schemas", "diff", str(golden), str(golden)]) == 0
    assert capsys.readouterr().out == "nothing changed\n"
    document = json.loads(golden.read_text())
    document["fields"] = [f for f in document["fields"] if f["name"] != "Status__c"]
    (tmp_path / "new.avsc").write_text(json.dumps(document))
    assert main(["schemas", "diff", str(golden), str(tmp_path / "new.avsc")]) == 1
    assert "breaks consumers that use Status__c" in capsys.readouterr().out
    assert main(["schemas", "diff", str(tmp_path / "new.avsc"), str(golden), "-o", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["breaking"] is False
    assert found["changes"][0]["path"] == "Status__c"
    assert main(["schemas", "diff", str(PROJECT), str(SAMPLES / f"{EVENT}.avsc"), "--event", EVENT]) == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["generate", "--describe", "none.json"], "none.json: cannot be read"),
        (["generate", "--sfdx", "none", "--event", "A__e"], "none is not a folder"),
        (
            ["generate", "--describe", "none.json", "--format", "XML"],
            "must be AVRO, JSON_SR, PROTOBUF or all",
        ),
        (["diff", "a.avsc", "b.avsc"], "a.avsc: cannot be read"),
        (["register", "a.avsc"], "a.avsc: cannot be read"),
        (["register", str(SAMPLES / "Order_Placed__e.avsc")], "schema.registry.url"),
        (["register", str(SAMPLES / "Order_Placed__e.describe.json")], "holds metadata and no schema"),
    ],
)
def test_mistakes_are_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, arguments: list[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["schemas", *arguments]) in (1, 2)
    assert words in capsys.readouterr().err


def registered(registry: Registry, path: Path, *more: str) -> int:
    return main(["schemas", "register", str(path), "--schema-registry", registry.url, *more])


def test_register_and_show(registry: Registry, tmp_path: Path, capsys: Any) -> None:
    key = ["--kek", "sales", "--kms-type", "local-kms", "--kms-key-id", "one"]
    generated(tmp_path, "--sfdx", str(PROJECT), "--event", EVENT, *key)
    file = tmp_path / f"{EVENT}.avsc"
    assert registered(registry, file, "--context", "crm", "--metadata-tags", "-o", "json") == 0
    out = capsys.readouterr().out
    assert json.loads(out[out.index("{") :])["subject"] == ":.crm:invoice_approved__e-value"
    assert registered(registry, file, "--context", "crm") == 0
    assert "version 1, id 1" in capsys.readouterr().out
    show = ["schemas", "show", "--context", "crm", "--schema-registry", registry.url]
    assert main([*show, "--contract", str(tmp_path / f"{EVENT}.contract.yaml"), "-o", "json"]) == 0
    (shown,) = json.loads(capsys.readouterr().out)
    tags = {f["name"]: {t["tag"]: t["origins"] for t in f["tags"]} for f in shown["fields"]}
    assert tags["Payer_Email__c"]["PII"] == ["contract", "registered schema, inline"]
    assert [(r["name"], r["fields"]) for r in shown["rules"]] == [
        ("sensitive", ["Payer_Born__c", "Payer_Email__c", "Payer_Iban__c"])
    ]
    assert f"io.confluent.salesforce.{EVENT}.Payer_Email__c" in shown["metadata"]["tags"]
    assert main(show) == 0
    assert "Payer_Email__c" in capsys.readouterr().out
    assert main([*show, "missing"]) == 1


def test_register_normalized(registry: Registry, tmp_path: Path, capsys: Any) -> None:
    texts = ('{"type":"object","title":"T"}', '{"title":"T","type":"object"}')
    for more, versions in ((["--normalize"], "11"), ([], "12")):
        for text, version in zip(texts, versions, strict=True):
            file = tmp_path / "T.schema.json"
            file.write_text(text)
            subject = f"t{len(more)}"
            assert registered(registry, file, "--subject", subject, *more) == 0
            assert f"{subject} version {version}," in capsys.readouterr().out


def test_show_asks_the_connectors_org_and_contract(
    registry: Registry, tmp_path: Path, connector_of: Callable[[Org], Path], capsys: Any
) -> None:
    contract = tmp_path / "contract.yaml"
    contract.write_text(
        "event: Order_Placed__e\nclassification: {complianceGroup: {GDPR: PII}}\nfields: {Status__c: {tags: [OWN]}}\n"
    )
    with Org(samples.EVENTS, directory=tmp_path / "org") as org:
        connector = connector_of(org)
        source = ["--connector", str(connector), "--contract", str(contract), "--format", "AVRO"]
        generated(tmp_path / "out", *source)
        file = tmp_path / "out" / "Order_Placed__e.avsc"
        assert registered(registry, file, "--subject", "orders-value", "--contract", str(contract)) == 0
        capsys.readouterr()
        shown = [
            "--connector",
            str(connector),
            "--contract",
            str(contract),
            "--schema-registry",
            registry.url,
        ]
        assert main(["schemas", "show", *shown, "-o", "json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    origins = {f["name"]: {t["tag"]: t["origins"] for t in f["tags"]} for f in found["fields"]}
    assert found["subject"] == "orders-value"
    assert origins["Customer_Email__c"] == {"PII": ["complianceGroup GDPR", "registered schema, inline"]}
    assert origins["Status__c"] == {"OWN": ["contract", "registered schema, inline"]}
    assert found["findings"] == []


def test_register_says_what_is_incompatible(registry: Registry, tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "Order_Placed__e.avsc"
    document = json.loads((SAMPLES / file.name).read_text())
    file.write_text(json.dumps(document))
    assert registered(registry, file, "--subject", "orders-value") == 0
    document["fields"].append({"name": "Must__c", "type": "string"})
    file.write_text(json.dumps(document))
    assert registered(registry, file, "--subject", "orders-value") == 1
    assert "Must__c" in capsys.readouterr().err


def test_a_new_json_subject_is_lenient(registry: Registry, tmp_path: Path) -> None:
    generated(tmp_path, "--sfdx", str(PROJECT), "--event", EVENT, "--format", "JSON_SR")
    assert registered(registry, tmp_path / f"{EVENT}.schema.json") == 0
    document = json.loads((tmp_path / f"{EVENT}.schema.json").read_text())
    document["properties"]["New__c"] = {"type": "string"}
    (tmp_path / f"{EVENT}.schema.json").write_text(json.dumps(document))
    assert registered(registry, tmp_path / f"{EVENT}.schema.json") == 0


def test_generate_asks_the_org_of_a_connector(tmp_path: Path, connector_of: Callable[[Org], Path]) -> None:
    with Org(samples.EVENTS, directory=tmp_path / "org") as org:
        made = generated(tmp_path / "out", "--connector", str(connector_of(org)))
    contract = parse(made["Order_Placed__e.contract.yaml"].decode())
    assert contract.fields["Customer_Email__c"].tags == ("PII",)
    entries = {f["name"]: f for f in json.loads(made["Order_Placed__e.avsc"])["fields"]}
    assert entries["Customer_Email__c"]["confluent:tags"] == ["PII"]
    assert "confluent:tags" not in entries["Status__c"]


@pytest.fixture
def connector_of(tmp_path: Path) -> Callable[[Org], Path]:
    def written(org: Org) -> Path:
        c = org.credentials
        config = {
            "connector.class": "SalesforcePlatformEventSource",
            "name": "orders",
            "kafka.topic": "orders",
            "salesforce.grant.type": "PASSWORD",
            "salesforce.instance": org.url,
            "salesforce.username": c.username,
            "salesforce.password": c.password,
            "salesforce.password.token": c.security_token,
            "salesforce.consumer.key": c.client_id,
            "salesforce.consumer.secret": c.client_secret,
            "salesforce.platform.event.name": "Order_Placed__e",
            "bridge.salesforce.ca.file": str(org.ca_file),
            "output.data.format": "AVRO",
            "schema.registry.url": "http://127.0.0.1:1",
            "kafka.endpoint": "127.0.0.1:1",
            "kafka.api.key": "k",
            "kafka.api.secret": "s",
        }
        path = tmp_path / "connector.json"
        path.write_text(json.dumps(config))
        return path

    return written


def test_a_context_that_is_not_there(registry: Registry, capsys: Any) -> None:
    assert main(["schemas", "show", "--context", "nope", "--schema-registry", registry.url]) == 1
    assert "the registry has no subject in the context nope; there is default" in capsys.readouterr().err
