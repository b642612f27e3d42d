"""What is counted and said of an event that cannot be carried."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, field

from bridge.encryption.uses import Unreserved
from bridge.errors import BadRecord, Fatal, Stage
from bridge.event import Delivery, Header, Produced
from bridge.metrics import Stats
from bridge.pipeline.policy import ErrorPolicy
from tests.support.loop_run import carry, event

BAD = BadRecord("it is bad", stage=Stage.PARSE)


@define
class Letters:
    """Those of a connector that encrypts: the first finds no values reserved for its key."""

    topic: str = "dead"
    too_large: bool = False
    reserved: bool = False
    made: list[bytes] = field(factory=list)

    def record(self, raw: bytes, error: BadRecord, came: Sequence[Header] = ()) -> Produced:
        if self.too_large:
            raise Fatal("it does not fit", stage=Stage.PRODUCE)
        if not self.reserved:
            raise Unreserved(self.reserve)
        self.made.append(raw)
        return (self.topic, raw, None, -1, None, None, 0, [])

    def reserve(self) -> None:
        self.reserved = True


def counts(stats: Stats) -> tuple[int, int, int]:
    return stats.bad_records, stats.dead_letters, stats.skipped


def test_a_letter_whose_key_had_no_values_reserved_is_counted_and_said_once() -> None:
    pipeline, notes, stats = carry(
        [Delivery([event(1), event(2, "bad"), event(3)], 3, 0.0, [])], tolerate=True
    )
    letters, said = Letters(), list[str]()
    pipeline.policy = ErrorPolicy(True, letters, stats, said.append)
    pipeline.run()
    assert (len(letters.made), counts(stats)) == (1, (1, 1, 1))
    assert [line for line in said if "event 2 was passed over" in line] == said[:1] == said
    assert notes.values() == [1, 3]


def test_an_event_that_ends_the_connector_was_not_passed_over() -> None:
    stats, said = Stats("x"), list[str]()
    for policy in (
        ErrorPolicy(False, None, stats, said.append),
        ErrorPolicy(True, Letters(too_large=True), stats, said.append),
    ):
        letter, failure = policy._judge(BAD, b"{}", ())
        assert letter is None
        assert isinstance(failure, Fatal)
    assert (counts(stats), said) == ((2, 0, 0), [])


def test_without_a_topic_it_is_passed_over() -> None:
    stats, said = Stats("x"), list[str]()
    assert ErrorPolicy(True, None, stats, said.append)._judge(BAD, b"{}", ()) == (None, None)
    assert counts(stats) == (1, 0, 1)
    assert len(said) == 1
