"""The bridge by the Pub/Sub API, against a real broker: kills, faults, renewals; each event once, in order."""

import random
import signal
import time
from pathlib import Path

import pytest

from bridge.inspection.configuration import load
from bridge.inspection.online import Check, checks
from bridge.sandbox.org import Org
from bridge.sandbox.org.pubsub import Settings
from tests.support.bridge_run import EVENT, Bridge, running, wait_until
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import create_topic, read

FAULTS = (
    {"kind": "pubsub_reset"},
    {"kind": "pubsub_end"},
    {"kind": "pubsub_error", "code": "service.unavailable"},
    {"kind": "pubsub_error", "code": "service.auth.error"},
    {"kind": "pubsub_error", "code": "subscription.internal.error"},
    {"kind": "pubsub_schema"},
    {"kind": "pubsub_silent"},
)


@pytest.fixture
def bridge(tmp_path: Path, broker: Broker, org: Org) -> Bridge:
    made = Bridge.of(tmp_path, broker, org)
    org.serve_pubsub(settings=Settings(keepalive=0.5))
    assert org.pubsub is not None
    made.settings |= {
        "bridge.salesforce.api": "pubsub",
        "bridge.pubsub.endpoint": org.pubsub.endpoint,
        "bridge.watchdog.ms": "1500",
    }
    return made


def numbers(bridge: Bridge) -> list[str]:
    return [value["Order_Number__c"] for value in bridge.values()]


def test_killed_again_and_again_among_groups_of_one_id_and_every_fault(
    bridge: Bridge, org: Org, tmp_path: Path
) -> None:
    dice = random.Random(11)
    names = [f"n{number}" for number in range(250)]
    org.publish_group((EVENT, {"Order_Number__c": name}) for name in names)
    log = tmp_path / "log"
    for _ in range(4):
        process = bridge.spawn(log=log)
        try:
            before = len(numbers(bridge))
            for _ in range(3):
                fresh = [f"n{len(names) + number}" for number in range(dice.randint(1, 60))]
                names += fresh
                if dice.random() < 0.5:
                    org.publish_group((EVENT, {"Order_Number__c": name}) for name in fresh)
                else:
                    org.publish_many(EVENT, [{"Order_Number__c": name} for name in fresh])
                org.faults.arm(**FAULTS[dice.randrange(len(FAULTS))])  # type: ignore[arg-type]
                if dice.random() < 0.4:
                    org.revoke_tokens()
            wait_until(lambda: len(numbers(bridge)) > before, 60)  # noqa: B023 - called in this turn
            time.sleep(dice.uniform(0, 0.2))
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
    org.faults.clear()
    bridge.run(max_events=len(names) - len(numbers(bridge)))
    assert numbers(bridge) == names


def test_an_expired_and_a_corrupted_id(bridge: Bridge, org: Org) -> None:
    """What is gone is called a gap, what is retained comes, and nothing twice."""
    old = org.publish_many(EVENT, [{"Order_Number__c": f"old{n}"} for n in range(3)])
    bridge.run(max_events=3)
    assert bridge.position() == {"replayId": old[-1]}
    org.publish_many(EVENT, [{"Order_Number__c": f"lost{n}"} for n in range(2)])
    org.expire(time.time())
    org.publish_many(EVENT, [{"Order_Number__c": f"new{n}"} for n in range(3)])
    connector = bridge.run(max_events=3)
    assert connector.error is None
    assert numbers(bridge) == ["old0", "old1", "old2", "new0", "new1", "new2"]


def test_an_id_that_is_called_corrupted_while_it_runs(bridge: Bridge, org: Org) -> None:
    """All that is retained comes again, and nothing of it is written again."""
    names = [f"n{n}" for n in range(40)]
    org.publish_many(EVENT, [{"Order_Number__c": name} for name in names])
    with running(bridge) as connector:
        wait_until(lambda: connector.stats.events_delivered == 40)
        org.faults.arm("pubsub_refused", code="subscription.fetch.replayid.corrupted", times=2)
        org.reset_streams()
        wait_until(lambda: connector.stats.duplicates_dropped == 40)
        org.publish_many(EVENT, [{"Order_Number__c": "last"}])
        wait_until(lambda: connector.stats.events_delivered == 41)
    assert numbers(bridge) == [*names, "last"]


def test_the_api_is_changed_and_the_position_kept(bridge: Bridge, org: Org) -> None:
    names: list[str] = []
    for turn, api in enumerate(("pubsub", "streaming", "pubsub", "streaming")):
        bridge.settings["bridge.salesforce.api"] = api
        fresh = [f"{turn}-{number}" for number in range(5)]
        names += fresh
        org.publish_group((EVENT, {"Order_Number__c": name}) for name in fresh)
        bridge.run(max_events=3 if turn < 3 else len(names) - 9)
    assert numbers(bridge) == names


def test_checks_before_a_start(bridge: Bridge, org: Org) -> None:
    def said() -> dict[str, Check]:
        return {one.name: one for one in checks(load(bridge.connector_file(), bridge.worker_file()))}

    assert {name for name, one in said().items() if one.ok is False} == set()
    org.faults.arm("pubsub_refused", code="subscription.topic.cannot.subscribe", times=-1)
    failed = said()["subscription"]
    assert failed.ok is False
    assert "read permission" in failed.message


@pytest.mark.parametrize("api", ["streaming", "pubsub"])
def test_a_payload_that_is_none_is_a_dead_letter(bridge: Bridge, org: Org, api: str) -> None:
    letters = create_topic(bridge.broker, f"{bridge.topic}-letters")
    bridge.settings |= {
        "bridge.salesforce.api": api,
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": letters,
    }
    broken = b'{"Amount__c": "much"}'
    org.publish_many(EVENT, [{"Order_Number__c": "a"}])
    org.bus.publish_bytes(EVENT, broken)
    org.publish_many(EVENT, [{"Order_Number__c": "b"}])
    with running(bridge) as connector:
        wait_until(lambda: connector.stats.dead_letters == 1 and len(numbers(bridge)) == 2)
    assert numbers(bridge) == ["a", "b"]
    (letter,) = read(bridge.broker, letters)
    assert letter.value() == broken
