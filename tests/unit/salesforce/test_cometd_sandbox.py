"""The source against the simulated org that ships with the bridge, over TLS and with a real login: every fault of its
table, and still each event once, in order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.salesforce.auth import Login
from bridge.salesforce.cometd import Start
from bridge.sandbox import samples
from bridge.sandbox.org import Org
from bridge.sandbox.org.faults import CONNECT, HANDSHAKE, KINDS, REPLY, SUBSCRIBE
from tests.support.cometd_client import Client

EVENT = samples.ORDER_PLACED
POINTS = (CONNECT, REPLY, SUBSCRIBE, HANDSHAKE)
FAULTS = [kind for kind, (point, _) in KINDS.items() if point in POINTS]


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Org]:
    with Org([EVENT], directory=tmp_path) as org:
        yield org


def client_of(org: Org, start: Start, **settings: Any) -> Client:
    credentials = org.credentials
    connector = {
        "salesforce.grant.type": "PASSWORD",
        "salesforce.instance": org.url,
        "salesforce.username": credentials.username,
        "salesforce.password": credentials.password,
        "salesforce.password.token": credentials.security_token,
        "salesforce.consumer.key": credentials.client_id,
        "salesforce.consumer.secret": credentials.client_secret,
        "salesforce.auth.retries.time.ms": 5_000,
        "connection.timeout": 5_000,
        "bridge.salesforce.ca.file": str(org.ca_file),
    }
    return Client(
        None,
        start,
        login=Login(connector),
        ca_file=str(org.ca_file),
        channel=EVENT.channel,
        first_long_wait=0.1,
        watchdog=3.0,
        **settings,
    )


@pytest.mark.parametrize("kind", FAULTS)
def test_each_event_once_in_order_with_this_fault(org: Org, kind: str) -> None:
    position, *published = org.publish_many(EVENT.name, 31)
    with client_of(org, Start(initial="all")) as client:
        client.wait_for([position, *published])
        for _ in range(2):
            org.faults.arm(kind)
            if KINDS[kind][0] in (SUBSCRIBE, HANDSHAKE):
                org.forget_sessions()
            published += org.publish_many(EVENT.name, 30)
            client.wait_for([position, *published], timeout=15)
        client.wait(lambda: org.faults.fired.get(kind), timeout=15)
        published += org.publish_many(EVENT.name, 5)
        client.wait_for([position, *published], timeout=15)
    assert client.failure is None


def test_tokens_revoked_and_sessions_forgotten_again_and_again(org: Org) -> None:
    published = org.publish_many(EVENT.name, 10)
    with client_of(org, Start(initial="all")) as client:
        for turn in range(6):
            client.wait_for(published)
            if turn % 2:
                org.revoke_tokens()
            else:
                org.forget_sessions()
            published += org.publish_many(EVENT.name, 10)
        client.wait_for(published)
    assert client.stats.logins == 4
