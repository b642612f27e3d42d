"""The CometD source: what the server refuses, and its limits."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.errors import Fatal, Retriable
from bridge.salesforce.cometd import Start
from tests.support.cometd_client import Client
from tests.support.scripted_org import (
    CHANNEL,
    CONNECT,
    HANDSHAKE,
    SUBSCRIBE,
    Http,
    ScriptedOrg,
    event,
)

REFUSALS = {
    "400::The channel you requested to subscribe to doesn't exist {/event/X__e}": "API name",
    "400::The channel you requested to subscribe to doesn't exist {/data/XChangeEvent}": "salesforce.cdc.name",
    "403::User not allowed to subscribe CDC without View All Data permissions": "user View All Data",
    "400::Unsupported API version. Only API versions 23.0 to 66.0 are supported": "salesforce.version",
    "403::User not enabled for streaming": "API access",
    "403::Restricted channel": "permission",
    "403:/event/X__e:Cannot create channel {/event/X__e}": "may read the event",
    "403:denied_by_security_policy:create_denied": "may read the event",
    "413::Maximum Request Size Exceeded": "32,768",
    "400::Invalid connection type {x}": "salesforce.version",
    "403::The replayId {7} you provided was invalid.": "permissions",
    "403::Organization locked": "the org itself is closed",
}


@pytest.mark.parametrize("error", REFUSALS)
def test_refusals_end_the_connector_with_one_sentence(org: ScriptedOrg, error: str) -> None:
    org.next(
        SUBSCRIBE, [{"channel": SUBSCRIBE, "successful": False, "error": error, "subscription": CHANNEL}]
    )
    with Client(org, Start(replay_id=7)) as client:
        failure = client.wait_failed()
    assert isinstance(failure, Fatal)
    assert error in failure.message
    assert REFUSALS[error] in failure.message
    assert "\n" not in failure.message
    assert org.count(SUBSCRIBE) == 1
    assert client.gaps == []


def test_an_error_body_under_its_http_status(org: ScriptedOrg) -> None:
    body = b'[{"channel":null,"error":"400::Unsupported API version.","successful":false}]'
    org.next(HANDSHAKE, Http(body, status=400))
    with Client(org) as client:
        failure = client.wait_failed()
    assert isinstance(failure, Fatal)
    assert "salesforce.version" in failure.message


def test_a_server_without_the_replay_extension(org: ScriptedOrg) -> None:
    org.next(HANDSHAKE, lambda _, normal: [{**normal[0], "ext": {"replay": False}}])
    with Client(org) as client:
        failure = client.wait_failed()
    assert isinstance(failure, Fatal)
    assert "replay extension" in failure.message


def test_a_reply_beyond_the_limit_names_the_property_and_keeps_the_position(org: ScriptedOrg) -> None:
    org.publish(1)
    with Client(org, max_reply_bytes=20_000) as client:
        client.wait_for([1])
        org.publish(event(2, Text__c="x" * 30_000))
        failure = client.wait_failed()
    assert isinstance(failure, Fatal)
    assert "connection.max.message.size" in failure.message
    assert client.events == [1]


@pytest.mark.parametrize(
    "how", [Http(gzip=True), Http(chunked=True), Http(gzip=True, chunked=True), Http(no_length=True)]
)
def test_a_reply_of_unknown_length_beyond_the_limit(org: ScriptedOrg, how: Http) -> None:
    org.publish(event(2, Text__c="x" * 300_000))
    org.next(CONNECT, how)
    with Client(org, max_reply_bytes=20_000) as client:
        failure = client.wait_failed()
    assert isinstance(failure, Fatal)
    assert "connection.max.message.size" in failure.message
    assert client.events == []


def busy(_: Any, normal: list[Any]) -> list[Any]:
    ext = {"sfdc": {"failureReason": "503::Server is too busy. Please try your request again later."}}
    return [{**normal[-1], "successful": False, "error": "403::Handshake denied", "ext": ext}]


@pytest.mark.parametrize("channel", [HANDSHAKE, SUBSCRIBE, CONNECT])
def test_a_busy_server_is_asked_again(org: ScriptedOrg, channel: str) -> None:
    org.publish(1)
    org.next(channel, busy)
    with Client(org) as client:
        client.wait_for([1])
    assert client.login.renewed == []
    assert client.stats.receive_errors == 1


def test_retry_after_beyond_the_time_left_is_handed_on(org: ScriptedOrg) -> None:
    org.next(HANDSHAKE, Http(b"<html>", status=503, headers={"Retry-After": "3600"}))
    with Client(org) as client:
        failure = client.wait_failed()
    assert isinstance(failure, Retriable)
    assert failure.retry_after == 300


@pytest.mark.parametrize("asked", ["31536000", "Fri, 01 Jan 2999 00:00:00 GMT", "9" * 400])
def test_a_wait_without_sense_is_capped_and_said(
    org: ScriptedOrg, caplog: pytest.LogCaptureFixture, asked: str
) -> None:
    org.next(HANDSHAKE, Http(b"<html>", status=503, headers={"Retry-After": asked}))
    with Client(org) as client:
        failure = client.wait_failed()
    assert isinstance(failure, Retriable)
    assert failure.retry_after == 300
    assert "Salesforce asks for a pause of" in caplog.text
    assert "it is asked again after 300 s" in caplog.text


POLL_ERRORS = ["400::Whatever", "404::Not Found", "403::Organization locked", "400::Invalid connection type"]


@pytest.mark.parametrize("error", POLL_ERRORS)
@pytest.mark.parametrize("advice", ["retry", "handshake", "none", None])
def test_a_refused_poll_ends_nothing(org: ScriptedOrg, error: str, advice: str | None) -> None:
    """The advice is followed: the same session after retry, a new one after handshake."""

    def refuse(_: Any, normal: list[Any]) -> list[Any]:
        reply = {**normal[-1], "successful": False, "error": error, "advice": {"reconnect": advice}}
        if advice is None:
            del reply["advice"]
        return [reply]

    org.publish(1, 2)
    with Client(org) as client:
        client.wait_for([1, 2])
        org.next(CONNECT, refuse)
        client.wait(lambda: client.stats.receive_errors)
        org.publish(3)
        client.wait_for([1, 2, 3])
        assert client.failure is None
    assert org.count(HANDSHAKE) == (1 if advice == "retry" else 2)


def test_a_session_of_which_every_poll_is_refused_is_given_up(org: ScriptedOrg) -> None:
    def refuse(_: Any, normal: list[Any]) -> list[Any]:
        advice = {"reconnect": "retry", "interval": 0}
        return [{**normal[-1], "successful": False, "error": "400::Whatever", "advice": advice}]

    org.publish(1)
    with Client(org) as client:
        client.wait_for([1])
        org.next(CONNECT, *[refuse] * 5)
        org.publish(2)
        client.wait_for([1, 2], 20)
    assert org.count(HANDSHAKE) == 2


LIMITS = [
    (HANDSHAKE, "403::Organization concurrent user limit exceeded"),
    (CONNECT, "403::Organization total events daily limit exceeded"),
    (SUBSCRIBE, "403::Subscription limit exceeded for this topic"),
    (SUBSCRIBE, "403::To protect all customers from excessive use, your request was refused"),
]


@pytest.mark.parametrize(("channel", "error"), LIMITS)
def test_limits_are_waited_for(
    org: ScriptedOrg, channel: str, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    refusal = [{"channel": channel, "successful": False, "error": error, "advice": {"reconnect": "none"}}]
    org.next(channel, refusal, refusal)
    org.publish(1)
    with Client(org, first_long_wait=0.2, retry_seconds=0.1) as client:
        client.wait_for([1])
    assert client.failure is None
    assert caplog.text.count("waiting for 0 s before the next attempt") == 2
    times = [a.at for a in org.asked if a.channel == HANDSHAKE]
    assert times[1] - times[0] >= 0.17
    assert times[2] - times[1] >= 0.34


def test_secrets_are_not_in_what_is_said(org: ScriptedOrg, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    org.next(CONNECT, Http(cut=5), Http(status=500, body=b"x"))
    with Client(org) as client:
        client.wait(lambda: client.stats.subscribes == 3)
        assert "token-" not in repr(client.source._exchange)
    assert "token-" not in caplog.text
