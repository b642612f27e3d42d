"""What the Bayeux side refuses, in the words recorded from Salesforce."""

import json
import time

import pytest

from bridge.sandbox.org import Org
from tests.support.sandbox_client import Client
from tests.unit.sandbox.later import CHANNEL, Later


def test_cookies_are_required(client: Client) -> None:
    client.started(CHANNEL)
    del client.headers["Cookie"]
    error = client.connect()[0]["error"]
    assert error == (
        f"400::Client {client.client_id} has established a session, but no BAYEUX_BROWSER cookie present"
    )
    client.headers["Cookie"] = "BAYEUX_BROWSER=another"
    assert client.connect()[0]["error"] == "403::Unknown client"


def test_without_a_valid_token_connect_is_refused_as_recorded(org: Org, client: Client) -> None:
    client.started(CHANNEL)
    org.revoke_tokens()
    answer, _ = client.connect(id=7)
    assert answer == {
        "clientId": client.client_id,
        "advice": {"reconnect": "none", "interval": 0},
        "channel": "/meta/connect",
        "id": 7,
        "error": "401::Authentication invalid",
        "successful": False,
    }


def test_without_a_valid_token_handshake_is_refused_as_recorded(org: Org, client: Client) -> None:
    org.revoke_tokens()
    answer = client.handshake()
    del answer["id"]
    assert answer == {
        "ext": {
            "sfdc": {"failureReason": "401::Authentication invalid"},
            "replay": True,
            "payload.format": True,
        },
        "advice": {"reconnect": "none"},
        "channel": "/meta/handshake",
        "error": "403::Handshake denied",
        "successful": False,
    }


def test_a_revoked_token_ends_a_held_poll(org: Org, client: Client) -> None:
    client.started(CHANNEL)
    poll = Later(client.connect)
    time.sleep(0.3)
    org.revoke_tokens()
    assert poll.wait()[0]["error"] == "401::Authentication invalid"
    assert poll.seconds < 1.5


def test_lost_sessions_end_a_held_poll(org: Org, client: Client) -> None:
    client.started(CHANNEL)
    poll = Later(client.connect)
    time.sleep(0.3)
    org.forget_sessions()
    assert poll.wait()[0]["error"] == "403::Unknown client"
    assert poll.seconds < 1.5


@pytest.mark.parametrize(
    ("channel", "error"),
    [
        ("/event/Nope__e", "400::The channel you requested to subscribe to doesn't exist {/event/Nope__e}"),
        ("", "400::Channel name not specified"),
        ("event/X__e", "400::Channel subscriptions must start with a leading '/'"),
        ("/meta/connect", "403::Restricted channel"),
        ("/anything", "403::Cannot create channel {/anything}"),
    ],
)
def test_subscriptions_that_cannot_be(client: Client, channel: str, error: str) -> None:
    client.handshake()
    assert client.subscribe(channel)["error"] == error


def test_connection_types_other_than_long_polling_are_refused(client: Client) -> None:
    client.handshake()
    assert (
        client.connect(connectionType="websocket")[0]["error"] == "400::Invalid connection type {websocket}"
    )


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("/cometd", 400, "400::API version in the URI is mandatory. URI format: '/cometd/66.0'"),
        ("/cometd/", 400, "400::API version in the URI is mandatory. URI format: '/cometd/66.0'"),
        ("/cometd/999.0", 400, "400::Unsupported API version"),
        ("/cometd/latest", 400, "400::Unsupported API version"),
    ],
)
def test_the_version_in_the_path(client: Client, path: str, status: int, error: str) -> None:
    (answer,) = json.loads(client.request("POST", path, b"[]"))
    assert client.last
    assert client.last.status == status
    assert answer["error"].startswith(error)


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'"x"', b"\xff"])
def test_what_is_no_message_is_refused(client: Client, body: bytes) -> None:
    (answer,) = json.loads(client.request("POST", "/cometd/66.0", body))
    assert answer["error"].startswith("400::")


def test_a_request_over_32768_bytes_is_refused(client: Client) -> None:
    (answer,) = json.loads(client.request("POST", "/cometd/66.0", b" " * 32_769))
    assert answer["error"] == "413::Maximum Request Size Exceeded"
    assert client.last
    assert client.last.status == 413
