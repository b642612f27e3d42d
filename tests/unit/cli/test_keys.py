"""``sfbridge keys`` and what reads records again, against the embedded registry."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from bridge.cli import keys
from bridge.cli.main import command_parser, run_command
from bridge.encryption.dek_registry import DekRegistry
from bridge.encryption.deks import Deks
from bridge.encryption.envelope import Algorithm
from bridge.errors import BadRecord, Stage
from bridge.kafka.dead_letter import DeadLetters
from bridge.reading.decrypt import Decrypter
from bridge.registry.http import http_of
from bridge.sandbox.registry import Registry
from tests.support.encryption import SECRET, contract, event, writers

FIELDS = "Customer_Email__c: {tags: [PII]}"
EMAIL = "alice@example.com"
EXPIRY = "encrypt.dek.expiry.days: '90'"


@pytest.fixture
def worker(registry: Registry, tmp_path: Path) -> Path:
    path = tmp_path / "worker.properties"
    secret = f"rule.executors._default_.param.secret={SECRET}"
    path.write_text(f"schema.registry.url={registry.url}\n{secret}\n")
    return path


def sfbridge(worker: Path, *words: str) -> int:
    arguments = command_parser("keys", keys).parse_args([*words, "--worker", str(worker)])
    return run_command(keys, arguments)


def deks(registry: Registry, secret: str = SECRET) -> Deks:
    return Deks(DekRegistry(http(registry)), {"secret": secret}, retry_seconds=0)


def http(registry: Registry) -> Any:
    return http_of({"url": registry.url}, retry_seconds=1, longest_wait=1)


def message(registry: Registry, tmp_path: Path, more: str = "", form: str = "AVRO") -> bytes:
    path = contract(tmp_path, FIELDS, more)
    made = writers(registry.url, path, output__data__format=form)
    return made.resolve(event().schema, event()).convert(event(Customer_Email__c=EMAIL))


def test_list_shows_keys_and_no_material(
    registry: Registry, worker: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message(registry, tmp_path)
    assert sfbridge(worker, "list", "--output", "json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["keks"] == [
        {"name": "sales", "kmsType": "local-kms", "kmsKeyId": "k", "alternates": [], "shared": False}
    ]
    assert shown["deks"][0] | {"age_days": 0} == {
        "kek": "sales", "subject": "orders-value", "algorithm": "AES256_GCM", "version": 1, "age_days": 0,
        "versions": 1, "expiry_days": None, "wrapped_under": "k", "use": "writes"
    }  # fmt: skip
    assert sfbridge(worker, "list") == 0
    assert "orders-value" in capsys.readouterr().out


def test_create_registers_a_kek_and_a_first_dek_once(registry: Registry, worker: Path) -> None:
    words = ("create", "--kek", "k1", "--kms-type", "local-kms", "--kms-key-id", "a", "--subject", "s")
    assert sfbridge(worker, *words) == 0
    assert sfbridge(worker, *words) == 0
    assert deks(registry).registry.versions("k1", "s", Algorithm.AES256_GCM) == [1]
    assert sfbridge(worker, *[w if w != "a" else "b" for w in words]) == 1


def test_rotation_reaches_a_running_connector_and_old_records_still_open(
    registry: Registry, worker: Path, tmp_path: Path
) -> None:
    made = writers(registry.url, contract(tmp_path, FIELDS, EXPIRY))
    data = event(Customer_Email__c=EMAIL)
    first = made.resolve(data.schema, data).convert(data)
    assert sfbridge(worker, "rotate", "--subject", "orders-value") == 0
    assert made.guard is not None
    later = time.time() + 400
    made.guard.deks.now = lambda: later
    second = made.resolve(data.schema, data).convert(data)
    reader = Decrypter(http(registry), deks(registry), "", "orders")
    assert [reader.opened(m).value["Customer_Email__c"] for m in (first, second)] == [EMAIL, EMAIL]
    assert re.search(rb"AAAAAA[E-H]", first)
    assert re.search(rb"AAAAAA[I-L]", second)


def test_rotation_is_refused_where_readers_could_not_follow(
    registry: Registry, worker: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message(registry, tmp_path)
    assert sfbridge(worker, "rotate", "--subject", "orders-value") == 1
    assert "encrypt.dek.expiry.days" in capsys.readouterr().err


def test_verify_names_what_does_not_unwrap(
    registry: Registry, worker: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sfbridge(worker, "verify") == 1
    assert "nothing was verified" in capsys.readouterr().err
    message(registry, tmp_path)
    assert sfbridge(worker, "verify") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 of 1 keys unwrap"
    worker.write_text(worker.read_text().replace(SECRET, "another"))
    assert sfbridge(worker, "verify", "--output", "json") == 1
    printed = capsys.readouterr()
    report = json.loads(printed.out)
    assert report["ok"] is False
    assert report["total"] == "0 of 1 keys unwrap"
    (found,) = report["keys"]
    assert found["ok"] is False
    assert "another secret" in found["message"]
    assert printed.err.splitlines()[-1] == "sfbridge: not proved: 0 of 1 keys unwrap"


@pytest.mark.parametrize("form", ["AVRO", "JSON_SR", "PROTOBUF"])
def test_what_does_not_open_is_shown_as_it_stands(registry: Registry, tmp_path: Path, form: str) -> None:
    sealed = message(registry, tmp_path, form=form)
    reader = Decrypter(http(registry), deks(registry), "", "orders")
    assert reader.decode(sealed).value["Customer_Email__c"] == EMAIL
    broken = bytearray(sealed)
    place = sealed.index(b"=") - 6 if b"=" in sealed else len(sealed) // 2
    broken[place] = broken[place] ^ 1
    assert "not decrypted" in (reader.decode(bytes(broken)).note or "")


def test_a_dead_letter_is_ciphertext_that_opens(registry: Registry, tmp_path: Path) -> None:
    made = writers(registry.url, contract(tmp_path, FIELDS, EXPIRY))
    letters = made.letters(DeadLetters("dead", "c", "orders"))
    raw = json.dumps({"Customer_Email__c": EMAIL}).encode()
    topic, value, *_, headers = letters.record(raw, BadRecord("broken", stage=Stage.PARSE, position=4))
    assert topic == "dead"
    assert EMAIL.encode() not in value + b"".join(text for _, text in headers)
    reader = Decrypter(http(registry), deks(registry), "", "dead")
    assert reader.decode(value, headers).value == {"Customer_Email__c": EMAIL}
    assert "another key" in (reader.decode(value[:-1] + b"x", headers).note or "")


RACE = """
import sys
from bridge.encryption.dek_registry import DekRegistry
from bridge.encryption.deks import Deks
from bridge.encryption.rules import EncryptRule
from bridge.registry.http import http_of
deks = Deks(DekRegistry(http_of({"url": sys.argv[1]}, retry_seconds=5, longest_wait=1)), {"secret": "s"})
print("ready", flush=True)
sys.stdin.readline()
for n in range(40):
    rule = EncryptRule("r", False, frozenset(), f"kek{n}", "local-kms", "key")
    print(deks.for_writing(rule, "s").material.hex(), flush=True)
"""


def test_two_processes_that_race_use_one_dek(registry: Registry) -> None:
    command = [sys.executable, "-c", RACE, registry.url]
    both = [subprocess.Popen(command, stdin=-1, stdout=-1, text=True) for _ in range(2)]
    for one in both:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in both:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    first, second = (one.communicate(timeout=60)[0].split() for one in both)
    assert len(first) == 40
    assert first == second
