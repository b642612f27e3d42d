"""Keys that may be asked, KEKs that were meant: nobody who answers for the registry chooses one."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from bridge.encryption.dek_registry import DekRegistry, Kek
from bridge.encryption.deks import Deks
from bridge.encryption.envelope import Algorithm, new_material
from bridge.encryption.identities import ALTERNATES, Identities, Meant
from bridge.encryption.permitted import Permitted, begins
from bridge.encryption.rules import EncryptRule
from bridge.errors import Fatal
from bridge.registry.http import http_of
from bridge.sandbox.registry import Registry
from tests.support import kms_doubles

ARN = "arn:aws:kms:eu-central-1:111122223333:key/1234"
GCP = "projects/p/locations/l/keyRings/r/cryptoKeys/k"
AZURE = "https://v.vault.azure.net/keys/k"
VAULT = "https://vault.example.com:8200/transit/keys/k"


@pytest.mark.parametrize(
    ("kms_type", "key_id", "known"),
    [
        ("aws-kms", ARN, True),
        ("aws-kms", f"aws-kms://{ARN}", True),
        ("aws-kms", "arn:aws:kms:evil.example.com/:1:key/x", False),
        ("gcp-kms", GCP, True),
        ("azure-kms", AZURE, True),
        ("azure-kms", "https://vault.azure.net.example.com/keys/k", False),
        ("azure-kms", "https://v.vault.azure.net:99/keys/k", False),
        ("azure-kms", "https://evil.example.com/keys/k", False),
        ("azure-kms", "https://v.vault.azure.net@evil.example.com/keys/k", False),
        ("hcvault", VAULT, False),
        ("hcvault", "http://127.0.0.1:8200/transit/keys/k", False),
        ("local-kms", "whatever", True),
    ],
)
def test_known_hosts(kms_type: str, key_id: str, known: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VAULT_ADDR", raising=False)
    if known:
        Permitted().check(kms_type, key_id)
        return
    with pytest.raises(Fatal, match=r"nothing is sent to it.*bridge\.kms\.allowed\.keys=") as refused:
        Permitted().check(kms_type, key_id)
    assert key_id.partition("://")[2] in refused.value.message or key_id in refused.value.message


def test_the_vault_of_the_environment_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_ADDR", "https://vault.example.com:8200/")
    Permitted().check("hcvault", VAULT)
    for other in (
        "https://vault.example.com:82/transit/keys/k",
        "https://vault.example.com:8200.evil.net/t/keys/k",
    ):
        with pytest.raises(Fatal, match="a host that nobody named"):
            Permitted().check("hcvault", other)


@pytest.mark.parametrize(
    ("entry", "key", "expected"),
    [
        ("arn:aws:kms:eu-central-1:111122223333:", ARN, True),
        ("arn:aws:kms:us-east-1:", ARN, False),
        ("https://vault.example.com", "https://vault.example.com.evil.net/t/keys/k", False),
        ("https://vault.example.com", "https://vault.example.com/t/keys/k", True),
        ("https://vault.example.com:8200/transit/keys/", VAULT, True),
        ("hcvault://https://vault.example.com:8200/", VAULT, True),
        ("", VAULT, False),
    ],
)
def test_an_entry_means_a_whole_host(entry: str, key: str, expected: bool) -> None:
    assert begins(key, entry) is expected


def test_entries_and_contracts_are_all_there_is() -> None:
    other = ARN.replace("1234", "5678")
    contract = Permitted(frozenset({ARN, VAULT}), (), only=True)
    contract.check("aws-kms", ARN)
    contract.check("hcvault", VAULT)
    with pytest.raises(Fatal, match="is none that the contract names"):
        contract.check("aws-kms", other)
    evolve(contract, entries=(other,)).check("aws-kms", other)
    entries = Permitted(entries=(other,))
    with pytest.raises(Fatal, match=r"is none that bridge\.kms\.allowed\.keys names"):
        entries.check("aws-kms", ARN)
    evolve(entries, besides=True).check("aws-kms", ARN)


def test_plain_http_is_for_loopback_or_an_entry() -> None:
    plain = VAULT.replace("https", "http")
    with pytest.raises(Fatal, match="without TLS"):
        Permitted(frozenset({plain}), only=True).check("hcvault", plain)
    with pytest.raises(Fatal, match="without TLS"):
        Permitted(entries=(VAULT,)).check("hcvault", plain)
    Permitted(entries=("http://vault.example.com:8200/",)).check("hcvault", plain)
    for host in ("127.0.0.1:8200", "localhost", "[::1]:8200"):
        near = f"http://{host}/transit/keys/k"
        Permitted(frozenset({near}), only=True).check("hcvault", near)


def test_neither_token_nor_key_goes_to_somebodys_host(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VAULT_ADDR", raising=False)
    with kms_doubles.vault() as vault:
        key = f"{vault.url}/transit/keys/k1"
        rule = EncryptRule("pii", False, frozenset({"PII"}), "theirs", "hcvault", key)
        http = http_of({"url": registry.url}, retry_seconds=1, longest_wait=1)
        deks = Deks(DekRegistry(http), {"token.id": "good"}, retry_seconds=0)
        with pytest.raises(Fatal, match="on a host that nobody named"):
            deks.for_writing(rule, "orders-value")
        assert (vault.keys, vault.logins) == ({}, 0)


KEK = Kek("sales", "local-kms", "k")


def identities(**more: Any) -> Identities:
    return Identities(**more)


def test_a_shared_kek_is_agreed_on() -> None:
    shared, said = evolve(KEK, shared=True), list[str]()
    contract = {"sales": Meant("local-kms", "k")}
    with pytest.raises(Fatal, match=r"is shared.*bridge\.kek\.shared=sales"):
        identities(contract=contract).check(shared)
    identities(contract=contract, shared=frozenset({"sales"})).check(shared)
    identities(contract={"sales": evolve(contract["sales"], shared=True)}).check(shared)
    stored: list[int] = []
    first = identities(say=said.append, store=lambda: stored.append(1))
    for _ in range(2):
        first.check(shared)
    assert (first.first_shared, first.first) == ({"sales": True}, {"sales": "local-kms k -"})
    assert (len(said), len(stored)) == (1, 1), "accepted with one line, and remembered"
    with pytest.raises(Fatal, match="was shared when it was first used"):
        first.check(KEK)
    second = identities()
    second.check(KEK)
    with pytest.raises(Fatal, match="is shared: the registry makes its keys"):
        second.check(shared)


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"kms_type": "aws-kms"}, True),
        ({"kms_key": "other"}, True),
        ({"props": {"secret": "theirs"}}, True),
        ({"props": {"region": "x"}}, True),
        ({"props": {ALTERNATES: ARN}}, False),
        ({"doc": "another"}, False),
        ({}, False),
    ],
)
def test_all_of_a_keks_identity_is_compared(change: dict[str, Any], refused: bool) -> None:
    known = identities()
    known.check(KEK)
    if not refused:
        known.check(evolve(KEK, **change))
        return
    with pytest.raises(Fatal, match="the KEK sales is another one than before"):
        known.check(evolve(KEK, **change))


def test_a_contract_names_the_key_and_no_property_chooses_another() -> None:
    says = identities(contract={"sales": Meant("local-kms", "k")}, params={"secret": "ours"})
    says.check(KEK)
    with pytest.raises(Fatal, match="the KMS key other, and the contract names k"):
        says.check(evolve(KEK, kms_key="other"))
    with pytest.raises(Fatal, match=r"with secret in its kmsProps.*_default_\.param\.secret"):
        says.check(evolve(KEK, props={"secret": "theirs"}))
    says.check(evolve(KEK, props={"secret": "ours"}))


def test_alternates_are_keys_that_may_be_asked() -> None:
    says = identities(permitted=Permitted(entries=("arn:aws:kms:eu-central-1:111122223333:",)))
    kek = Kek("sales", "aws-kms", ARN, {ALTERNATES: ARN.replace("1234", "5678")})
    says.check(kek)
    with pytest.raises(Fatal, match=r"bridge\.kms\.allowed\.keys=arn:aws:kms:us-east-1"):
        says.check(evolve(kek, props={ALTERNATES: "arn:aws:kms:us-east-1:9:key/x"}))


def test_key_material_counts_for_a_shared_kek_only(registry: Registry) -> None:
    http = http_of({"url": registry.url}, retry_seconds=1, longest_wait=1)
    deks = Deks(DekRegistry(http), {"secret": "ours"}, retry_seconds=0)
    rule = EncryptRule("pii", False, frozenset({"PII"}), "sales", "local-kms", "k")
    mine = deks.for_writing(rule, "orders-value")
    theirs = new_material(Algorithm.AES256_GCM)

    class Lying(DekRegistry):
        def dek(self, *args: Any, **more: Any) -> Any:
            found = super().dek(*args, **more)
            return found and evolve(found, plain=theirs)

    told = Deks(Lying(http), {"secret": "ours"}, retry_seconds=0)
    assert told.for_writing(rule, "orders-value").material == mine.material
    assert told.for_reading("sales", "orders-value", Algorithm.AES256_GCM, 1).material == mine.material
