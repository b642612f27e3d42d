"""What a DEK registry answers about: the key that was asked for, or none that is used."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from typing import Any

import pytest
from attrs import define, evolve

from bridge.encryption.dek_registry import DekRegistry, Kek
from bridge.encryption.deks import Deks
from bridge.encryption.envelope import Algorithm
from bridge.encryption.rules import EncryptRule
from bridge.errors import Fatal
from bridge.registry.http import Caller, http_of
from bridge.sandbox.registry import Registry

RULE = EncryptRule("r", False, frozenset(), "k", "local-kms", "a")
PLAIN = {"keyMaterial": "GiCmysb2ovvyNhuY+coHv/ySISNBfNWg/EJ+3vRECT4png=="}


@define
class Answering:
    """A registry whose answers about KEKs or DEKs say something else."""

    http: Caller
    about: str
    more: dict[str, Any]

    def call(self, method: str, path: str, body: Any = None) -> Any:
        found = self.http.call(method, path, body)
        which = "dek" if "/deks" in path else "kek"
        return found | self.more if which == self.about else found


@pytest.fixture
def http() -> Iterator[Caller]:
    with Registry() as registry:
        yield http_of({"url": registry.url}, retry_seconds=1, longest_wait=1)


@pytest.mark.parametrize("there_already", [True, False])
@pytest.mark.parametrize(
    ("about", "more", "words"),
    [
        ("kek", {"name": "evil"}, "for the KEK k with another name, evil instead of k"),
        ("kek", {"name": "evil", "shared": True}, "another name"),
        ("dek", {"kekName": "evil"}, "for the DEK of s with another KEK, evil instead of k"),
        ("dek", {"subject": "t", **PLAIN}, "another subject, t instead of s"),
        ("dek", {"algorithm": "AES256_SIV"}, "another algorithm, AES256_SIV instead of AES256_GCM"),
        ("dek", {"version": 7}, "another version, 7 instead of 1"),
    ],
)
def test_an_answer_about_another_key(
    http: Caller, about: str, more: dict[str, Any], words: str, there_already: bool
) -> None:
    if there_already:
        Deks(DekRegistry(http), {"secret": "s"}, retry_seconds=0).for_writing(RULE, "s")
    deks = Deks(DekRegistry(Answering(http, about, more)), {"secret": "s"}, retry_seconds=0)
    with pytest.raises(Fatal, match=words):
        deks.for_writing(RULE, "s")
    with pytest.raises(Fatal, match=words):
        deks.for_reading("k", "s", Algorithm.AES256_GCM, 1)


def test_the_latest_may_be_any_version(http: Caller) -> None:
    registry = DekRegistry(http)
    registry.create_kek(Kek("k", "local-kms", "a"))
    for version in (1, 2):
        registry.create_dek("k", "s", Algorithm.AES256_GCM, version, b"wrapped")
    found = registry.dek("k", "s", Algorithm.AES256_GCM)
    assert found is not None
    assert found.version == 2


@pytest.mark.parametrize("days", [0, 1])
def test_while_running_a_dek_is_followed_by_successors_only(http: Caller, days: int) -> None:
    """Another subject's key for the same version, and an older version after a newer one."""
    now = [time.time()]
    rule = evolve(RULE, expiry_days=days)
    answering = Answering(http, "dek", {})
    deks = Deks(DekRegistry(answering), {"secret": "s"}, retry_seconds=0, now=lambda: now[0], fresh_seconds=1)
    other = Deks(DekRegistry(http), {"secret": "s"}, retry_seconds=0).for_writing(RULE, "other")
    first = deks.for_writing(rule, "s")
    now[0] += 2
    assert deks.for_writing(rule, "s") == first, "the same as before"
    there = DekRegistry(http).dek("k", other.subject, other.algorithm, 1)
    assert there is not None
    answering.more = {"encryptedKeyMaterial": base64.b64encode(there.wrapped).decode()}
    now[0] += 2
    with pytest.raises(Fatal, match="with version 1 with another key, which is no successor"):
        deks.for_writing(rule, "s")
    answering.more = {}
    assert deks.for_writing(rule, "s").material == first.material
    if not days:
        return
    rewound = DekRegistry(http).dek("k", "s", first.algorithm, 1)
    assert rewound is not None
    deks.rotate(rule, "s")
    assert deks.for_writing(rule, "s").version == 2
    now[0] += 2
    answering.more = {
        "version": 1,
        "encryptedKeyMaterial": base64.b64encode(rewound.wrapped).decode(),
    }
    with pytest.raises(Fatal, match="with version 1 after 2, which is no successor"):
        deks.for_writing(rule, "s")
