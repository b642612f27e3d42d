"""The protocol of keys against the embedded DEK registry: versions, expiry, shared KEKs, alternates, outages."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from bridge import calls
from bridge.encryption.dek_registry import DekRegistry, Kek
from bridge.encryption.deks import Deks
from bridge.encryption.envelope import Algorithm
from bridge.encryption.kms import Kms, open_kms
from bridge.encryption.rules import EncryptRule
from bridge.errors import Fatal, Retriable, fatal, retriable
from bridge.registry.http import Http, http_of
from bridge.sandbox.registry import Registry
from tests.support.registry_server import RegistryServer

DAY = 86_400


@pytest.fixture
def http() -> Iterator[Http]:
    with Registry() as registry:
        yield http_of({"url": registry.url}, retry_seconds=1, longest_wait=1)


def rule(
    days: int = 0, algorithm: Algorithm = Algorithm.AES256_GCM, kek: str = "k", key: str = "a"
) -> EncryptRule:
    return EncryptRule("r", False, frozenset(), kek, "local-kms", key, algorithm, days)


def deks(http: Http, **more: Any) -> Deks:
    return Deks(DekRegistry(http), {"secret": "s"}, retry_seconds=0, **more)


def test_a_dek_is_made_once_and_found_by_others(http: Http) -> None:
    mine, yours = deks(http).for_writing(rule(), "s"), deks(http).for_writing(rule(), "s")
    assert mine == yours
    assert mine.material == yours.material
    assert deks(http).for_writing(rule(), "t").material != mine.material


def test_the_algorithm_is_part_of_the_key(http: Http) -> None:
    found = {a: deks(http).for_writing(rule(algorithm=a), "s") for a in Algorithm}
    assert len({dek.material for dek in found.values()}) == 3
    assert all(dek.algorithm is a and dek.version == 1 for a, dek in found.items())


def test_an_expired_dek_gets_a_successor_on_writing_only(http: Http) -> None:
    first = deks(http).for_writing(rule(days=1), "s")
    later = time.time() + DAY + 1
    assert deks(http, now=lambda: later).for_reading("k", "s", Algorithm.AES256_GCM, -1) == first
    assert deks(http).registry.versions("k", "s", Algorithm.AES256_GCM) == [1]
    second = deks(http, now=lambda: later).for_writing(rule(days=1), "s")
    assert second.version == 2
    assert deks(http).for_reading("k", "s", Algorithm.AES256_GCM, 1) == first
    assert deks(http, now=lambda: later).for_writing(rule(days=0), "s") == first  # without expiry: version 1


def test_a_dek_in_use_is_not_used_beyond_its_age(http: Http) -> None:
    now = [time.time()]
    tool = deks(http, now=lambda: now[0], fresh_seconds=10 * DAY)
    assert tool.for_writing(rule(days=1), "s").version == 1
    now[0] += DAY + 2
    assert tool.for_writing(rule(days=1), "s").version == 2


def test_a_shared_keks_deks_are_the_registrys(http: Http) -> None:
    tool = deks(http)
    tool.registry.create_kek(Kek("k", "local-kms", "a", {"secret": "other"}, shared=True))
    tool.params = {}
    made = tool.for_writing(rule(), "s")
    assert made.material == deks(http).for_reading("k", "s", Algorithm.AES256_GCM, 1).material


def test_a_kek_with_another_key_than_the_rule_says(http: Http) -> None:
    deks(http).for_writing(rule(), "s")
    with pytest.raises(Fatal, match="registered with another KMS key"):
        deks(http).for_writing(rule(key="b"), "s")
    with pytest.raises(Fatal, match="not what to register it with"):
        deks(http).for_writing(EncryptRule("r", False, frozenset(), "unknown"), "s")


def test_alternates_are_tried_in_order(http: Http) -> None:
    asked: list[str] = []

    def opened(type_: str, key: str, params: Mapping[str, str]) -> Kms:
        asked.append(key)
        if key == "a":
            raise fatal("a is disabled")
        return open_kms(type_, key, params)

    tool = deks(http, open_kms=opened)
    tool.params = {"secret": "s", "encrypt.alternate.kms.key.ids": "b, c"}
    assert tool.for_writing(rule(), "s").version == 1
    assert asked[:2] == ["a", "b"]
    assert "c" not in asked


class Flaky:
    """Unreachable for a while."""

    def __init__(self, inner: Kms, failures: int) -> None:
        self.inner, self.failures = inner, failures

    def wrap(self, material: bytes) -> bytes:
        self._fail()
        return self.inner.wrap(material)

    def unwrap(self, wrapped: bytes) -> bytes:
        self._fail()
        return self.inner.unwrap(wrapped)

    def _fail(self) -> None:
        if self.failures:
            self.failures -= 1
            raise retriable("away")


def test_a_kms_that_is_away_is_waited_for(http: Http) -> None:
    flaky = Flaky(open_kms("local-kms", "a", {"secret": "s"}), 2)
    tool = deks(http, open_kms=lambda *_: flaky)
    tool.retry_seconds = 5
    assert tool.for_writing(rule(), "s").version == 1
    flaky.failures = 1000
    tool.retry_seconds = 0.3
    with pytest.raises(Retriable, match="away"):
        tool.for_writing(rule(), "t")
    assert deks(http).registry.versions("k", "t", Algorithm.AES256_GCM) == []


def counts(kms_type: str, operation: str) -> list[int]:
    return [calls.KMS.count(outcome, kms_type, operation) for outcome in calls.OUTCOMES]


def test_calls_of_a_kms_are_counted_by_type_and_outcome(http: Http) -> None:
    before = {at: counts(*at) for at in (("local-kms", "wrap"), ("local-kms", "unwrap"), ("other", "open"))}
    flaky = Flaky(open_kms("local-kms", "a", {"secret": "s"}), 2)
    tool = deks(http, open_kms=lambda *_: flaky)
    tool.retry_seconds = 5
    made = tool.for_writing(rule(), "s")
    other = deks(http)
    other.params = {"secret": "other"}
    with pytest.raises(Fatal, match="another secret"):
        other.for_reading("k", "s", made.algorithm, 1)
    with pytest.raises(Fatal, match="no driver"):
        deks(http).wrap(Kek("x", "a name of mine", "a"), b"")
    more = {at: [n - was for n, was in zip(counts(*at), old, strict=True)] for at, old in before.items()}
    assert more == {
        ("local-kms", "wrap"): [1, 0, 2],
        ("local-kms", "unwrap"): [1, 1, 0],
        ("other", "open"): [0, 1, 0],
    }


def test_a_registry_without_keys_and_one_that_is_away() -> None:
    class Missing:
        def call(self, method: str, path: str, body: Any = None) -> Any:
            from bridge.registry.http import Refused

            raise Refused(404, 404, "HTTP 404 Not Found")

    with pytest.raises(Fatal, match="has no DEK registry"):
        Deks(DekRegistry(Missing()), {"secret": "s"}).for_writing(rule(), "s")
    away = http_of({"url": "http://127.0.0.1:1"}, retry_seconds=0, longest_wait=1)
    with pytest.raises(Retriable):
        Deks(DekRegistry(away), {"secret": "s"}).for_writing(rule(), "s")


@pytest.mark.parametrize(("content", "body"), [("application/json", ""), ("text/html", "<html>no</html>")])
def test_a_registry_that_has_no_such_path(content: str, body: str) -> None:
    server = RegistryServer()
    try:
        server.fail(404, body, content)
        tool = Deks(
            DekRegistry(http_of({"url": server.url}, retry_seconds=1, longest_wait=1)), {"secret": "s"}
        )
        with pytest.raises(Fatal) as raised:
            tool.for_writing(rule(), "s")
        assert raised.value.message == (
            "the schema registry has no DEK registry (/dek-registry/v1 is not found): encryption keys are kept "
            "there; use a registry that has one"
        )
        server.fail(403, body, content)
        with pytest.raises(Fatal, match=r"answered 403 with .* instead of JSON"):
            tool.for_writing(rule(), "s")
    finally:
        server.close()


def test_no_key_is_shown(http: Http) -> None:
    tool = deks(http)
    made = tool.for_writing(rule(), "s")
    shown = repr(made) + repr(tool) + repr(tool.registry.dek("k", "s", Algorithm.AES256_GCM))
    assert made.material.hex() not in shown
    assert repr(made.material) not in shown
    assert "'secret'" not in shown
