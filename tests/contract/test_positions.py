"""Positions over transports: what one has stored the other goes on from, and an idle stream's position moves, too."""

from __future__ import annotations

import random
import time

import pytest

from bridge.kafka.offsets import Stored
from bridge.pipeline.records import OffsetRecords
from bridge.progress import Progress
from bridge.salesforce.transport import Start
from bridge.sandbox import samples
from bridge.sandbox.org import Org
from bridge.sandbox.org.pubsub import Settings
from bridge.source import Idle
from tests.contract.test_sources import Rig
from tests.support.bridge_run import wait_until
from tests.support.source_run import Run
from tests.unit.kafka.test_offsets import Message

OTHER = samples.EVENTS[1].name


def stored(progress: Progress) -> Start:
    """By way of the offsets topic's record, as a restart has it."""
    record = OffsetRecords("orders", "00D", "offsets").position(progress, None)
    assert record is not None
    held = Stored("orders", "offsets")
    _, value, key, *_, headers = record
    held.take(Message(key, value, headers, at=int(time.time() * 1000)))
    found = held.position()
    return Start(
        found.replay_id,
        "latest",
        None,
        found.resume_after,
        found.done,
        found.raw,
        found.resume_raw,
        found.event_id,
    )


def delivered(run: Run, start: Start, count: int) -> Progress:
    """How far a pipeline is that has delivered so many of the run's events."""
    progress = start.progress()
    progress.advance(run.messages, 0, count)
    return progress


@pytest.mark.parametrize("tail", [b"\0\0", b"\x07\x01\x02"], ids=["as recorded", "of another form"])
def test_the_api_is_changed_again_and_again_and_the_position_kept(org: Org, tail: bytes) -> None:
    dice = random.Random(7)
    org.serve_pubsub(settings=Settings(tail=tail))
    rigs = [Rig(org, "streaming"), Rig(org, "pubsub")]
    ids: list[int] = []
    for _ in range(8):
        ids += (
            rigs[0].group(dice.randint(1, 6)) if dice.random() < 0.6 else rigs[0].publish(dice.randint(1, 4))
        )
    names, got, start, turn = set[tuple[int, str | None]](), list[int](), Start(initial="all"), 0
    while len(got) < len(ids):
        # Ids of another form are known to the transport alone that they came by.
        rig = rigs[1] if any(tail) else rigs[turn % 2]
        with rig.run(start) as run:
            wait_until(lambda: len(run.ids) >= len(ids) - len(got) or run.ended, 30)  # noqa: B023 - called in this turn
        assert run.failure is None
        taken = min(dice.randint(1, 5), len(run.ids))
        got += run.ids[:taken]
        names |= {(m.data.event.replayId, m.data.event.EventUuid) for m in run.messages[:taken] if m.data}
        start, turn = stored(delivered(run, start, taken)), turn + 1
    assert got == ids
    assert len(names) == len(ids)


def test_the_position_of_an_idle_stream_goes_on_by_either_way(org: Org) -> None:
    """CometD knows no id that is no event's: there the last event's counts, and nothing is called a gap."""
    org.serve_pubsub(settings=Settings(keepalive=0.2))
    streaming, pubsub = Rig(org, "streaming"), Rig(org, "pubsub")
    ids = streaming.publish(3)
    with pubsub.run() as run:
        run.wait_for(ids)
        beyond = org.publish_many(OTHER, 5)[-1]
        wait_until(lambda: any(idle.replay_id == beyond for idle in run.of(Idle)), 30)
    progress = delivered(run, Start(), 3)
    for idle in run.of(Idle):
        progress.stand_on(idle.replay_id, idle.raw)
    start = stored(progress)
    assert (start.replay_id, start.event_id) == (beyond, ids[-1])
    more: list[int] = []
    for rig in (streaming, pubsub):
        rig.settings["invalid.replay.id.behaviour"] = "fail"
        with rig.run(start) as again:
            again.listening()
            more += rig.publish(2)
            again.wait_for(more)
        assert not any(word.startswith("gap") for word in again.said)


def test_a_stream_that_is_idle_and_then_lost_goes_on_from_where_it_stood(org: Org) -> None:
    """Its last event may have left what is retained by then."""
    org.serve_pubsub(settings=Settings(keepalive=0.2))
    rig = Rig(org, "pubsub")
    rig.settings["invalid.replay.id.behaviour"] = "fail"
    ids = rig.publish(2)
    with rig.run() as run:
        run.wait_for(ids)
        between = time.time()
        beyond = org.publish_many(OTHER, 2)[-1]
        wait_until(lambda: any(idle.replay_id == beyond for idle in run.of(Idle)), 30)
        org.expire(between)
        rig.lose()
        run.listening(2)
        ids += rig.publish(2)
        run.wait_for(ids)
