"""The loop's promises, over random deliveries: position and records move together, nothing is passed over unsaid.

The producer here only notes what it is told, in transactions; what a real one does with it is tested with a broker.
"""

import itertools
import json
import threading
import time
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from bridge.buffer import Buffer
from bridge.errors import BadRecord, Fatal, Retriable, Stage
from bridge.event import Data, Delivery, Head, Header, Message, Record, Unreadable
from bridge.kafka.dead_letter import DeadLetters
from bridge.metrics import Stats
from bridge.pipeline import loop
from bridge.pipeline.commits import Commits
from bridge.pipeline.loop import Limits, Pipeline
from bridge.pipeline.policy import ErrorPolicy
from bridge.pipeline.records import OffsetRecords
from bridge.progress import Progress
from bridge.routing.routes import Route, Routes, Unprepared
from bridge.source import Ended, Gap, Idle, Listening, Signal, Silent


@define
class Notes:
    """What was committed, in order: per transaction its records and then the position."""

    open: list[tuple[Any, ...]] = field(factory=list)
    transactions: list[list[Any]] = field(factory=list)
    full: int = 0
    durable: int = 0
    said: list[str] = field(factory=list)
    transactional_id: str | None = None

    def begin(self) -> None: ...
    def check(self) -> None: ...

    def flush(self) -> None:
        self.durable = len(self.transactions)

    def produce(self, *arguments: Any) -> None:
        if self.full:
            self.full -= 1
            raise BufferError
        self.open.append(arguments)

    def send(self, arguments: tuple[Any, ...]) -> None:
        self.open.append(arguments)

    def commit(self, position: tuple[Any, ...] | None) -> None:
        self.transactions.append([*self.open, position])
        self.open = []

    def values(self) -> list[int]:
        return [int(args[1]) for one in self.transactions for args in one if args[0] == "out"]

    def positions(self) -> list[int]:
        return [json.loads(one[-1][1])["replayId"] for one in self.transactions if b"replayId" in one[-1][1]]


class Resolver:
    """Every event is its replay id as text; payloads say what goes wrong with them."""

    def __init__(self, failures: int = 0) -> None:
        self.asked: list[str | None] = []
        self.failures = failures

    def resolve(self, schema_id: str | None, sample: Data, channel: str | None = None) -> Route:
        self.asked.append(schema_id)
        if self.failures:
            self.failures -= 1
            raise Retriable("the registry is away", stage=Stage.SCHEMA)
        if schema_id == "filtered":
            return Route("out", convert, filtered)
        return Route("out", convert)


def convert(data: Data) -> bytes:
    if bytes(data.payload) == b'"bad"':
        raise BadRecord("it is bad", stage=Stage.ENCODE)
    if bytes(data.payload) == b'"broken"':
        raise ValueError("a value that nobody may read")
    return b"%d" % data.event.replayId


def filtered(data: Data) -> Record | None:
    return None


def event(replay_id: int, kind: str = "good", schema: str = "a") -> Message:
    return Message("/event/X__e", Data(msgspec.Raw(json.dumps(kind).encode()), Head(replay_id), schema))


def carry(
    deliveries: Sequence[Signal], *, tolerate: bool = False, resolver: Any = None, **limits: Any
) -> Any:
    buffer = Buffer(10**6, 10**9)
    for delivery in deliveries:
        buffer.put(delivery)
    buffer.put(Ended())
    notes, stats = Notes(), Stats(connector="x")
    pipeline = Pipeline(
        connector="x",
        commits=Commits(notes, OffsetRecords("x", "00D", "offsets"), stats),  # type: ignore[arg-type]
        buffer=buffer,
        routes=Routes(resolver or Resolver(), 1000),
        producer=notes,  # type: ignore[arg-type]
        policy=ErrorPolicy(tolerate, None, stats, lambda text: None),
        stats=stats,
        limits=Limits(**limits),
        progress=Progress(),
        on_running=lambda: notes.said.append("running"),
        on_gap=lambda last: notes.said.append(f"gap after {last}"),
    )
    return pipeline, notes, stats


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


@pytest.mark.parametrize("kind", ["bad", "unreadable"])
def test_a_dead_letter_that_its_topic_cannot_take_ends_it_before_the_position_moves(kind: str) -> None:
    bad = [event(2, "bad")] if kind == "bad" else []
    unreadable = [Unreadable(b"{...}", "no data", 2)] if kind == "unreadable" else []
    deliveries = [
        Delivery([event(1)], 1, 0.0, []),
        Delivery(bad, 1, 0.0, unreadable),
        Delivery([event(3)], 1, 0.0, []),
    ]
    pipeline, notes, _ = carry(deliveries, tolerate=True)
    pipeline.policy.dead_letters = DeadLetters("dead", "x", "out", max_bytes=4)
    with pytest.raises(Fatal, match="does not fit into the dead-letter topic dead"):
        pipeline.run()
    assert notes.values() == [1]
    assert notes.positions() == [1]
    assert notes.open == []


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


@pytest.mark.parametrize("events", [[], [event(5)]])
def test_an_unreadable_message_ends_it_before_anything_of_its_reply_moves_the_position(
    events: list[Message],
) -> None:
    deliveries = [Delivery(events, 1, 0.0, [Unreadable(b"{}", "no data", 4)])]
    pipeline, notes, _ = carry(deliveries)
    with pytest.raises(Fatal, match="event 4"):
        pipeline.run()
    assert notes.positions() == []


def test_the_id_of_an_unreadable_message_moves_nothing() -> None:
    """It may be damaged: an id of 10⁹ once made the position jump, and all that came after it was lost."""
    deliveries = [
        Delivery([event(5)], 1, 0.0, [Unreadable(b"{}", "no data", 10**9)]),
        Delivery([event(11)], 1, 0.0, []),
    ]
    pipeline, notes, _ = carry(deliveries, tolerate=True, max_pending=1)
    pipeline.run()
    assert notes.values() == [5, 11]
    assert notes.positions() == [5, 11]


class Letters:
    """A dead-letter topic."""

    def record(self, raw: bytes, error: BadRecord, came: Sequence[Header] = ()) -> tuple[Any, ...]:
        return ("dead", raw)


def lone(replay_id: int | None) -> Delivery:
    return Delivery([], 1, 0.0, [Unreadable(b"lone", "no data", replay_id)])


@pytest.mark.parametrize("replay_id", [None, 3, 10**9])
def test_an_unreadable_message_alone_in_its_reply_is_committed(replay_id: int | None) -> None:
    pipeline, notes, stats = carry(
        [Delivery([event(5)], 1, 0.0, []), lone(replay_id)], tolerate=True, max_pending=1
    )
    pipeline.policy.dead_letters = Letters()
    pipeline.run()
    assert [[args[0] for args in one] for one in notes.transactions] == [
        ["out", "offsets"],
        ["dead", "offsets"],
    ]
    assert notes.positions() == [5, 5]
    assert stats.events_delivered == 2


def test_an_unreadable_message_before_the_first_event_is_committed_without_a_position() -> None:
    pipeline, notes, _ = carry([lone(7)], tolerate=True)
    pipeline.policy.dead_letters = Letters()
    pipeline.run()
    assert notes.transactions == [[("dead", b"lone"), None]]


@pytest.mark.parametrize("lower", [[1056], [1057], [1, 2, 3], [900, 1057, 1058]])
def test_events_whose_ids_do_not_rise_are_committed_and_the_position_repeats(
    lower: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    first = Delivery([event(n) for n in range(1000, 1058)], 1, 0.0, [])
    pipeline, notes, _ = carry([first, Delivery([event(n) for n in lower], 1, 0.0, [])], max_pending=1)
    pipeline.run()
    assert notes.open == []
    assert notes.values() == [*range(1000, 1058), *lower]
    assert notes.positions() == [1057, max(1057, lower[-1])]
    below = sum(n < 1057 for n in lower)
    assert [f"so far {below})" in text for text in told(caplog)] == [True] * bool(below)


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    messages = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    return [text for text in messages if "replay ids below" in text]


def test_ids_that_begin_anew_get_one_warning_with_their_count(caplog: pytest.LogCaptureFixture) -> None:
    replies = [Delivery([event(n)], 1, 0.0, []) for n in (1000, *range(1, 31))]
    pipeline, notes, _ = carry(replies, max_pending=1)
    pipeline.run()
    assert notes.values() == [1000, *range(1, 31)]
    assert set(notes.positions()) == {1000}
    (text,) = told(caplog)
    assert "below 1000, the highest committed (so far 30)" in text


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


def test_after_a_gap_lower_replay_ids_move_the_position() -> None:
    signals = [Delivery([event(100)], 1, 0.0, []), Gap(100), Delivery([event(7)], 1, 0.0, [])]
    pipeline, notes, _ = carry(signals, max_pending=1)
    pipeline.run()
    assert notes.positions() == [100, 7]
    assert notes.said == ["gap after 100"]


START = ("offsets", b'{"since":1234}', b"bridge-start-x", -1, None, None, 0, [])


def test_the_moment_of_the_first_subscription_is_committed_before_it_runs() -> None:
    pipeline, notes, _ = carry([Listening(1234)])
    pipeline.on_running = lambda: notes.said.append(f"running with {notes.durable} durable")
    pipeline.run()
    assert notes.transactions == [[START]]
    assert notes.said == ["running with 1 durable"]


@pytest.mark.parametrize("signals", [[Listening()], [Delivery([event(5)], 1, 0.0, []), Listening(1234)]])
def test_where_a_position_is_known_or_everything_is_wanted_no_start_is_remembered(
    signals: list[Signal],
) -> None:
    pipeline, notes, _ = carry(signals)
    pipeline.run()
    assert START not in [args for one in notes.transactions for args in one]
    assert notes.said == ["running"]


def test_after_a_gap_the_expired_position_goes_when_the_new_start_is_remembered() -> None:
    pipeline, notes, _ = carry([Delivery([event(100)], 1, 0.0, []), Gap(100), Listening(1234)])
    pipeline.progress = Progress(50)
    pipeline.run()
    assert notes.positions() == [100]
    assert notes.transactions[-1] == [("offsets", None, b'["x",{}]'), START]
    assert notes.said == ["gap after 100", "running"]


def test_what_ended_the_source_is_known_after_everything_received_is_committed() -> None:
    failure = Fatal("no such event", stage=Stage.SUBSCRIBE)
    pipeline, notes, _ = carry([Delivery([event(1)], 1, 0.0, []), Ended(failure)])
    assert pipeline.run() is failure
    assert notes.positions() == [1]


QUIET = [Delivery([event(5)], 1, 0.0, []), Idle(8), Idle(9), Delivery([event(11), event(11)], 1, 0.0, [])]


def test_the_keep_alive_of_a_quiet_channel_is_not_a_transaction_each_time() -> None:
    pipeline, notes, _ = carry(QUIET)
    pipeline.run()
    assert notes.positions() == [5, 11]


def test_a_quiet_channel_s_position_follows_the_keep_alive_when_it_is_due(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loop, "_IDLE_EVERY", 0)
    pipeline, notes, _ = carry(QUIET)
    pipeline.run()
    assert notes.positions() == [5, 8, 9, 11]
    headers = [dict(one[-1][7]).get("bridge-resume-after") for one in notes.transactions]
    assert headers == [b"-2", None, None, b"9"]


def test_a_day_of_a_quiet_channel_is_a_commit_every_ten_minutes_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Salesforce keeps ids for 72 hours and says every 270 seconds where an idle stream is. Here an id is the second at
    which it was said."""
    began, every, day = 1_700_000_000.0, 270, 24 * 3600
    clock = [began]
    monkeypatch.setattr(time, "time", lambda: clock[0])
    pipeline, notes, _ = carry([Delivery([event(int(began))], 1, 0.0, [])])
    written: list[tuple[float, int]] = []

    class Day(Buffer):
        """A keep-alive whenever somebody waits, until the day is over."""

        def get(self, timeout: float) -> Signal | None:
            for position in notes.positions()[len(written) :]:
                written.append((clock[0], position))
            if self.events:
                return super().get(timeout)
            clock[0] += every
            return Idle(int(clock[0])) if clock[0] < began + day else Ended()

    pipeline.buffer = quiet = Day(10**6, 10**9)
    quiet.put(Delivery([event(int(began))], 1, 0.0, []))
    pipeline.run()
    assert day / 900 <= len(written) <= day / 600 + 1
    for (moment, position), (later, _) in itertools.pairwise(written[1:]):
        assert later - moment >= 600
        assert later - position < 1200, "so old a position may become"


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
