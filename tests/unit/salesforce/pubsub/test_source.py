"""The Pub/Sub source where the kit of all transports does not look: what it asks for, what ends a stream, who
watches."""

from __future__ import annotations

import time

import pytest
from attrs import evolve

from bridge.buffer import Buffer
from bridge.errors import Fatal, Retriable
from bridge.progress import ALL_RETAINED, NEW_ONLY
from bridge.salesforce.pubsub import messages as wire
from bridge.salesforce.pubsub.channels import LINES
from bridge.salesforce.pubsub.replay import bytes_of, number_of, preset_of
from bridge.salesforce.pubsub.settings import PubSubSettings
from bridge.salesforce.transport import Start
from bridge.sandbox.definition import FieldDefinition
from bridge.sandbox.org import Org
from bridge.sandbox.org.pubsub import PubSub, Settings
from bridge.source import Listening
from tests.contract.test_sources import Rig
from tests.support.bridge_run import EVENT, wait_until


@pytest.mark.parametrize("size", [30, 100])
def test_no_more_than_a_hundred_are_ever_outstanding_and_the_pipe_stays_full(
    rig: Rig, org: Org, size: int
) -> None:
    org.serve_pubsub(settings=Settings(max_events=size))
    api = org.pubsub
    assert api is not None
    ids = rig.publish(2000)
    with rig.run() as run:
        run.wait_for(ids)
    assert api.counters.get("cut", 0) == 0
    assert api.counters["asked"] >= (2000 - 100) / 100
    assert api.counters["Subscribe"] == api.counters["GetTopic"] == api.counters["GetSchema"] == 1


def test_a_buffer_that_stays_full_does_not_make_the_responses_ever_smaller(rig: Rig, org: Org) -> None:
    org.serve_pubsub(settings=Settings(max_events=37))
    ids = rig.publish(3000)
    with rig.run(buffer=Buffer(157, 1 << 20), drain=False) as run:
        while len(run.ids) < len(ids) and not run.ended:
            time.sleep(0.001)  # slower than what comes
            run.take()
    assert run.ids == ids
    assert org.pubsub is not None
    assert org.pubsub.counters["asked"] <= len(ids) / 60, "half of a hundred and more, each time"


def test_no_more_is_asked_for_than_the_buffer_has_room_for(rig: Rig, api: PubSub) -> None:
    rig.publish(100)
    buffer = Buffer(10, 1 << 20)
    with rig.run(buffer=buffer, drain=False) as run:
        wait_until(lambda: not buffer.has_room())
        assert buffer.events == 10
        run.draining.set()


def test_streams_of_an_org_share_a_connection_and_its_schemas(rig: Rig, api: PubSub) -> None:
    ids = rig.publish(5)
    with rig.run() as one, rig.run() as two, rig.run() as three:
        for run in (one, two, three):
            run.wait_for(ids)
        (lines,) = LINES._lines.values()
        assert [line.streams for line in lines] == [3]
    assert api.counters["GetSchema"] == 1
    assert not LINES._lines, "nobody needs it any more"


def test_a_connection_takes_so_many_streams_and_then_there_is_another(
    rig: Rig, api: PubSub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.salesforce.pubsub.channels.MOST_STREAMS", 2)
    with rig.run() as one, rig.run() as two, rig.run() as three:
        for run in (one, two, three):
            run.listening()
        assert sorted(line.streams for lines in LINES._lines.values() for line in lines) == [1, 2]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "pubsub_end"},
        {"kind": "pubsub_reset"},
        {"kind": "pubsub_error", "code": "service.unavailable"},
        {"kind": "pubsub_error", "code": "subscription.internal.error"},
        {"kind": "pubsub_error", "code": "subscription.fetch.replay.repeated"},
        {"kind": "pubsub_error", "code": "service.auth.error"},
        {"kind": "pubsub_refused", "code": "service.unavailable"},
        {"kind": "pubsub_schema"},
        {"kind": "pubsub_topic"},
    ],
    ids=lambda fault: "-".join(fault.values()),
)
def test_whatever_ends_a_stream_the_next_goes_on(rig: Rig, api: PubSub, fault: dict[str, str]) -> None:
    ids = rig.publish(6)
    rig.org.faults.arm(**fault)  # type: ignore[arg-type]  # a kind and its options
    with rig.run() as run:
        wait_until(lambda: len(run.ids) == 6 or run.ended, 30)
        ids += rig.publish(2)
        run.wait_for(ids)
    assert rig.org.faults.fired


def test_a_stream_that_says_nothing_is_given_up_and_the_connection_with_it(rig: Rig, org: Org) -> None:
    org.serve_pubsub(settings=Settings(keepalive=0.2))
    rig.settings["bridge.watchdog.ms"] = "1500"
    ids = rig.publish(3)
    with rig.run() as run:
        run.wait_for(ids)
        (before,) = (line for lines in LINES._lines.values() for line in lines)
        rig.org.faults.arm("pubsub_silent")
        ids += rig.publish(3)
        run.wait_for(ids)
        (after,) = (line for lines in LINES._lines.values() for line in lines)
        assert after is not before
    assert run.said[:5] == ["listening", "events", "silent", "listening", "events"]


def test_nobody_begins_a_stream_on_a_connection_that_fell_silent(rig: Rig, org: Org) -> None:
    """Another stream of it is alive and may stay."""
    org.serve_pubsub(settings=Settings(keepalive=0.3))
    rig.settings["bridge.watchdog.ms"] = "2500"
    ids = rig.publish(3)
    with rig.run() as alive:
        alive.wait_for(ids)
        org.faults.arm("pubsub_silent", min_events=1)
        with rig.run() as silent:
            silent.wait_for(ids)
            assert sorted(line.streams for lines in LINES._lines.values() for line in lines) == [1, 1]
    assert "silent" in silent.said[:-2]


def test_a_slow_stream_that_is_alive_is_let_be(rig: Rig, org: Org) -> None:
    org.serve_pubsub(settings=Settings(keepalive=0.3))
    rig.settings["bridge.watchdog.ms"] = "2000"
    with rig.run() as run:
        run.listening()
        time.sleep(2.5)  # longer than the watchdog's patience
    assert run.said == ["listening", "silent", "ended"]


def test_a_sink_that_is_slow_ends_the_stream_before_salesforce_does(
    rig: Rig, api: PubSub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Salesforce ends a stream of which nothing is asked for a minute; here it is 0.4 s."""
    of = PubSubSettings.of
    monkeypatch.setattr(PubSubSettings, "of", lambda config: evolve(of(config), room_within=0.4))
    ids = rig.publish(200)
    with rig.run(buffer=Buffer(50, 1 << 20), drain=False) as run:
        wait_until(lambda: run.stats.backpressure_disconnects == 1)
        run.draining.set()
        run.wait_for(ids)
    assert run.failure is None


def test_a_schema_that_changes_in_mid_stream(rig: Rig, api: PubSub) -> None:
    ids = rig.publish(2)
    with rig.run() as run:
        run.wait_for(ids)
        wider = rig.org.bus.definition(EVENT).with_field(FieldDefinition("Coupon__c"))
        rig.org.define(wider)
        ids += [rig.org.publish(EVENT, {"Coupon__c": "TEN"})]
        run.wait_for(ids)
    assert api.counters["GetSchema"] == 2
    assert run.messages[-1].data is not None
    assert b'"Coupon__c":"TEN"' in bytes(run.messages[-1].data.json())


def test_an_event_whose_schema_is_not_given_out_is_put_aside_with_the_reason(rig: Rig, api: PubSub) -> None:
    rig.publish(1)
    rig.org.faults.arm("pubsub_schema", code="schema.meta.permission", times=-1)
    with rig.run() as run:
        wait_until(lambda: run.stats.unreadable == 1)
    (unreadable,) = (one for signal in run.deliveries for one in signal.unreadable)
    assert "schema.meta.permission" in unreadable.reason


@pytest.mark.parametrize(
    ("code", "kind", "word"),
    [
        ("topic.not.found", Fatal, "API name"),
        ("topic.meta.permission", Fatal, "read permission"),
        ("subscription.topic.cannot.subscribe", Fatal, "read permission"),
        ("service.tenant.license", Fatal, "bridge.salesforce.api=streaming"),
        ("service.auth.headers.invalid", Fatal, "salesforce.instance"),
        ("service.unavailable", Retriable, "request.max.retries.time.ms"),
        ("service.auth.error", Retriable, "3 new ones"),
    ],
)
def test_what_lasts_ends_it_with_one_sentence(
    rig: Rig, api: PubSub, code: str, kind: type[Exception], word: str
) -> None:
    rig.settings["request.max.retries.time.ms"] = "2000"
    rig.org.faults.arm("pubsub_refused", code=code, times=-1)
    with rig.run() as run:
        wait_until(lambda: run.ended, 30)
    assert isinstance(run.failure, kind)
    assert word in run.failure.message
    assert code in run.failure.message
    assert "\n" not in run.failure.message


def test_a_quota_is_waited_for_and_nothing_lost(
    rig: Rig, api: PubSub, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(
        "bridge.salesforce.recovery.long_wait", lambda times, first: waits.append(first) or 0.05
    )
    ids = rig.publish(5)
    rig.org.faults.arm("pubsub_error", code="subscription.limit.exceeded", times=2)
    with rig.run() as run:
        run.wait_for(ids)
    assert waits == [60.0, 60.0]


def test_a_new_only_subscription_counts_when_it_has_settled(rig: Rig, api: PubSub) -> None:
    began = time.monotonic()
    with rig.run(Start(initial="latest")) as run:
        run.listening()
        assert time.monotonic() - began >= 0.3
        (listening,) = run.of(Listening)
        assert listening.since_ms is not None


def test_a_server_that_answers_with_its_first_response_only(rig: Rig, org: Org) -> None:
    """Nothing tells a subscription that stands from one that is refused a moment later, but the moment."""
    org.serve_pubsub(settings=Settings(early=False))
    (expired, *_) = rig.publish(2, created=time.time() - 500)
    org.expire(time.time() - 400)
    with rig.run(Start(expired, "all")) as run:
        run.listening()
        run.wait_for(rig.publish(3))
    assert run.said == [f"gap {expired}", "listening", "events", "silent", "ended"]


def test_ids_on_the_wire() -> None:
    recorded = bytes.fromhex("0000000000a748390000")
    assert number_of(recorded) == 10_963_001
    assert bytes_of(10_963_001) == recorded
    assert number_of(recorded[:8]) == 10_963_001
    for broken in (b"", b"1234567", b"\xff" * 10):
        with pytest.raises(ValueError, match="is "):
            number_of(broken)
    assert preset_of(NEW_ONLY) == (wire.LATEST, b"")
    assert preset_of(ALL_RETAINED) == (wire.EARLIEST, b"")
    assert preset_of(10_963_001) == (wire.CUSTOM, recorded)
    assert preset_of(10_963_001, recorded[:8] + b"\7\7") == (wire.CUSTOM, recorded[:8] + b"\7\7")
    assert preset_of(5, recorded) == (wire.CUSTOM, bytes_of(5)), "of another position"
