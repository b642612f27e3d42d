"""Everything at once: faults drawn at random at every step, and still each event once, in order."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from bridge.buffer import Buffer
from bridge.retry import Backoff
from bridge.salesforce import recovery
from bridge.salesforce.cometd import Start
from tests.support.cometd_client import Client
from tests.support.scripted_org import CONNECT, HANDSHAKE, SUBSCRIBE, Http, ScriptedOrg

EVENTS = 3_000


def faults(org: ScriptedOrg, chance: random.Random) -> Any:
    """A reply drawn anew at each request: mostly the normal one."""

    def reply(message: dict[str, Any], normal: list[Any]) -> Http | list[Any]:
        body = json.dumps(normal).encode()
        if chance.random() < 0.03:
            org.forget()
        if chance.random() < 0.03:
            org.revoke(f"token-{chance.randint(0, 3)}")
        if chance.random() < 0.6:
            return Http(
                body, gzip=chance.random() < 0.3, chunked=chance.random() < 0.3, close=chance.random() < 0.1
            )
        choice = chance.randint(0, 8)
        match choice:
            case 0:
                return Http(body, cut=chance.randint(-1, len(body)))
            case 1:
                return Http(body, cut=chance.randint(-1, len(body)), chunked=True)
            case 2:
                return Http(body, cut=chance.randint(-1, 40), gzip=True)
            case 3:
                return Http(b"<html>busy</html>", status=chance.choice((200, 401, 404, 500, 502, 503)))
            case 4:
                return Http(body[: chance.randint(0, len(body))])
            case 5:
                return [*normal[:-1], *normal]  # the same reply twice in one
            case 6:
                chance.shuffle(normal)
                return normal
            case 7:
                advice = {"reconnect": chance.choice(("handshake", "none", "retry")), "interval": 10}
                return [*normal[:-1], {**normal[-1], "advice": advice}]
            case _:
                code = chance.choice(
                    ("402::Unknown client", "401::Authentication invalid", "503::Server is too busy")
                )
                return [{"channel": message["channel"], "successful": False, "error": code}]

    return reply


@pytest.mark.parametrize("seed", range(6))
def test_each_event_once_in_order_whatever_happens(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery, "MAX_REFUSALS", 1_000)  # so many in a row are due to the test
    chance = random.Random(seed)
    with ScriptedOrg(batch=chance.choice((7, 20, 50))) as org:
        for channel, times in ((CONNECT, 200), (HANDSHAKE, 60), (SUBSCRIBE, 60)):
            org.next(channel, *[faults(org, chance)] * times)
        org.publish(*range(EVENTS // 2))
        start = Start(initial="all") if seed % 2 else Start(replay_id=99)
        buffer = Buffer(chance.choice((60, 1_000)), 1 << 20)
        with Client(org, start, buffer=buffer, retry_seconds=60.0, reconnect_within=0.3) as client:
            # The waits between attempts are not what is tested here.
            client.source._recovery.outage._waits = Backoff(0.01, 0.02)
            published = EVENTS // 2
            while published < EVENTS:
                client.wait(lambda: client.events or client.failure, timeout=30)
                org.publish(*range(published, published + 100))
                published += 100
                if chance.random() < 0.3:
                    client.stop()
                    assert client.failure is None, client.failure
                    client.start()
            begin = 0 if seed % 2 else 100
            client.wait(lambda: len(client.events) >= EVENTS - begin or client.failure, timeout=60)
            assert client.failure is None, client.failure
    assert client.events == list(range(begin, EVENTS))
