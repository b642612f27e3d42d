"""The CometD source: sessions and tokens that end, and the server's advice."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from bridge.errors import Retriable
from bridge.salesforce.cometd import Start
from tests.support.cometd_client import Client, FakeLogin
from tests.support.scripted_org import (
    CHANNEL,
    CONNECT,
    SUBSCRIBE,
    Http,
    ScriptedOrg,
    event,
    ids,
)

# ---- sessions and tokens ------------------------------------------------------------------------------------


def test_token_revoked_while_a_poll_is_held(org: ScriptedOrg) -> None:
    org.publish(*ids(1, 11))
    with Client(org) as client:
        client.wait_for(ids(1, 11))
        org.revoke()
        client.wait(lambda: client.stats.subscribes == 2)
        org.publish(*ids(11, 21))
        client.wait_for(ids(1, 21))
    assert client.login.renewed == ["token-0"]
    assert org.replays() == [-2, 9]
    assert org.asked[-1].headers["Authorization"] == "Bearer token-1"
    assert client.stats.logins == 2


@pytest.mark.parametrize(
    "reply",
    [
        Http(b"<html>", status=401),
        Http(b'[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]', status=401),
        Http(b'[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]'),
        [
            {
                "channel": CONNECT,
                "successful": False,
                "error": "401:x:Request requires authentication",
                "id": 4,
            }
        ],
        Http(b"", status=302, headers={"Location": "https://elsewhere.example.com/?token=x"}),
    ],
    ids=["status", "status and code", "code", "bayeux with arguments", "redirection"],
)
def test_token_refused_in_other_words(org: ScriptedOrg, reply: Any) -> None:
    org.publish(*ids(1, 6))
    org.next(CONNECT, reply)
    with Client(org, Start(replay_id=2)) as client:
        client.wait_for([3, 4, 5])
    assert client.login.renewed == ["token-0"]
    assert org.replays() == [2, 2]


def test_token_refused_at_the_handshake(org: ScriptedOrg) -> None:
    org.revoke()
    org.publish(1)
    with Client(org) as client:
        client.wait_for([1])
    assert client.login.renewed == ["token-0"]


def test_new_tokens_that_are_refused_are_not_fetched_for_ever(org: ScriptedOrg) -> None:
    org.revoke()
    login = FakeLogin(org, useless=True)
    with Client(org, login=login) as client:
        failure = client.wait_failed()
    assert isinstance(failure, Retriable)
    assert "401::Authentication invalid" in failure.message
    assert "token-" not in failure.message
    assert len(login.renewed) == 3


@pytest.mark.parametrize("error", ["403::Unknown client", "402::Unknown client", "402:abc:Unknown client"])
def test_unknown_client_subscribes_again(org: ScriptedOrg, error: str) -> None:
    org.publish(*ids(1, 11))
    with Client(org) as client:
        client.wait_for(ids(1, 11))
        org.next(CONNECT, [{"channel": CONNECT, "successful": False, "error": error, "id": "9"}])
        client.wait(lambda: client.stats.subscribes == 2)
        org.publish(*ids(11, 21))
        client.wait_for(ids(1, 21))
    assert org.replays() == [-2, 9]
    assert client.login.renewed == []


def test_a_session_forgotten_by_the_server(org: ScriptedOrg) -> None:
    org.publish(*ids(1, 11))
    with Client(org) as client:
        client.wait_for(ids(1, 11))
        client.wait(lambda: org.count(CONNECT) >= 2)
        org.forget()
        org.publish(*ids(11, 21))
        client.wait_for(ids(1, 21))
    assert org.replays() == [-2, 9]


def test_a_server_that_wants_a_connect_before_the_subscription(org: ScriptedOrg) -> None:
    def refuse(message: dict[str, Any], normal: list[Any]) -> list[Any]:
        if org.sessions[message["clientId"]].polls:
            return normal
        text = "403::Client has not completed handshake"
        return [{"channel": SUBSCRIBE, "successful": False, "error": text, "subscription": CHANNEL}]

    org.next(SUBSCRIBE, *[refuse] * 10)
    org.publish(1, 2)
    with Client(org) as client:
        client.wait_for([1, 2])
    assert org.count(SUBSCRIBE) == 2


def test_both_at_once_unknown_client_and_expired_position(org: ScriptedOrg) -> None:
    org.publish(*ids(1, 11))
    with Client(org) as client:
        client.wait_for(ids(1, 11))
        org.expired_below = 100
        org.log[:] = [event(n) for n in ids(200, 205)]
        org.forget()
        client.wait_for([*ids(1, 11), *ids(200, 205)])
    assert org.replays() == [-2, 9, 10, -2]
    assert client.gaps == [10]


# ---- advice -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reconnect", ["handshake", "none"])
def test_advice_that_ends_the_session(org: ScriptedOrg, reconnect: str) -> None:
    org.publish(*ids(1, 6))

    def advise(_: Any, normal: list[Any]) -> list[Any]:
        return [*normal[:-1], {**normal[-1], "advice": {"reconnect": reconnect, "interval": 0}}]

    org.next(CONNECT, advise)
    with Client(org) as client:
        client.wait(lambda: client.stats.subscribes == 2)
        org.publish(*ids(6, 11))
        client.wait_for(ids(1, 11))
    assert org.replays() == [-2, 4]


def test_interval_is_honoured_and_shared_cookies_are_mentioned_once(
    org: ScriptedOrg, caplog: pytest.LogCaptureFixture
) -> None:
    org.advice = {"reconnect": "retry", "interval": 300, "timeout": 110_000, "multiple-clients": True}
    org.hold = 0.01
    with Client(org) as client:
        client.wait(lambda: org.count(CONNECT) >= 4)
    times = [a.at for a in org.asked if a.channel == CONNECT]
    assert all(later - earlier >= 0.28 for earlier, later in itertools.pairwise(times))
    assert caplog.text.count("shares this session's cookies") == 1


def test_a_server_that_does_not_hold_polls_is_not_asked_in_a_tight_loop(org: ScriptedOrg) -> None:
    org.hold = 0.0
    with Client(org) as client:
        client.wait(lambda: org.count(CONNECT) >= 8)
        began, asked = client.stats.replies, org.count(CONNECT)
        client.wait(lambda: org.count(CONNECT) >= asked + 2)
        assert began > 0
    times = [a.at for a in org.asked if a.channel == CONNECT][7:]
    assert times[1] - times[0] >= 0.15
