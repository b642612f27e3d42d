"""What is said of a replay id that a position was moved to: the true reason, at the price of no refused login."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.config import Config, Loaded
from bridge.errors import Fatal
from bridge.salesforce.auth import Login
from bridge.sandbox.org import Org
from bridge.worker.probe import remark, try_replay_id
from tests.contract.test_sources import Rig
from tests.support.encryption import loaded
from tests.support.web_server import Answer, Web, web_server
from tests.unit.salesforce.auth.endpoint import connector, refusal


@pytest.fixture
def web() -> Iterator[Web]:
    with web_server() as web:
        web.script = lambda request: refusal("invalid_grant", "authentication failure")
        yield web


def of(config: Config) -> Loaded:
    return Loaded(config, loaded("http://localhost:1").worker)


def configured(web: Web) -> Loaded:
    return of(connector(web.url, name="orders", **{"salesforce.platform.event.name": "Order_Placed__e"}))


def test_a_login_that_was_refused_is_not_sent_again_for_a_look(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = configured(web)
    with pytest.raises(Fatal):
        Login(subject.connector).session()  # its start, as its FAILED connector has left it
    monkeypatch.setattr("bridge.salesforce.accounts.REFUSAL_HOLDS", 0.0)  # a minute has gone
    said = remark(subject, 7)
    assert len(web.requests) == 1
    assert said is not None
    assert said.startswith("Replay id 7 was not tried at the org: ")
    assert "authentication failure" in said
    assert "invalid.replay.id" not in said
    web.script = lambda request: refusal("invalid_grant", "still")
    with pytest.raises(Fatal):
        Login(subject.connector).session()
    assert len(web.requests) == 2, "one that somebody starts again asks"


def test_a_refusal_of_a_look_is_told_to_the_start_after_it(web: Web) -> None:
    subject = configured(web)
    assert "authentication failure" in str(remark(subject, 7))
    login = Login(subject.connector)
    with pytest.raises(Fatal, match="authentication failure"):
        login.session()
    assert len(web.requests) == 1


def test_an_org_that_is_away_says_nothing_of_the_replay_id(web: Web) -> None:
    web.script = lambda request: Answer({}, 503)
    said = str(remark(configured(web), 7))
    assert said.startswith("Whether the org knows replay id 7 could not be told: ")
    assert "503" in said
    assert "invalid.replay.id" not in said
    with pytest.raises(
        Fatal, match="the position was not moved, because whether the org knows replay id 7 could"
    ):
        try_replay_id(configured(web), 7)


@pytest.mark.parametrize("api", ["streaming", "pubsub"])
def test_an_unknown_replay_id_is_told_with_what_the_connector_does(api: str, org: Org) -> None:
    (known,) = org.publish_many("Order_Placed__e", 1)
    subject = of(Rig(org, api).config())
    assert remark(subject, known) is None
    said = str(remark(subject, 99_000_000))
    assert "A subscription after replay id 99000000 was tried: Salesforce refuses" in said
    assert said.endswith("If it stays so, the connector starts as invalid.replay.id.behaviour=all says.")
    assert ".. " not in said
