"""Moving to another KMS key, with Vault's SDK against a double: rewrap, what wraps afterwards, letting a key go."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define

from bridge.cli import keys
from bridge.cli.main import command_parser, run_command
from bridge.encryption.dek_registry import DekRegistry, Kek
from bridge.encryption.deks import ALTERNATES, Deks
from bridge.encryption.envelope import Algorithm
from bridge.encryption.rules import EncryptRule
from bridge.registry.http import http_of
from bridge.sandbox.registry import Registry
from tests.support import kms_doubles

SUBJECT = "orders-value"
SCHEMA = '{"type":"record","name":"R","fields":[{"name":"F","type":"string","confluent:tags":["PII"]}]}'


@define
class Place:
    """A registry, a Vault with two keys, and the command line."""

    registry: Registry
    vault: kms_doubles.Double
    worker: Path
    capsys: pytest.CaptureFixture[str]

    def key(self, name: str) -> str:
        return f"{self.vault.url}/transit/keys/{name}"

    def rule(self, days: int = 90, key: str = "k1") -> EncryptRule:
        return EncryptRule(
            "pii", False, frozenset({"PII"}), "sales", "hcvault", self.key(key), expiry_days=days
        )

    def http(self) -> Any:
        return http_of({"url": self.registry.url}, retry_seconds=1, longest_wait=1)

    def deks(self) -> Deks:
        return Deks(DekRegistry(self.http()), {"token.id": "good"}, retry_seconds=0)

    def allow(self, *prefixes: str) -> None:
        with self.worker.open("a") as file:
            file.write(f"bridge.kms.allowed.keys={','.join(prefixes)}\n")

    def run(self, *words: str) -> tuple[int, Any, str]:
        self.capsys.readouterr()
        arguments = command_parser("keys", keys).parse_args(
            [*words, "--worker", str(self.worker), "-o", "json"]
        )
        code = run_command(keys, arguments)
        out, err = self.capsys.readouterr()
        return code, json.loads(out) if out else None, err

    def register(self, days: str = "90") -> None:
        params = {
            "encrypt.kek.name": "sales",
            "encrypt.kms.type": "hcvault",
            "encrypt.kms.key.id": self.key("k1"),
        }
        rule = {
            "name": "pii",
            "type": "ENCRYPT",
            "tags": ["PII"],
            "params": params | {"encrypt.dek.expiry.days": days},
        }
        body = {"schema": SCHEMA, "ruleSet": {"domainRules": [rule]}}
        self.http().call("POST", f"/subjects/{SUBJECT}/versions", body)

    def wrapped_under(self) -> dict[int, str]:
        _, shown, _ = self.run("list")
        return {one["version"]: one["wrapped_under"] for one in shown["deks"] if one["subject"] == SUBJECT}


@pytest.fixture
def place(
    registry: Registry,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Place]:
    with kms_doubles.vault() as vault:
        monkeypatch.setenv("VAULT_ADDR", vault.url)
        worker = tmp_path / "worker.properties"
        worker.write_text(
            f"schema.registry.url={registry.url}\nrule.executors._default_.param.token.id=good\n"
        )
        made = Place(registry, vault, worker, capsys)
        made.register()
        made.deks().for_writing(made.rule(), SUBJECT)
        yield made


def test_the_newest_key_wraps_after_a_rewrap(place: Place) -> None:
    assert place.wrapped_under() == {1: place.key("k1")}
    place.allow(place.key("k2"))
    code, found, _ = place.run("rewrap", "--kek", "sales", "--to", place.key("k2"), "--dry-run")
    assert code == 0
    assert "would be wrapped" in found[0]["message"]
    assert place.wrapped_under() == {1: place.key("k1")}
    assert place.run("rewrap", "--kek", "sales", "--to", place.key("k2"))[0] == 0
    assert place.wrapped_under() == {1: place.key("k2")}
    code, again, _ = place.run("rewrap", "--kek", "sales", "--to", place.key("k2"))
    assert code == 0
    assert "already" in again[0]["message"]
    assert place.run("rotate", "--subject", SUBJECT)[0] == 0
    assert place.wrapped_under() == {1: place.key("k2"), 2: place.key("k2")}
    place.deks().for_writing(place.rule(), "another-subject")
    _, shown, _ = place.run("list")
    assert {one["wrapped_under"] for one in shown["deks"]} == {place.key("k2")}
    (kek,) = shown["keks"]
    assert (kek["kmsKeyId"], kek["alternates"]) == (place.key("k1"), [place.key("k2")])
    place.vault.gone = {"k1"}
    opened = place.deks()
    for version in (1, 2):
        opened.for_reading("sales", SUBJECT, Algorithm.AES256_GCM, version)
    assert place.run("rotate", "--subject", SUBJECT)[0] == 0
    assert place.wrapped_under()[3] == place.key("k2")


def test_the_third_key_and_the_way_back(place: Place) -> None:
    place.allow(f"{place.vault.url}/transit/keys/")
    for name in ("k2", "k3", "k1"):
        assert place.run("rewrap", "--kek", "sales", "--to", place.key(name))[0] == 0
        assert place.run("rotate", "--subject", SUBJECT)[0] == 0
        assert set(place.wrapped_under().values()) == {place.key(name)}


def test_a_spare_does_not_wrap_while_the_first_key_is_there(place: Place) -> None:
    """An alternate that nothing was rewrapped under is a spare, as Confluent's clients take it."""
    tool = place.deks()
    tool.registry.update_kek("sales", {"kmsProps": {ALTERNATES: place.key("spare")}})
    tool.rotate(place.rule(), SUBJECT)
    assert place.wrapped_under() == {1: place.key("k1"), 2: place.key("k1")}
    place.vault.gone = {"k1"}
    place.deks().for_writing(place.rule(), "another-subject")
    assert place.deks().registry.dek("sales", "another-subject", Algorithm.AES256_GCM) is not None


def test_a_key_that_connectors_would_refuse_is_refused_first(place: Place, tmp_path: Path) -> None:
    before = place.deks().registry.dek("sales", SUBJECT, Algorithm.AES256_GCM)
    words = ("rewrap", "--kek", "sales", "--to", place.key("k2"))
    code, _, err = place.run(*words)
    assert code == 1
    assert f"bridge.kms.allowed.keys={place.key('k2')}" in err
    assert f"encrypt.alternate.kms.key.ids: {place.key('k2')}" in err
    assert place.run(*words, "--dry-run")[0] == 1
    contract = tmp_path / "c.yaml"
    params = f"{{encrypt.kek.name: KEK, encrypt.alternate.kms.key.ids: 'x, {place.key('k2')}'}}"
    text = f"event: E__e\nrules: [{{name: pii, type: ENCRYPT, tags: [PII], params: {params}}}]\n"
    contract.write_text(text.replace("KEK", "another"))
    assert place.run(*words, "--contract", str(contract))[0] == 1
    assert place.deks().registry.dek("sales", SUBJECT, Algorithm.AES256_GCM) == before
    contract.write_text(text.replace("KEK", "sales"))
    assert place.run(*words, "--contract", str(contract))[0] == 0
    assert place.wrapped_under() == {1: place.key("k2")}


def test_a_key_is_let_go_when_nothing_needs_it(place: Place) -> None:
    place.allow(place.key(""))
    without = ("verify", "--without", place.key("k1"))
    code, report, err = place.run(*without)
    assert code == 1
    assert "could wrap no new DEK" in err
    assert place.run("rewrap", "--kek", "sales", "--to", place.key("k2"))[0] == 0
    code, report, _ = place.run(*without)
    assert (code, report["total"]) == (0, f"1 of 1 keys unwrap without {place.key('k1')}")
    late = place.deks()  # somebody else's client wraps under the first key
    kek = late.registry.kek("sales")
    assert kek is not None
    first = late.open_kms("hcvault", place.key("k1"), late.params_of(kek))
    late.registry.create_dek("sales", "late", Algorithm.AES256_GCM, 1, first.wrap(b"\x1a\x20" + bytes(32)))
    code, report, err = place.run(*without)
    assert code == 1
    assert [(one["subject"], one["ok"]) for one in report["keys"]] == [("late", False), (SUBJECT, True)]
    assert err.splitlines()[-1] == f"sfbridge: not proved: 1 of 2 keys unwrap without {place.key('k1')}"
    code, _, err = place.run("verify", "--without", place.key("misspelt"))
    assert code == 1
    assert "no KEK names the key" in err


def test_keks_that_do_not_name_the_key_have_no_say(place: Place) -> None:
    place.allow(place.key(""))
    place.deks().registry.create_kek(Kek("theirs", "hcvault", "http://127.0.0.1:1/transit/keys/x"))
    place.deks().registry.create_dek("theirs", "s", Algorithm.AES256_GCM, 1, b"vault:v1:abc")
    assert place.run("rewrap", "--kek", "sales", "--to", place.key("k2"))[0] == 0
    assert place.run("verify", "--without", place.key("k1"))[0] == 0


def test_local_kms_says_what_it_can_do(place: Place) -> None:
    with place.worker.open("a") as file:
        file.write("rule.executors._default_.param.secret=s\n")
    tool = place.deks()
    tool.params = {"secret": "s"}
    tool.for_writing(EncryptRule("r", False, frozenset(), "local", "local-kms", "a", expiry_days=90), "s")
    code, _, err = place.run("rewrap", "--kek", "local", "--to", "b")
    assert code == 1
    assert "local-kms, which has only a secret" in err
    assert "sfbridge keys create" in err
    code, report, _ = place.run("verify", "--without", "a")
    assert code == 1
    assert "local-kms has only a secret" in report["keys"][0]["message"]


def test_what_is_listed(place: Place) -> None:
    assert place.run("rotate", "--subject", SUBJECT)[0] == 0
    _, shown, _ = place.run("list", "--kek", "sales")
    old, new = shown["deks"]
    assert (old["version"], old["versions"], old["use"], old["expiry_days"]) == (1, 2, "reads", 90)
    assert (new["version"], new["versions"], new["use"], new["expires_in_days"]) == (2, 2, "writes", 90.0)
    arguments = command_parser("keys", keys).parse_args(["list", "--worker", str(place.worker)])
    place.capsys.readouterr()
    assert run_command(keys, arguments) == 0
    table = place.capsys.readouterr().out
    for word in ("ALTERNATES", "WRAPPED UNDER", "2 of 2", "in 90.0 of 90 days", "writes", place.key("k1")):
        assert word in table
    place.vault.fault = "denied"  # with one key there is nothing to ask
    assert place.wrapped_under()[1] == place.key("k1")
