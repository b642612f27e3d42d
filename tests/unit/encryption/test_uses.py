"""Counting of values under DEKs: never too few, whoever dies when; what is done at 2^31 and before 2^32."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from attrs import define, field, frozen
from hypothesis import given
from hypothesis import strategies as st

from bridge.encryption.envelope import IVS_AT_ONCE, Algorithm, Cipher, Ivs, cipher_of, new_material
from bridge.encryption.uses import FIRST, LARGEST, MANY, MOST, READ_AGAIN, Key, Unreserved, Uses, key_of
from bridge.errors import Fatal
from bridge.kafka.uses import Counted, uses_key, uses_value

GCM = Algorithm.AES256_GCM


@frozen
class Dek:
    version: int = 1
    algorithm: Algorithm = GCM
    kek: str = "sales"
    subject: str = "orders-value"


KEY = key_of(Dek())


@define
class Topic:
    """What is stored, and what others have stored."""

    stored: Mapping[Key, int] = field(factory=dict)
    others: Mapping[Key, int] = field(factory=dict)
    reads: int = 0
    writes: list[Mapping[Key, int]] = field(factory=list)
    renewed: int = 0
    warnings: list[str] = field(factory=list)

    def read(self) -> tuple[Mapping[Key, int], Mapping[Key, int]]:
        self.reads += 1
        return self.stored, self.others

    def store(self, counts: Mapping[Key, int]) -> None:
        self.stored = dict(counts)
        self.writes.append(self.stored)

    def renew(self) -> None:
        self.renewed += 1

    def uses(self) -> Uses:
        return Uses(self.read, self.store, self.renew, self.warnings.append)


def metered(topic: Topic, *, rotates: bool = False, dek: Dek | None = None) -> tuple[Uses, Cipher]:
    one, uses, ivs = dek or Dek(), topic.uses(), Ivs()
    uses.meter(one, ivs, rotates=rotates, rule="pii")
    return uses, cipher_of(new_material(one.algorithm), one.algorithm, None, ivs)


def encrypt(cipher: Cipher, times: int = 1) -> int:
    """As the loop does it: prepare what is asked for, and again. How often that was."""
    asked = 0
    for _ in range(times):
        while True:
            try:
                cipher.encrypt(b"x")
                break
            except Unreserved as need:
                asked += 1
                need.prepare()
    return asked


def test_nothing_is_encrypted_before_it_is_counted() -> None:
    topic = Topic()
    uses, cipher = metered(topic)
    with pytest.raises(Unreserved):
        cipher.encrypt(b"x")
    assert topic.stored == {}
    assert encrypt(cipher) == 1
    assert topic.stored == {KEY: FIRST}
    assert encrypt(cipher, FIRST - 1) == 0
    with pytest.raises(Unreserved):
        cipher.encrypt(b"x")
    assert encrypt(cipher) == 1
    uses.give_back()
    assert topic.stored == {KEY: FIRST + IVS_AT_ONCE}
    uses.give_back()
    assert len(topic.writes) == 3


@given(st.lists(st.tuples(st.integers(0, 3000), st.sampled_from(["ends", "dies"])), max_size=8))
def test_however_processes_end_the_count_is_never_too_low(lives: list[tuple[int, str]]) -> None:
    topic, used, dead = Topic(), 0, 0
    for times, end in lives:
        uses, cipher = metered(topic)
        encrypt(cipher, times)
        used += times
        dead += end == "dies"
        if end == "ends":
            uses.give_back()
        assert topic.stored.get(KEY, 0) >= used
    assert topic.stored.get(KEY, 0) <= used + IVS_AT_ONCE * len(lives) + dead * max(FIRST, used)


def test_blocks_grow_with_what_was_drawn() -> None:
    topic = Topic()
    _, cipher = metered(topic)
    assert encrypt(cipher, 20 * FIRST) <= 6
    uses, ivs = topic.uses(), Ivs()
    uses.meter(Dek(), ivs, rotates=False, rule="pii")
    before = topic.stored[KEY]
    ivs.drawn = 50 * LARGEST
    with pytest.raises(Unreserved) as need:
        ivs.draw()
    need.value.prepare()
    assert topic.stored[KEY] - before == LARGEST


def test_a_rule_without_expiry_is_warned_of_and_then_refused() -> None:
    topic = Topic({KEY: MANY - 1})
    _, cipher = metered(topic)
    encrypt(cipher, 3 * FIRST)
    (said,) = topic.warnings
    for word in (
        "orders-value",
        "sales",
        "rule pii",
        "2,147,483,647 values",
        "encrypt.dek.expiry.days",
        "stays readable",
    ):
        assert word in said
    topic.stored = {KEY: MOST - FIRST + 1}
    _, cipher = metered(topic)
    with pytest.raises(Fatal, match=r"encrypt\.dek\.expiry\.days") as refused:
        encrypt(cipher)
    assert "a new schema version" in refused.value.message
    assert topic.stored == {KEY: MOST - FIRST + 1}
    topic.stored = {KEY: MOST - FIRST}
    _, cipher = metered(topic)
    encrypt(cipher)
    assert MOST < 2**32


def test_a_rule_with_expiry_gets_another_key_before_its_time() -> None:
    topic = Topic({KEY: MANY})
    uses, cipher = metered(topic, rotates=True)
    with pytest.raises(Unreserved) as need:
        cipher.encrypt(b"x")
    need.value.prepare()
    assert topic.renewed == 1
    assert topic.writes == []
    assert uses.worn(Dek())
    assert not uses.worn(Dek(version=2))
    assert topic.warnings == []


def test_what_others_have_encrypted_counts_too() -> None:
    topic = Topic({KEY: 10}, {KEY: MOST - FIRST - 10})
    _, cipher = metered(topic)
    encrypt(cipher)
    topic.others = {KEY: MOST}
    _, cipher = metered(topic)
    with pytest.raises(Fatal):
        encrypt(cipher)


def test_others_are_looked_at_again() -> None:
    topic = Topic()
    uses, ivs = topic.uses(), Ivs()
    uses.meter(Dek(), ivs, rotates=False, rule="pii")
    drawn = 0
    while drawn <= READ_AGAIN + LARGEST:
        ivs.pool.clear()
        try:
            ivs.draw()
        except Unreserved as need:
            need.prepare()
        else:
            ivs.drawn += ivs.left  # as if all that is left were drawn
            drawn += ivs.left + IVS_AT_ONCE
            ivs.left = 0
    assert topic.reads == 2
    assert topic.stored[KEY] >= drawn  # its own count is not read again


def test_siv_has_no_random_iv_and_is_not_counted() -> None:
    topic = Topic({key_of(Dek(algorithm=Algorithm.AES256_SIV)): 2**40})
    _, cipher = metered(topic, dek=Dek(algorithm=Algorithm.AES256_SIV))
    assert encrypt(cipher, 2000) == 0
    assert topic.reads == 0


def test_no_encoder_takes_the_request_for_an_error() -> None:
    assert not issubclass(Unreserved, Exception)


# --- the record ---------------------------------------------------------------------------------------------------


@frozen
class Message:
    its_key: Any
    its_value: bytes | None
    its_partition: int = 0

    def key(self) -> Any:
        return self.its_key

    def value(self) -> bytes | None:
        return self.its_value

    def partition(self) -> int:
        return self.its_partition

    def offset(self) -> int:
        return 7


def test_the_record_and_what_others_put_there() -> None:
    counted = Counted("offsets")
    other = key_of(Dek(version=2, subject=":.ctx:žluť"))
    for message in (
        Message(uses_key("a"), uses_value({KEY: 5})),
        Message(uses_key("a"), uses_value({KEY: 7, other: 3})),
        Message(uses_key("b"), uses_value({KEY: 100})),
        Message(uses_key("gone"), uses_value({KEY: 1})),
        Message(uses_key("gone"), None),
        Message(uses_key("c"), b'{"deks":[{"kek":1}]}'),
        Message(
            uses_key("d"), b'{"deks":[{"kek":"k","subject":"s","algorithm":"a","version":1,"values":1e999}]}'
        ),
        Message(b'["a",{}]', b'{"replayId":1}'),
        Message("text", b"{}"),
        Message(None, None),
        Message(uses_key("a"), uses_value({KEY: 6}), 1),
    ):
        counted.take(message)  # type: ignore[arg-type] # as much of a message as is asked for
    assert counted.of("a") == {KEY: 7, other: 3}
    assert counted.of(but="a") == {KEY: 100}
    assert counted.of() == {KEY: 107, other: 3}
    assert counted.of("nobody") == {}
