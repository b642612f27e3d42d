"""What of the offsets topic is kept, and what is forgotten."""

import pytest
from attrs import frozen

from bridge.kafka import kept as module
from bridge.kafka.kept import Kept, connector_of
from bridge.kafka.offsets import position_key, start_key
from bridge.kafka.replayed import replayed_key
from bridge.kafka.seals import seals_key
from bridge.kafka.uses import uses_key


@frozen
class Record:
    """A record as the client gives it."""

    stored_key: bytes | None
    at: int
    part: int = 0
    stored: bytes | None = b"{}"

    def key(self) -> bytes | None:
        return self.stored_key

    def value(self) -> bytes | None:
        return self.stored

    def partition(self) -> int:
        return self.part

    def offset(self) -> int:
        return self.at


def of(*records: Record) -> Kept:
    kept = Kept()
    for record in records:
        kept.take(record)  # type: ignore[arg-type]  # as much of a Message as is looked at
        kept.reached[record.part] = record.at + 1
    return kept


def keys(kept: Kept, connector: str | None) -> list[bytes | str | None]:
    return [record.key() for record in kept.of(connector)]


@pytest.mark.parametrize("name", ["orders", "a-b", 'with "quotes"', "ünï\ncode", "[", "orders letters"])
def test_every_key_of_ours_says_whose_it_is(name: str) -> None:
    for key in (position_key(name), start_key(name), seals_key(name), uses_key(name), replayed_key(name)):
        assert connector_of(key) == name


@pytest.mark.parametrize(
    "key",
    [b"", b"x", b"[", b'["a"]', b'["a",{"file":"x"}]', b'["a",{},1]', b"[1,{}]", b"bridge-", b"bridge-seals-",
     b"[" * 9000, b'["' + b"a" * 20_000 + b'",{}]'],
)  # fmt: skip
def test_others_keys_are_nobodys(key: bytes) -> None:
    assert connector_of(key) is None


def test_a_position_may_be_spelled_otherwise() -> None:
    assert connector_of(b' [ "orders" , { } ] ') == "orders"


def test_of_a_key_the_last_record_stays_and_of_a_partition_the_order() -> None:
    kept = of(
        Record(position_key("a"), 1),
        Record(position_key("b"), 2),
        Record(seals_key("a"), 3),
        Record(position_key("a"), 4),
        Record(None, 5),
        Record(b"nobody's", 6),
        Record(position_key("a"), 1, part=1),
    )
    assert [(one.partition(), one.offset()) for one in kept.of("a")] == [(0, 3), (0, 4), (1, 1)]
    assert keys(kept, "c") == []


def test_counts_of_keys_are_those_of_all() -> None:
    kept = of(Record(uses_key("a"), 1), Record(position_key("a"), 2), Record(uses_key("b"), 3))
    assert keys(kept, None) == [uses_key("a"), uses_key("b")]


@pytest.mark.parametrize("ends", [{0: (0, 3)}, {}, {0: (0, 2), 1: (0, 9)}])
def test_a_topic_that_is_shorter_than_it_was_is_another(ends: dict[int, tuple[int, int]]) -> None:
    kept = of(Record(position_key("a"), 4))
    version = kept.version
    kept.begin(ends)
    assert not kept.of("a")
    assert not kept.reached
    assert kept.version != version


def test_records_that_were_deleted_are_forgotten() -> None:
    kept = of(Record(position_key("a"), 4), Record(position_key("b"), 7))
    kept.begin({0: (0, 8)})
    assert kept.of("a")
    kept.begin({0: (6, 8)})
    assert not kept.of("a")
    assert kept.of("b")
    assert kept.reached == {0: 8}


def test_strangers_are_kept_up_to_a_bound_and_read_anew_when_they_are_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST", 10)
    kept = Kept()
    kept.want("mine")
    kept.take(Record(position_key("mine"), 0))  # type: ignore[arg-type]  # as above
    kept.take(Record(uses_key("other-0"), 1))  # type: ignore[arg-type]
    for index in range(1000):
        kept.take(Record(position_key(f"other-{index}"), index + 2))  # type: ignore[arg-type]
    kept.reached[0] = 1002
    assert sum(len(records) for records in kept._of.values()) <= 13
    assert len(kept._names) <= 13
    assert keys(kept, "mine") == [position_key("mine")]
    assert keys(kept, None) == [uses_key("other-0")]
    kept.want("mine")
    assert kept.reached
    kept.want("other-7")
    assert not kept.reached  # whoever reads on begins anew
    for index in range(1000):
        kept.take(Record(position_key(f"other-{index}"), index + 2))  # type: ignore[arg-type]
    assert keys(kept, "other-7") == [position_key("other-7")]
