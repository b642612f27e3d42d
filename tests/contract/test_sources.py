"""One kit over every transport: what a source promises (``bridge/source.py``), whatever breaks.

A transport is held to it with one line: how an org ends its subscription (``LOSE``).
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any, Final

import pytest

from bridge import turns
from bridge.buffer import Buffer
from bridge.config.declarations.transports import TRANSPORTS
from bridge.errors import BridgeError, Fatal
from bridge.inspection.configuration import LOADER
from bridge.salesforce.auth import Login
from bridge.salesforce.rest import Rest
from bridge.salesforce.transport import Start, try_subscription
from bridge.sandbox.org import Org
from bridge.source import Ended, Listening
from tests.support.bridge_run import EVENT, wait_until
from tests.support.hole import hole
from tests.support.source_run import Run

LOSE: Final[Mapping[str, Callable[[Org], None]]] = {
    "streaming": Org.forget_sessions,
    "pubsub": Org.reset_streams,
}


class Rig:
    """A transport in front of the sandbox's org."""

    def __init__(self, org: Org, api: str) -> None:
        self.org, self.api = org, api
        self.settings: dict[str, str] = {}

    def run(self, start: Start | None = None, **more: Any) -> Run:
        return Run(self.config(), start, **more)

    def config(self) -> Any:
        credentials = self.org.credentials
        given = {
            "connector.class": "SalesforcePlatformEventSource",
            "name": "orders",
            "kafka.topic": "orders",
            "salesforce.grant.type": "PASSWORD",
            "salesforce.instance": self.org.url,
            "salesforce.username": credentials.username,
            "salesforce.password": credentials.password,
            "salesforce.password.token": credentials.security_token,
            "salesforce.consumer.key": credentials.client_id,
            "salesforce.consumer.secret": credentials.client_secret,
            "salesforce.platform.event.name": EVENT,
            "bridge.salesforce.ca.file": str(self.org.ca_file),
            "output.data.format": "JSON",
            "tasks.max": "1",
            "bridge.salesforce.api": self.api,
            **({"bridge.pubsub.endpoint": self.org.serve_pubsub()} if self.api == "pubsub" else {}),
            **self.settings,
        }
        return LOADER.connector_config(given)

    def lose(self) -> None:
        """The org ends the subscription."""
        LOSE[self.api](self.org)

    def publish(self, count: int, **more: Any) -> list[int]:
        return self.org.publish_many(EVENT, count, **more)

    def group(self, size: int) -> list[int]:
        """Events that share a replay id."""
        return [self.org.publish_group((EVENT, {"Order_Number__c": f"{n}"}) for n in range(size))] * size


@pytest.fixture(params=list(TRANSPORTS))
def rig(request: pytest.FixtureRequest, org: Org, monkeypatch: pytest.MonkeyPatch) -> Rig:
    # The simulated org takes a subscription to new events at once; the real one is given time.
    monkeypatch.setattr("bridge.salesforce.pubsub.settings.SETTLED_NEW_ONLY", 0.3)
    return Rig(org, request.param)


def test_it_says_when_it_listens_gives_everything_and_says_that_it_has_ended(rig: Rig) -> None:
    ids = rig.publish(30)
    with rig.run() as run:
        run.wait_for(ids)
        ids += rig.publish(3)
        run.wait_for(ids)
    assert [word for word in run.said if word != "events"] == ["listening", "silent", "ended"]
    assert run.signals[-1] == Ended(None)
    assert run.of(Listening) == [Listening(None)]


def test_a_start_at_latest_says_since_when_and_takes_what_comes_after_it(rig: Rig) -> None:
    rig.publish(3)
    with rig.run(Start(initial="latest")) as run:
        run.listening()
        run.wait_for(rig.publish(5))
    (listening,) = run.of(Listening)
    assert listening.since_ms is not None
    assert time.time() - 60 < listening.since_ms / 1000 <= time.time()


@pytest.mark.parametrize("restart", [False, True], ids=["lost", "restarted"])
def test_a_start_at_latest_loses_nothing_before_its_first_event(rig: Rig, restart: bool) -> None:
    rig.publish(3, created=time.time() - 600)
    with rig.run(Start(initial="latest")) as run:
        run.listening()
        (listening,) = run.of(Listening)
        if not restart:
            rig.lose()
            ids = rig.publish(4)
            run.wait_for(ids)
            return
    ids = rig.publish(4)
    with rig.run(Start(initial="latest", since_ms=listening.since_ms)) as run:
        run.wait_for(ids)
    assert run.of(Listening) == [Listening(None)], "the moment of the first subscription stays what it was"


def test_a_position_is_gone_on_after(rig: Rig) -> None:
    ids = rig.publish(5)
    with rig.run(Start(ids[2], "latest")) as run:
        run.wait_for(ids[3:])


def test_events_that_share_an_id_come_once_wherever_a_process_ends(rig: Rig) -> None:
    ids = [*rig.group(3), *rig.group(1), *rig.group(4)]
    start, names = None, set[tuple[int, str | None]]()
    for left in range(len(ids), 0, -1):
        with rig.run(start) as run:
            run.wait_for(ids[-left:])
        names |= run.names
        start = run.start(delivered=1)
    assert len(names) == len(ids)


def test_a_subscription_that_is_lost_again_and_again_loses_and_doubles_nothing(rig: Rig) -> None:
    ids = rig.group(3)
    with rig.run() as run:
        run.wait_for(ids)
        for turn in range(2, 8):
            rig.lose()
            ids += rig.group(2)
            ids += rig.publish(3)
            run.listening(turn)
            run.wait_for(ids)
    said = [word for word in run.said if word != "events"]
    assert said == ["listening", "silent"] * 7 + ["ended"]


def test_a_token_that_is_revoked_is_replaced(rig: Rig) -> None:
    ids = rig.publish(3)
    with rig.run() as run:
        run.wait_for(ids)
        rig.org.revoke_tokens()
        ids += rig.publish(3)
        run.wait_for(ids)


@pytest.mark.parametrize("choice", ["all", "latest"])
def test_an_expired_position_is_a_gap_and_then_another_subscription(rig: Rig, choice: str) -> None:
    rig.settings["invalid.replay.id.behaviour"] = choice
    (expired, *_) = rig.publish(3, created=time.time() - 500)
    between = time.time() - 400
    ids = rig.publish(2, created=time.time() - 300)
    rig.org.expire(between)
    with rig.run(Start(expired, "all")) as run:
        run.listening()
        ids = [*(ids if choice == "all" else []), *rig.publish(2)]
        run.wait_for(ids)
    assert run.said[:2] == [f"gap {expired}", "listening"]
    (listening,) = run.of(Listening)
    assert (listening.since_ms is not None) == (choice == "latest")


def test_an_expired_position_ends_it_where_that_is_chosen(rig: Rig) -> None:
    rig.settings["invalid.replay.id.behaviour"] = "fail"
    (expired, *_) = rig.publish(3, created=time.time() - 500)
    rig.org.expire(time.time() - 400)
    with rig.run(Start(expired, "all")) as run:
        wait_until(lambda: run.ended)
    assert isinstance(run.failure, Fatal)
    assert "invalid.replay.id.behaviour" in run.failure.message
    assert run.said == ["ended"]


def test_an_expired_id_before_the_position_is_no_gap(rig: Rig) -> None:
    rig.settings["invalid.replay.id.behaviour"] = "fail"
    before = rig.publish(1)
    between = time.time()
    ids = [*before, *rig.group(2)]
    with rig.run() as run:
        run.wait_for(ids)
    rig.org.expire(between)
    with rig.run(run.start()) as again:
        again.listening()
        again.wait_for(rig.publish(2))
    assert not any(word.startswith("gap") for word in again.said)


def test_a_full_buffer_stops_it_from_fetching_and_nothing_is_dropped(rig: Rig) -> None:
    buffer = Buffer(50, 1 << 20)
    ids: list[int] = []
    with rig.run(buffer=buffer, drain=False) as run:
        wait_until(lambda: run.stats.subscribes == 1)
        for _ in range(40):
            ids += rig.publish(50)
        wait_until(lambda: not buffer.has_room())
        held = buffer.events
        assert held < len(ids)
        run.draining.set()
        run.wait_for(ids, 60)


def test_a_stop_ends_whatever_it_waits_for(rig: Rig) -> None:
    with rig.run() as run:
        run.listening()
        began = time.monotonic()
        run.end()
        assert time.monotonic() - began < 8
    assert run.failure is None


def test_it_may_be_run_again_and_goes_on(rig: Rig) -> None:
    run, ids = rig.run(), list[int]()
    for _ in range(3):
        ids += rig.publish(5)
        stop = threading.Event()
        thread = threading.Thread(target=run.source.run, args=(stop,))
        thread.start()
        wait_until(lambda: run.take() or len(run.ids) == len(ids))  # noqa: B023 - called in this turn
        stop.set()
        run.source.interrupt()
        thread.join(10)
        assert not thread.is_alive()
    run.login.close()
    assert run.ids == ids


def test_what_an_org_refuses_ends_it_with_one_sentence(rig: Rig) -> None:
    rig.settings["salesforce.platform.event.name"] = "Nope__e"
    with rig.run() as run:
        wait_until(lambda: run.ended)
    assert isinstance(run.failure, Fatal)
    assert "Nope__e" in run.failure.message
    assert "\n" not in run.failure.message


def test_a_subscription_can_be_tried(rig: Rig) -> None:
    config = rig.config()
    (known, *_) = rig.publish(3)
    login = Login(config)
    rest = Rest(login, config)
    try_subscription(config, login, rest)
    try_subscription(config, login, rest, known)
    rig.org.expire(time.time() + 1)
    with pytest.raises(BridgeError, match="replay"):
        try_subscription(config, login, rest, known)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_each_event_comes_once_in_order(rig: Rig, seed: int) -> None:
    dice = random.Random(seed)
    ids, start = list[int](), None
    got, names = list[int](), set[tuple[int, str | None]]()
    for _ in range(3):
        with rig.run(start, buffer=Buffer(dice.choice((20, 1000)), 1 << 20)) as run:
            for _ in range(20):
                ids += (
                    rig.group(dice.randint(1, 5)) if dice.random() < 0.5 else rig.publish(dice.randint(1, 30))
                )
                if dice.random() < 0.3:
                    rig.lose()
                if dice.random() < 0.1:
                    rig.org.revoke_tokens()
                time.sleep(dice.uniform(0, 0.02))
        assert run.failure is None, run.failure
        got += run.ids
        names |= run.names
        start = run.start()
    with rig.run(start) as run:
        wait_until(lambda: len(got) + len(run.ids) >= len(ids), 60)
    assert got + run.ids == ids
    assert len(names | run.names) == len(ids)


def test_sessions_that_hang_in_a_proxy_hold_up_nobody_beside_it_and_say_what_they_wait_for(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(turns.SESSIONS, "longest", 3600.0)
    monkeypatch.setattr(turns, "SILENT", 0.3)
    caplog.set_level(logging.INFO)
    rig.settings = {"salesforce.version": "66.0"}  # else it is asked for before
    beside = rig.run()
    session = beside.login.session()
    waits = f"waiting for its turn: {turns.AT_ONCE} connectors open a session with the org before it"
    with hole() as proxy, ExitStack() as stack:
        rig.settings["http.proxy"] = proxy
        for _ in range(turns.AT_ONCE + 1):
            run = rig.run()
            run.login.account.session = session  # they were logged in when their proxy stopped answering
            stack.enter_context(run)
        wait_until(lambda: waits in caplog.text, 30)
        with beside:
            beside.listening()
    assert caplog.text.count("waiting for its turn") == 1
