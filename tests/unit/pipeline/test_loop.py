"""The loop's promises, over random deliveries: position and records move together, nothing is passed over unsaid."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.buffer import Buffer
from bridge.errors import BadRecord, Fatal, Retriable, Stage
from bridge.event import Data, Delivery, Record
from bridge.routing.routes import Route, Routes, Unprepared
from bridge.source import Ended, Listening, Silent
from tests.support.loop_run import Notes, Resolver, carry, convert, event

kinds = st.sampled_from(["good", "good", "good", "bad", "broken", "filtered"])
batches = st.lists(st.lists(kinds, max_size=6), max_size=8)


def deliveries_of(batches: list[list[str]]) -> tuple[list[Delivery], list[tuple[int, str]]]:
    every: list[tuple[int, str]] = []
    made = []
    for kind_list in batches:
        events = []
        for kind in kind_list:
            replay_id = 10 + 3 * len(every)
            every.append((replay_id, kind))
            events.append(event(replay_id, kind, "filtered" if kind == "filtered" else "a"))
        made.append(Delivery(events, 1, 0.0, []))
    return made, every


@given(batches, st.integers(1, 5))
def test_tolerant_every_good_event_once_and_the_position_is_the_last(
    batches: list[list[str]], pending: int
) -> None:
    deliveries, every = deliveries_of(batches)
    pipeline, notes, stats = carry(deliveries, tolerate=True, max_pending=pending)
    pipeline.run()
    assert notes.values() == [replay_id for replay_id, kind in every if kind == "good"]
    assert notes.open == []
    assert notes.positions() == sorted(set(notes.positions()))
    assert (notes.positions() or [None])[-1] == (every[-1][0] if every else None)
    assert stats.bad_records == sum(kind in ("bad", "broken") for _, kind in every)
    assert stats.unexpected_records == sum(kind == "broken" for _, kind in every)


@given(batches)
def test_strict_everything_before_the_first_bad_event_and_nothing_after(batches: list[list[str]]) -> None:
    deliveries, every = deliveries_of(batches)
    pipeline, notes, _ = carry(deliveries)
    bad = next((replay_id for replay_id, kind in every if kind in ("bad", "broken")), None)
    if bad is None:
        pipeline.run()
    else:
        with pytest.raises(Fatal) as stopped:
            pipeline.run()
        assert stopped.value.position == bad
    before = [(replay_id, kind) for replay_id, kind in every if bad is None or replay_id < bad]
    assert notes.values() == [replay_id for replay_id, kind in before if kind == "good"]
    assert (notes.positions() or [None])[-1] == (before[-1][0] if before else None)


@given(batches, st.integers(1, 20))
def test_max_events_is_exact_and_the_position_fits(batches: list[list[str]], most: int) -> None:
    deliveries, every = deliveries_of(batches)
    pipeline, notes, _ = carry(deliveries, tolerate=True, max_events=most)
    pipeline.run()
    good = [replay_id for replay_id, kind in every if kind == "good"]
    assert notes.values() == good[:most]
    if len(good) >= most:
        assert notes.positions()[-1] == good[most - 1]


SCHEMAS = ["a", "a", "b", "b", "c", "a", "b"]


@pytest.mark.parametrize("refused", ["", "b", "c"])
@pytest.mark.parametrize("most", range(1, 8))
def test_max_events_is_exact_around_a_schema_that_is_asked_for(most: int, refused: str) -> None:
    """What came before is committed meanwhile and counts, whether or not the schema is found."""

    class Choosy(Resolver):
        def resolve(self, schema_id: str | None, sample: Data, channel: str | None = None) -> Route:
            if schema_id == refused:
                raise BadRecord("its schema is not known", stage=Stage.SCHEMA)
            return super().resolve(schema_id, sample, channel)

    events = [event(1 + at, schema=schema) for at, schema in enumerate(SCHEMAS)]
    deliveries = [Delivery(events[:3], 1, 0.0, []), Delivery(events[3:], 1, 0.0, [])]
    pipeline, notes, _ = carry(deliveries, resolver=Choosy(), tolerate=True, max_events=most)
    pipeline.run()
    good = [1 + at for at, schema in enumerate(SCHEMAS) if schema != refused]
    assert notes.values() == good[:most]
    assert notes.positions()[-1] == (good[most - 1] if most <= len(good) else 7)


def test_records_of_a_transaction_go_before_its_position() -> None:
    deliveries, _ = deliveries_of([["good"] * 3])
    pipeline, notes, _ = carry(deliveries)
    pipeline.run()
    (transaction,) = notes.transactions
    assert [arguments[0] for arguments in transaction] == ["out", "out", "out", "offsets"]
    assert transaction[-1][2] == b'["x",{}]'
    assert ("bridge-org-id", b"00D") in transaction[-1][7]


def test_a_full_queue_slows_down_and_drops_nothing() -> None:
    deliveries, every = deliveries_of([["good"] * 5])
    pipeline, notes, _ = carry(deliveries)
    notes.full = 3
    pipeline.run()
    assert notes.values() == [replay_id for replay_id, _ in every]


def test_no_transaction_is_open_while_a_schema_is_asked_for() -> None:
    deliveries = [Delivery([event(1), event(2), event(3, schema="b"), event(4)], 1, 0.0, [])]
    resolver = Resolver()
    pipeline, notes, _ = carry(deliveries, resolver=resolver)
    resolve = resolver.resolve

    def watched(schema_id: str | None, sample: Data, channel: str | None = None) -> Route:
        assert notes.open == []
        return resolve(schema_id, sample, channel)

    resolver.resolve = watched  # type: ignore[method-assign]
    pipeline.run()
    assert notes.values() == [1, 2, 3, 4]
    assert resolver.asked == ["a", "b"]
    assert notes.positions() == [2, 4]


def test_an_unreachable_registry_keeps_what_came_before() -> None:
    deliveries = [Delivery([event(1), event(2)], 1, 0.0, [])]
    pipeline, notes, _ = carry(deliveries, resolver=Resolver(failures=1))
    with pytest.raises(Retriable):
        pipeline.run()
    assert notes.values() == []
    assert notes.positions() == []


def test_changed_schemas_are_seen_under_constant_load() -> None:
    resolver = Resolver()
    pipeline, notes, _ = carry([Delivery([event(n)], 1, 0.0, []) for n in range(1, 4)], resolver=resolver)
    pipeline.routes = Routes(resolver, 0)
    pipeline.run()
    assert notes.values() == [1, 2, 3]
    assert len(resolver.asked) == 3


def test_a_record_too_large_for_its_topic_is_known_before_it_is_produced() -> None:
    pipeline, notes, _ = carry([Delivery([event(1), event(1234567)], 1, 0.0, [])], max_message_bytes=72)
    with pytest.raises(Fatal, match=r"makes a record of 75 bytes for topic \w+, which takes 72 at most"):
        pipeline.run()
    assert notes.values() == [1]


def test_what_ended_the_source_is_known_after_everything_received_is_committed() -> None:
    failure = Fatal("no such event", stage=Stage.SUBSCRIBE)
    pipeline, notes, _ = carry([Delivery([event(1)], 1, 0.0, []), Ended(failure)])
    assert pipeline.run() is failure
    assert notes.positions() == [1]


def test_an_idle_time_counts_while_it_listens() -> None:
    pipeline, _, _ = carry([Listening(), Silent()], until_idle=1.0)
    pipeline.buffer = buffer = Buffer(10, 10)
    for signal in (Listening(), Silent()):
        buffer.put(signal)
    thread = threading.Thread(target=pipeline.run)
    thread.start()
    thread.join(1.5)
    assert thread.is_alive()
    buffer.put(Listening())
    thread.join(30)
    assert not thread.is_alive()


class Preparing(Resolver):
    """Every third event goes somewhere that must be prepared first."""

    def __init__(self) -> None:
        super().__init__()
        self.prepared: list[int] = []
        self.open: list[int] = []
        self.notes: Notes | None = None

    def resolve(self, schema_id: str | None, sample: Data, channel: str | None = None) -> Route:
        return Route("out", convert, self.record)

    def record(self, data: Data) -> Record | None:
        replay_id = data.event.replayId
        if replay_id % 9 == 1 and replay_id not in self.prepared:
            raise Unprepared(lambda: self.prepare(replay_id))
        return Record("out", b"%d" % replay_id)

    def prepare(self, replay_id: int) -> None:
        assert self.notes is not None
        self.open.append(len(self.notes.open))
        self.prepared.append(replay_id)


@given(batches, st.integers(1, 12))
def test_a_target_is_prepared_between_transactions_and_no_event_is_lost(
    batches: list[list[str]], most: int
) -> None:
    deliveries, every = deliveries_of(batches)
    resolver = Preparing()
    pipeline, notes, _ = carry(deliveries, resolver=resolver, max_events=most)
    resolver.notes = notes
    pipeline.run()
    assert notes.values() == [replay_id for replay_id, _ in every][:most]
    assert not any(resolver.open)


def test_protected_fields_are_counted_on_both_ways_of_an_event() -> None:
    class Sealing(Resolver):
        def resolve(self, schema_id: str | None, sample: Data, channel: str | None = None) -> Route:
            if schema_id == "by record":
                return Route("out", convert, lambda data: Record("out", b"1", sealed=5))
            return (
                Route("out", convert, sealed=2)
                if schema_id == "fused"
                else super().resolve(schema_id, sample)
            )

    kinds = ["fused", "fused", "by record", "filtered", "plain"]
    events = [event(1 + at, schema=kind) for at, kind in enumerate(kinds)]
    bad = event(99, "bad", "fused")
    pipeline, _, stats = carry([Delivery([*events, bad], 1, 0.0, [])], resolver=Sealing(), tolerate=True)
    pipeline.run()
    assert stats.fields_encrypted == 2 + 2 + 5
