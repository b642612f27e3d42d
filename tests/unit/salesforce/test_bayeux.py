"""What error replies mean: the table of Salesforce's errors, one verdict each."""

from __future__ import annotations

import pytest

from bridge.event import Message
from bridge.salesforce.bayeux import (
    CONNECT,
    HANDSHAKE,
    SUBSCRIBE,
    Advice,
    Verdict,
    failure_of,
    meaning,
    split_code,
)

TABLE = [
    (
        "400::The replayId {1} you provided was invalid.  Please provide a valid ID, -2",
        SUBSCRIBE,
        Verdict.EXPIRED,
    ),
    ("400:{7}:The replayId {7} you provided was invalid.", SUBSCRIBE, Verdict.EXPIRED),
    ("400::The replayId {1} you provided was invalid.", CONNECT, Verdict.UNKNOWN),
    ("400::Whatever", CONNECT, Verdict.UNKNOWN),
    ("404::Not found", CONNECT, Verdict.UNKNOWN),
    ("404::Not found", SUBSCRIBE, Verdict.FATAL),
    ("403::Organization locked", CONNECT, Verdict.UNKNOWN),
    ("403::Organization locked", HANDSHAKE, Verdict.FATAL),
    ("400::The channel you requested to subscribe to doesn't exist {/event/X__e}", SUBSCRIBE, Verdict.FATAL),
    ("400::API version in the URI is mandatory. URI format: '/cometd/66.0'", HANDSHAKE, Verdict.FATAL),
    ("400::Unsupported API version. Only API versions 23.0 to 66.0 are supported", HANDSHAKE, Verdict.FATAL),
    ("400::Invalid connection type {x}", CONNECT, Verdict.UNKNOWN),
    ("400::Channel name not specified", SUBSCRIBE, Verdict.FATAL),
    ("400::Channel subscriptions must start with a leading '/'", SUBSCRIBE, Verdict.FATAL),
    (
        "400::Client x has established a session, but no cookie_name cookie present",
        CONNECT,
        Verdict.HANDSHAKE,
    ),
    ("400::Authenticated user id does not match the session's user id", CONNECT, Verdict.RENEW),
    ("401::Authentication invalid", CONNECT, Verdict.RENEW),
    ("401::Request requires authentication", HANDSHAKE, Verdict.RENEW),
    ("INVALID_SESSION_ID Session expired or invalid", CONNECT, Verdict.RENEW),
    ("402::Unknown client", CONNECT, Verdict.HANDSHAKE),
    ("402:client1:session_unknown", CONNECT, Verdict.HANDSHAKE),
    ("403::Unknown client", CONNECT, Verdict.HANDSHAKE),
    ("403::Client has not completed handshake", SUBSCRIBE, Verdict.HANDSHAKE),
    ("403::Cannot create channel {/event/x}", SUBSCRIBE, Verdict.FATAL),
    ("403::Organization concurrent user limit exceeded", HANDSHAKE, Verdict.LIMIT),
    ("403::Organization total events daily limit exceeded", CONNECT, Verdict.LIMIT),
    ("403::Subscription limit exceeded for this topic", SUBSCRIBE, Verdict.LIMIT),
    ("403::To protect all customers from excessive use, …", CONNECT, Verdict.LIMIT),
    ("403::Restricted channel", SUBSCRIBE, Verdict.FATAL),
    ("403::User not enabled for streaming", HANDSHAKE, Verdict.FATAL),
    ("403::User not allowed to subscribe CDC without View All Data permissions", SUBSCRIBE, Verdict.FATAL),
    ("403::Handshake denied", HANDSHAKE, Verdict.RENEW),
    ("403:denied_by_security_policy:create_denied", SUBSCRIBE, Verdict.FATAL),
    ("413::Maximum Request Size Exceeded", SUBSCRIBE, Verdict.FATAL),
    ("503::Server is too busy. Please try your request again later.", CONNECT, Verdict.BUSY),
    ("500::Internal server error", CONNECT, Verdict.BUSY),
    ("408::Timeout", CONNECT, Verdict.BUSY),
    ("", CONNECT, Verdict.UNKNOWN),
    ("something else", CONNECT, Verdict.UNKNOWN),
]


@pytest.mark.parametrize(("error", "channel", "verdict"), TABLE)
def test_every_documented_error_has_its_verdict(error: str, channel: str, verdict: Verdict) -> None:
    failure = meaning(error, channel, 7)
    assert failure.verdict is verdict
    assert bool(failure.remedy) == (verdict is Verdict.FATAL)
    assert failure.text


@pytest.mark.parametrize("replay_from", [-1, -2])
def test_without_a_replay_id_there_is_none_to_expire(replay_from: int) -> None:
    failure = meaning("400::The replayId {1} you provided was invalid.", SUBSCRIBE, replay_from)
    assert failure.verdict is Verdict.UNKNOWN


def test_the_failure_reason_says_more_than_the_error() -> None:
    def denied(reason: object) -> Verdict:
        ext = {"sfdc": {"failureReason": reason}}
        return failure_of(Message(HANDSHAKE, error="403::Handshake denied", ext=ext)).verdict

    assert denied("401::Authentication invalid") is Verdict.RENEW
    assert denied("503::Server is too busy. Please try your request again later.") is Verdict.BUSY
    assert denied("403::Organization concurrent user limit exceeded") is Verdict.LIMIT
    assert denied("whatever") is Verdict.RENEW
    assert denied(None) is Verdict.RENEW
    assert (
        failure_of(Message(HANDSHAKE, error="403::Unknown client", ext={"sfdc": 1})).verdict
        is Verdict.HANDSHAKE
    )


@pytest.mark.parametrize(
    ("error", "code"),
    [("400::a:b", 400), ("400:a:b", 400), (" 401 ::x", 401), ("x", None), ("40::x", None), ("", None)],
)
def test_codes_are_found_in_all_forms(error: str, code: int | None) -> None:
    assert split_code(error)[0] == code


def test_a_very_long_error_is_cut() -> None:
    assert len(meaning("400::" + "x " * 10_000_000, SUBSCRIBE).text) <= 500


def test_advice_is_taken_over_piece_by_piece() -> None:
    advice = Advice()
    advice.update({"interval": 2000, "multiple-clients": True})
    assert (advice.interval, advice.timeout, advice.reconnect, advice.multiple_clients) == (
        2.0,
        110.0,
        "retry",
        True,
    )
    advice.update({"timeout": "20000", "reconnect": "handshake", "interval": -5})
    assert (advice.interval, advice.timeout, advice.reconnect) == (2.0, 20.0, "handshake")
    advice.update({"timeout": None, "interval": None})
    assert (advice.interval, advice.timeout, advice.reconnect) == (2.0, 20.0, "retry")


@pytest.mark.parametrize("asked", [3_600_000, 10**12, float("inf"), "7200000"])
def test_a_pause_that_the_server_asks_for_is_capped_and_said(
    asked: object, caplog: pytest.LogCaptureFixture
) -> None:
    advice = Advice()
    advice.update({"interval": asked})
    assert advice.interval == 300
    assert "Salesforce (advice.interval) asks for a pause of" in caplog.text
    assert "it is asked again after 300 s" in caplog.text


REMEDIES = {
    "403::Organization locked": "its administrator",
    "403::Org is suspended": "its administrator",
    "403::User is inactive": "connector's user cannot be used",
    "403::IP restricted": "this machine's address",
    "403::Whatever": "permissions of the connector's user",
    "404::Not Found": "salesforce.instance",
    "404:/event/X__e:unknown_channel": "event's API name",
    "400::Whatever": "salesforce.version",
    "409::Conflict": "ask Salesforce",
}


@pytest.mark.parametrize("error", REMEDIES)
def test_each_remedy_fits_its_error(error: str) -> None:
    remedy = meaning(error, SUBSCRIBE).remedy
    assert REMEDIES[error] in remedy
    assert ("API name" in remedy) == ("API name" in REMEDIES[error] or error.startswith("400"))
