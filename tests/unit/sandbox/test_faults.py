"""Every fault of the table does on the wire what the table says."""

import http.client
import json
import time
from pathlib import Path

import pytest

from bridge.sandbox.org import Org
from bridge.sandbox.org import faults as table
from bridge.sandbox.org.faults import Faults
from tests.support.sandbox_client import Client, replay_ids

CHANNEL = "/event/Order_Placed__e"
EVENT = "Order_Placed__e"


@pytest.fixture
def listening(org: Org, client: Client) -> Client:
    """Subscribed, with ten events waiting."""
    client.started(CHANNEL)
    org.publish_many(EVENT, 10)
    return client


def poll(client: Client) -> bytes:
    return client.request(
        "POST", "/cometd/66.0", json.dumps([client.connect_message()]), {"Content-Type": "application/json"}
    )


def test_an_unknown_fault_is_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown fault 'nonsense'; known are .*busy"):
        Faults().arm("nonsense")


def test_a_fault_happens_as_often_as_asked_after_as_many_as_skipped() -> None:
    faults = Faults()
    faults.arm("busy", times=2, skip=1)
    fired = [faults.take(table.CONNECT) is not None for _ in range(5)]
    assert fired == [False, True, True, False, False]
    assert faults.state() == {"armed": [], "fired": {"busy": 2}}


def test_a_fault_with_times_minus_one_stays() -> None:
    faults = Faults()
    faults.arm("busy", times=-1)
    assert all(faults.take(table.CONNECT) for _ in range(50))
    faults.clear()
    assert faults.take(table.CONNECT) is None


def test_a_fault_with_a_probability_happens_now_and_then() -> None:
    faults = Faults()
    faults.arm("drop", times=-1, probability=0.3)
    fired = sum(faults.take(table.REPLY) is not None for _ in range(1000))
    assert 200 < fired < 400


def test_busy(org: Org, listening: Client) -> None:
    org.faults.arm("busy", times=2)
    for _ in range(2):
        answer, events = listening.connect()
        assert answer["successful"] is False
        assert answer["ext"]["sfdc"]["failureReason"] == (
            "503::Server is too busy. Please try your request again later."
        )
        assert events == []
    assert len(listening.connect()[1]) == 10


def test_daily_limit(org: Org, listening: Client) -> None:
    org.faults.arm("daily_limit")
    assert listening.connect()[0]["error"] == "403::Organization total events daily limit exceeded"


@pytest.mark.parametrize("advice", ["none", "handshake"])
def test_advice(org: Org, listening: Client, advice: str) -> None:
    org.faults.arm(f"advice_{advice}")
    answer, _ = listening.connect()
    assert answer["successful"]
    assert answer["advice"]["reconnect"] == advice
    assert listening.connect()[0]["error"] == "403::Unknown client"


@pytest.mark.parametrize(("kind", "status"), [("http_503", 503), ("http_401", 401)])
def test_http_errors(org: Org, listening: Client, kind: str, status: int) -> None:
    org.faults.arm(kind)
    assert poll(listening).startswith(b"<!DOCTYPE html>")
    assert listening.last
    assert listening.last.status == status


def test_silent(org: Org, listening: Client) -> None:
    org.faults.arm("silent")
    listening._connection.timeout = 0.4
    listening.close()
    with pytest.raises(TimeoutError):
        poll(listening)
    listening.close()
    assert len(listening.connect()[1]) == 10


@pytest.mark.parametrize("size", [0, 1, 1000, 5000])
def test_drop_cuts_the_connection_after_so_many_bytes(org: Org, listening: Client, size: int) -> None:
    org.faults.arm("drop", bytes=size)
    with pytest.raises((http.client.IncompleteRead, ConnectionError)) as cut:
        poll(listening)
    if isinstance(cut.value, http.client.IncompleteRead):
        assert len(cut.value.partial) == size
        assert cut.value.expected
        assert cut.value.expected > 1000
    listening.close()
    assert listening.connect(advice={"timeout": 0})[0]["successful"]


def test_truncate(org: Org, listening: Client) -> None:
    org.faults.arm("truncate")
    body = poll(listening)
    assert body.startswith(b'[{"data"')
    with pytest.raises(ValueError):
        json.loads(body)


def test_html(org: Org, listening: Client) -> None:
    org.faults.arm("html")
    assert poll(listening).startswith(b"<!DOCTYPE html>")
    assert listening.last
    assert listening.last.status == 200


def test_slow(org: Org, listening: Client) -> None:
    org.faults.arm("slow", seconds=0.6)
    began = time.monotonic()
    assert len(listening.connect()[1]) == 10
    assert time.monotonic() - began > 0.5


def test_duplicate(org: Org, listening: Client) -> None:
    org.faults.arm("duplicate")
    ids = replay_ids(listening.connect()[1])
    assert len(ids) == 20
    assert ids[::2] == ids[1::2] == sorted(set(ids))


def test_repeat(org: Org, listening: Client) -> None:
    first = replay_ids(listening.connect()[1])
    new = org.publish_many(EVENT, 2)
    org.faults.arm("repeat", events=3)
    assert replay_ids(listening.connect()[1]) == first[-3:] + new


def test_shuffle(org: Org, listening: Client) -> None:
    org.faults.arm("shuffle")
    ids = replay_ids(listening.connect()[1])
    assert ids != sorted(ids)
    assert len(set(ids)) == 10


def test_surrogate(org: Org, listening: Client) -> None:
    org.faults.arm("surrogate")
    events = listening.connect()[1]
    assert events[0]["data"]["payload"]["Order_Number__c"].startswith("\ud800")
    assert len(events) == 10


def test_garbage(org: Org, listening: Client) -> None:
    org.faults.arm("garbage")
    events = listening.connect()[1]
    assert len(events) == 11
    assert not isinstance(events[-1]["data"]["payload"], dict)


def test_faults_of_a_subscription(org: Org, client: Client) -> None:
    ids = org.publish_many(EVENT, 2)
    client.handshake()
    org.faults.arm("replay_expired")
    assert client.subscribe(CHANNEL, ids[0])["error"].startswith(
        f"400::The replayId {{{ids[0]}}} you provided was"
    )
    org.faults.arm("subscribe_limit")
    assert client.subscribe(CHANNEL, ids[0])["error"] == "403::Subscription limit exceeded for this topic"
    assert client.subscribe(CHANNEL, ids[0])["successful"]


def test_faults_of_a_handshake(org: Org, client: Client) -> None:
    org.faults.arm("concurrent_limit")
    assert client.handshake()["error"] == "403::Organization concurrent user limit exceeded"
    org.faults.arm("handshake_denied")
    assert client.handshake()["ext"]["sfdc"]["failureReason"] == "401::Authentication invalid"
    org.faults.arm("handshake_busy")
    answer = client.handshake()
    assert answer["error"] == "403::Handshake denied"
    assert answer["ext"]["sfdc"]["failureReason"].startswith("503::Server is too busy")
    assert client.handshake()["successful"]


def test_faults_of_the_login(org: Org, client: Client) -> None:
    org.faults.arm("login_refused")
    assert client.login()["error"] == "invalid_grant"
    org.faults.arm("login_busy")
    with pytest.raises(ValueError):
        client.login()
    assert client.last
    assert client.last.status == 503
    assert "access_token" in client.login()


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("rest_busy", 503, "SERVER_UNAVAILABLE"),
        ("rest_limit", 403, "REQUEST_LIMIT_EXCEEDED"),
        ("rest_expired", 401, "INVALID_SESSION_ID"),
    ],
)
def test_faults_of_rest(org: Org, client: Client, kind: str, status: int, code: str) -> None:
    org.faults.arm(kind)
    (error,) = client.get("/sobjects")
    assert error["errorCode"] == code
    assert client.last
    assert client.last.status == status
    assert client.get("/sobjects")["sobjects"]


def test_every_kind_of_the_table_is_tested() -> None:
    source = "".join(
        Path(__file__).with_name(name).read_text() for name in ("test_faults.py", "test_pubsub.py")
    )
    covered = {"advice_none", "advice_handshake"}
    missing = [kind for kind in table.KINDS if f'"{kind}"' not in source and kind not in covered]
    assert missing == []
