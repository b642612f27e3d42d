"""Schemas that several connectors need: one asks, and nobody waits for another's answer for long."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bridge.errors import Retriable
from bridge.languages.avro.wire import Wire
from bridge.salesforce.auth import Login
from bridge.salesforce.failures import Failure, SessionOver, Verdict
from bridge.salesforce.pubsub import schemas
from bridge.salesforce.pubsub.metadata import PubSubRest
from bridge.salesforce.pubsub.schemas import Schemas
from bridge.sandbox.org import Org
from bridge.sandbox.org import pubsub as simulated
from tests.contract.test_sources import Rig
from tests.support.bridge_run import wait_until

SCHEMA = json.dumps(
    {"type": "record", "name": "Order__e", "fields": [{"name": "CreatedDate", "type": "long"}]}
)


class Slow:
    """Another connector, whose question has no answer until ``answer``."""

    def __init__(self, all_schemas: Schemas) -> None:
        self.asked, self._answer = threading.Event(), threading.Event()
        self._thread = threading.Thread(
            target=lambda: all_schemas.of("org", "id", self._ask, lambda: False), daemon=True
        )
        self._thread.start()
        assert self.asked.wait(30)

    def _ask(self, schema_id: str) -> str:
        self.asked.set()
        assert self._answer.wait(60)
        return SCHEMA

    def answer(self) -> None:
        self._answer.set()
        self._thread.join(30)


@pytest.fixture
def all_schemas() -> Schemas:
    return Schemas()


@pytest.fixture
def slow(all_schemas: Schemas) -> Iterator[Slow]:
    slow = Slow(all_schemas)
    yield slow
    slow.answer()


def test_who_waits_gets_the_answer_of_another(
    all_schemas: Schemas, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schemas, "PATIENCE", 3600.0)
    answers: list[Wire] = []
    ask: Callable[[str], str] = pytest.fail
    waits = threading.Thread(
        target=lambda: answers.append(all_schemas.of("org", "id", ask, lambda: False)), daemon=True
    )
    waits.start()
    slow.answer()
    waits.join(30)
    assert answers == [all_schemas.of("org", "id", ask, lambda: False)]


def test_who_has_waited_long_enough_asks_too(
    all_schemas: Schemas, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schemas, "PATIENCE", 0.05)
    assert all_schemas.of("org", "id", lambda schema_id: SCHEMA, lambda: False).schema_id == "id"


def test_who_is_stopped_waits_no_longer(
    all_schemas: Schemas, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schemas, "PATIENCE", 3600.0)

    def given_up(schema_id: str) -> str:
        raise SessionOver(Failure(Verdict.HANDSHAKE, "GetSchema was given up"))

    with pytest.raises(SessionOver, match="was given up"):
        all_schemas.of("org", "id", given_up, lambda: True)


def test_another_asks_where_the_first_could_not(all_schemas: Schemas) -> None:
    def fails(schema_id: str) -> str:
        raise SessionOver(Failure(Verdict.HANDSHAKE, "the connection was lost"))

    with pytest.raises(SessionOver):
        all_schemas.of("org", "id", fails, lambda: False)
    assert all_schemas.of("org", "id", lambda schema_id: SCHEMA, lambda: False).schema_id == "id"


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """An org that answers no GetSchema while the test lasts; set at the first one."""
    monkeypatch.setattr(schemas, "PATIENCE", 3600.0)
    asked, over = threading.Event(), threading.Event()
    answer = simulated.PubSub._schema

    def wait(api: simulated.PubSub, request: Any, context: Any) -> Any:
        asked.set()
        assert over.wait(60)
        return answer(api, request, context)

    monkeypatch.setattr(simulated.PubSub, "_schema", wait)
    yield asked
    over.set()


def test_a_source_that_waits_for_anothers_answer_stops_at_once(rig: Rig, silent: threading.Event) -> None:
    rig.publish(1)
    with rig.run() as first:
        assert silent.wait(30)
        with rig.run() as second:
            second.listening()
            second.end()
            assert second.ended
            assert not first.ended


def test_metadata_is_not_asked_for_any_longer_when_the_connector_stops(
    rig: Rig, org: Org, silent: threading.Event
) -> None:
    config = rig.config()
    rest = PubSubRest(Login(config), config)
    failures: list[Exception] = []

    def ask() -> None:
        try:
            rest.event_schema("an-id")
        except Retriable as error:
            failures.append(error)

    asks = threading.Thread(target=ask, daemon=True)
    asks.start()
    assert silent.wait(30)
    rest.close()
    wait_until(lambda: failures, 20)
    assert str(failures[0]).endswith("not asked for any more, because the connector stops")
