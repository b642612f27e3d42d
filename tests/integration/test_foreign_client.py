"""The simulated org against somebody else's Salesforce client, ``aiosfstream-ng``: what it takes for an org."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, TCPConnector
from aiosfstream_ng import Client, PasswordAuthenticator, ReplayOption
from aiosfstream_ng.exceptions import AuthenticationError, ServerError

from bridge.sandbox import samples
from bridge.sandbox.org import Org, Settings

EVENT = samples.ORDER_PLACED.name
CHANNEL = samples.ORDER_PLACED.channel


class Authenticator(PasswordAuthenticator):
    """The client's own password grant, its address and trust turned to the simulated org."""

    def __init__(self, org: Org, **changes: str) -> None:
        known = org.credentials
        super().__init__(
            known.client_id,
            known.client_secret,
            known.username,
            changes.get("password", known.password + known.security_token),
        )
        self._org = org
        self.logins = 0

    async def _authenticate(self) -> tuple[int, Any]:
        self.logins += 1
        form = {
            "grant_type": "password",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "username": self.username,
            "password": self.password,
        }
        async with ClientSession(connector=TCPConnector(ssl=trust(self._org))) as session:
            response = await session.post(f"{self._org.url}/services/oauth2/token", data=form)
            return response.status, await response.json()


def trust(org: Org) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(org.ca_file))


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Org]:
    with Org(samples.EVENTS, directory=tmp_path, settings=Settings(hold=3)) as org:
        yield org


@asynccontextmanager
async def listening(org: Org, replay: Any, **options: Any) -> AsyncIterator[tuple[Client, Authenticator]]:
    authenticator = Authenticator(org)
    client = Client(authenticator, replay=replay, **options)
    client.ssl = trust(org)
    await client.open()
    try:
        await client.subscribe(CHANNEL)
        yield client, authenticator
    finally:
        await client.close()


async def receive(client: Client, count: int) -> list[Any]:
    return [await asyncio.wait_for(client.receive(), 20) for _ in range(count)]


def ids(messages: list[Any]) -> list[int]:
    return [message["data"]["event"]["replayId"] for message in messages]


def test_it_receives_what_is_published_after_it_subscribed(org: Org) -> None:
    async def run() -> None:
        async with listening(org, ReplayOption.NEW_EVENTS) as (client, _):
            published = org.publish_many(EVENT, 25)
            messages = await receive(client, 25)
            assert ids(messages) == published
            assert messages[0]["channel"] == CHANNEL
            assert messages[0]["data"]["payload"]["Customer_Name__c"]
            published = [org.publish(EVENT, {"Order_Number__c": str(n)}) for n in range(5)]
            assert ids(await receive(client, 5)) == published

    asyncio.run(run())


def test_it_receives_everything_retained_over_several_replies(org: Org) -> None:
    published = org.publish_many(EVENT, 1200)

    async def run() -> None:
        async with listening(org, ReplayOption.ALL_EVENTS, max_pending_count=0) as (client, _):
            assert ids(await receive(client, 1200)) == published

    asyncio.run(run())


def test_it_goes_on_after_a_replay_id_it_has_stored(org: Org) -> None:
    published = org.publish_many(EVENT, 10)
    stored: dict[str, Any] = {}

    async def run(count: int) -> list[int]:
        async with listening(org, stored, replay_fallback=ReplayOption.ALL_EVENTS) as (client, _):
            return ids(await receive(client, count))

    # Nothing is stored yet, so only new events come: publish while it listens.
    async def first() -> list[int]:
        async with listening(org, stored) as (client, _):
            new = org.publish_many(EVENT, 3)
            assert ids(await receive(client, 3)) == new
            return new

    new = asyncio.run(first())
    missed = org.publish_many(EVENT, 4)
    assert asyncio.run(run(4)) == missed
    assert stored[CHANNEL].replay_id == missed[-1] > new[-1] > published[-1]


def test_it_falls_back_when_its_replay_id_has_expired(org: Org) -> None:
    (old,) = org.publish_many(EVENT, 1, created=1.0)
    retained = org.publish_many(EVENT, 3)
    org.expire(before=2.0)

    async def run(fallback: Any) -> list[int]:
        async with listening(org, {CHANNEL: _marker(old)}, replay_fallback=fallback) as (client, _):
            return ids(await receive(client, 3))

    assert asyncio.run(run(ReplayOption.ALL_EVENTS)) == retained
    with pytest.raises(ServerError) as refused:
        asyncio.run(run(None))
    assert "you provided was invalid" in str(refused.value)


def test_it_logs_in_again_after_its_token_was_revoked(org: Org) -> None:
    async def run() -> None:
        async with listening(org, ReplayOption.NEW_EVENTS) as (client, authenticator):
            await receive_one(org, client)
            org.revoke_tokens()
            await asyncio.sleep(1)
            published = org.publish_many(EVENT, 3)
            assert ids(await receive(client, 3))[-1] == published[-1]
            assert authenticator.logins >= 2

    asyncio.run(run())


def test_it_handshakes_and_subscribes_again_after_its_session_was_lost(org: Org) -> None:
    async def run() -> None:
        async with listening(org, ReplayOption.NEW_EVENTS) as (client, _):
            await receive_one(org, client)
            org.forget_sessions()
            await asyncio.sleep(1)
            published = org.publish_many(EVENT, 3)
            assert ids(await receive(client, 3))[-1] == published[-1]
        assert org.state()["counters"]["handshake"] >= 2

    asyncio.run(run())


def test_it_gets_over_a_connection_cut_within_a_reply(org: Org) -> None:
    async def run() -> None:
        # 0 turns its connection timeout off, which calls asyncio in a way that Python 3.10 ended.
        async with listening(org, ReplayOption.NEW_EVENTS, connection_timeout=0) as (client, _):
            await receive_one(org, client)
            org.faults.arm("drop", bytes=500, min_events=1)
            org.publish_many(EVENT, 2)
            await asyncio.sleep(1.5)
            published = org.publish_many(EVENT, 2)
            assert ids(await receive(client, 2)) == published
        assert org.faults.fired == {"drop": 1}

    asyncio.run(run())


def test_a_wrong_password_is_an_authentication_error(org: Org) -> None:
    async def run() -> None:
        client = Client(Authenticator(org, password="wrong"))
        client.ssl = trust(org)
        with pytest.raises(AuthenticationError):
            await client.open()

    asyncio.run(run())


async def receive_one(org: Org, client: Client) -> None:
    number = org.publish(EVENT, {"Order_Number__c": "first"})
    assert ids(await receive(client, 1)) == [number]


def _marker(replay_id: int) -> Any:
    from aiosfstream_ng import ReplayMarker

    return ReplayMarker(date="1970-01-01T00:00:01.000Z", replay_id=replay_id)
