"""Loading: what each grant type needs, keystores, proxies, the registry's credentials."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from bridge.salesforce.keymaker import make_pair
from tests.unit.config.samples import REGISTRY, Faults, Load

KEYSTORE = "data:text/plain;base64," + base64.b64encode(make_pair("test", 30, "p", "key")[0]).decode()
NO_PASSWORD = {"salesforce.password": None, "salesforce.password.token": None}
NO_SECRETS = {**NO_PASSWORD, "salesforce.username": None, "salesforce.consumer.key": None,
              "salesforce.consumer.secret": None}  # fmt: skip


@pytest.mark.parametrize(
    ("grant", "needed"),
    [
        ("PASSWORD", ["username", "password", "password.token", "consumer.key", "consumer.secret"]),
        ("JWT_BEARER", ["username", "consumer.key", "jwt.keystore.file", "jwt.keystore.password"]),
        ("CLIENT_CREDENTIALS", ["consumer.key", "consumer.secret", "instance"]),
        ("OAUTH2_AUTH_CODE_BYOA", ["consumer.key", "consumer.secret"]),
    ],
)
def test_what_each_grant_type_needs(grant: str, needed: list[str], faults: Faults) -> None:
    more = {"oauth.refresh.token"} if grant.startswith("OAUTH2") else set()
    found = faults({"salesforce.grant.type": grant, **NO_SECRETS})
    assert set(found) == {f"salesforce.{name}" for name in needed} | more


def test_grants_with_what_they_need(loading: Load, tmp_path: Path) -> None:
    store = tmp_path / "keys.p12"
    store.write_bytes(base64.b64decode(KEYSTORE.partition(",")[2]))
    jwt = {"salesforce.grant.type": "JWT_BEARER", "salesforce.jwt.keystore.password": "p", **NO_PASSWORD}
    loading({**jwt, "salesforce.jwt.keystore.file": KEYSTORE})
    loading({**jwt, "salesforce.jwt.keystore.file": KEYSTORE.replace(";base64", ":base64")})
    loading({**jwt, "salesforce.jwt.keystore.path": str(store)})
    credentials = {
        "salesforce.grant.type": "CLIENT_CREDENTIALS",
        "salesforce.instance": "https://acme.my.salesforce.com",
    }
    loading({**credentials, **NO_PASSWORD, "salesforce.username": None})
    loading({"salesforce.grant.type": "OAUTH2_AUTH_CODE_BYOA", "oauth.refresh.token": "r", **NO_PASSWORD})


def test_a_keystore_comes_from_one_place(faults: Faults, tmp_path: Path) -> None:
    store = tmp_path / "keys.p12"
    store.write_bytes(b"x")
    both = {"salesforce.jwt.keystore.file": KEYSTORE, "salesforce.jwt.keystore.path": str(store)}
    assert "together" in faults(both)["salesforce.jwt.keystore.path"]


def test_the_password_token_may_be_explicitly_empty(loading: Load, faults: Faults) -> None:
    assert loading({"salesforce.password.token": ""}).connector["salesforce.password.token"] == ""
    assert "empty string" in faults({"salesforce.password.token": None})["salesforce.password.token"]
    assert "salesforce.password" in faults({"salesforce.password": ""})


def test_the_keystore_is_opened_before_anything_is_tried(faults: Faults) -> None:
    jwt = {"salesforce.grant.type": "JWT_BEARER", "salesforce.jwt.keystore.file": KEYSTORE, **NO_PASSWORD}
    assert set(faults({**jwt, "salesforce.jwt.keystore.password": "wrong"})) == {
        "salesforce.jwt.keystore.password"
    }
    broken = {**jwt, "salesforce.jwt.keystore.file": "data:text/plain;base64,AAAA"}
    assert set(faults({**broken, "salesforce.jwt.keystore.password": "p"})) == {
        "salesforce.jwt.keystore.file"
    }
    example = Path(__file__).parents[3] / "keys-example" / "salesforce-jwt.p12"
    ours = {**jwt, "salesforce.jwt.keystore.file": None, "salesforce.jwt.keystore.path": str(example)}
    password = {"salesforce.jwt.keystore.password": "example-only"}
    assert set(faults({**ours, **password})) == {"salesforce.jwt.keystore.path"}
    assert faults({**ours, **password, "bridge.allow.example.keys": "true"}) == {}


def test_proxies(faults: Faults) -> None:
    proxy = {"http.proxy": "proxy:3128", "http.proxy.auth.scheme": "BASIC"}
    assert set(faults(proxy)) == {"http.proxy.user"}
    assert faults({**proxy, "http.proxy.user": "u", "http.proxy.password": "p"}) == {}
    assert set(faults({"http.proxy": "https://proxy:3128"})) == {"http.proxy"}


def test_the_contract_is_read(faults: Faults, tmp_path: Path) -> None:
    contract = tmp_path / "TestEvent__e.contract.yaml"
    named = {"bridge.schema.contract": str(contract)}
    contract.write_text("event: TestEvent__e\nfields:\n  Email__c: {tags: [PII]}\n")
    assert faults(named) == {}
    contract.write_text("event: Other__e\n")
    assert "Other__e" in faults(named)["bridge.schema.contract"]
    contract.write_text("event: [")
    assert len(faults(named)) == 1


def test_registry_credentials_are_named_as_they_are_given(faults: Faults) -> None:
    avro = {"output.data.format": "AVRO"}
    inherit = {"value.converter.basic.auth.credentials.source": "SASL_INHERIT"}
    assert set(faults({**avro, **inherit}, worker=REGISTRY)) == set(inherit)
    oauth = {"schema.registry.bearer.auth.credentials.source": "OAUTHBEARER"}
    found = faults(avro, worker=REGISTRY | oauth)
    assert set(found) == set(oauth)
    assert "(in worker.properties)" in found["schema.registry.bearer.auth.credentials.source"]
    assert faults(worker=REGISTRY | oauth) == {}, "JSON needs no registry"


def test_an_unknown_grant_type_hides_no_other_fault_and_invents_none(faults: Faults) -> None:
    assert set(faults({"salesforce.grant.type": "MAGIC", "salesforce.password": None})) == {
        "salesforce.grant.type"
    }
