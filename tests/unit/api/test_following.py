"""A worker that does not lead hands a request on, and answers what the leader does."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from attrs import define, field

from bridge.api.exchange import NOT_LEADER, Answer, Ask, Elsewhere, Handler
from bridge.api.guard import Guard
from bridge.api.peers import Forward
from bridge.api.server import forwarder
from bridge.api.site import Site
from bridge.waits import LEADER
from bridge.worker.refusals import NO_LEADER, NotLeader
from tests.support.memory_worker import JSON, MemoryWorker
from tests.vectors.connect_stubs import World, stubs

FOLLOWER = "follower:8083"
CLOUD = "/connect/v1/environments/e/clusters/c/connectors"
EMPTY = {"connector.class": "EmptyPartitionSource", "topic": "t"}


@define(slots=False)
class Follower:
    """A worker that knows of ``leader`` and of nothing else; how often it hands a request on."""

    leader: str
    handed_on: int = 0
    headers: list[Mapping[str, str]] = field(factory=list)
    """Of the leader's answers."""

    def site(self, table: Mapping[str, Mapping[str, Handler]]) -> Site:
        def refuse(ask: Ask) -> Answer:
            raise NotLeader(self.leader)

        refusals = {path: dict.fromkeys(handlers, refuse) for path, handlers in table.items()}
        guard = Guard({}, frozenset({"127.0.0.1"}))
        return Site(refusals, guard, FOLLOWER, forward=self._counted(forwarder("http", FOLLOWER, None)))

    def _counted(self, forward: Forward) -> Forward:
        def counted(
            worker: str, method: str, target: str, headers: Mapping[str, str], body: bytes,
            seconds: float = LEADER.longest,
        ) -> Answer | None:  # fmt: skip
            self.handed_on += 1
            answer = forward(worker, method, target, headers, body, seconds)
            self.headers.append({} if answer is None else answer.headers)
            return answer

        return counted


@pytest.fixture
def leader() -> Iterator[MemoryWorker]:
    worker = MemoryWorker([*stubs(World())])
    yield worker
    worker.stop()


def asked(site: Site, method: str, path: str, body: Any = None) -> tuple[int, Any, Mapping[str, str]]:
    sent = b"" if body is None else json.dumps(body).encode()
    answer = site.answer(method, path, JSON, sent, "https://bridge.example.com")
    return answer.status, json.loads(answer.content() or b"null"), answer.headers


def test_what_the_leader_refuses_is_refused_in_its_words(leader: MemoryWorker) -> None:
    assert leader.ask("POST", "/connectors", {"name": "ex", "config": EMPTY})[0] == 201
    leader.settle()
    leader.runner.stop(5)  # so that a request stays pending
    at = {"offsets": [{"partition": {}, "offset": {"replayId": 1}}]}
    assert leader.ask("POST", f"{CLOUD}/ex/offsets/request", {"type": "PATCH", **at})[0] == 202
    for method, path, body, status in (
        ("POST", "/connectors", {"name": "ex", "config": EMPTY}, 409),
        ("POST", CLOUD, {"name": "ex", "config": EMPTY}, 409),
        ("POST", f"{CLOUD}/ex/offsets/request", {"type": "PATCH", **at}, 409),
        ("PATCH", "/connectors/ex/offsets", at, 400),
        ("PUT", "/connectors/nope/pause", None, 404),
    ):
        with leader.served() as url:
            follower = Follower(url.removeprefix("http://"))
            told = asked(follower.site(leader.site.table), method, path, body)
        assert told[:2] == leader.ask(method, path, body)
        assert told[0] == status
        assert follower.handed_on == 1


def test_a_request_is_handed_on_again_until_there_is_a_leader(leader: MemoryWorker) -> None:
    create, refusals = leader.site.table["connectors"]["POST"], 3

    def not_yet(ask: Ask) -> Answer:
        nonlocal refusals
        refusals -= 1
        if refusals >= 0:
            raise NotLeader(FOLLOWER)
        return create(ask)

    leader.site.table = {**leader.site.table, "connectors": {"POST": not_yet}}
    with leader.served() as url:
        follower = Follower(url.removeprefix("http://"))
        status, _, headers = asked(
            follower.site(leader.site.table), "POST", "/connectors", {"name": "a", "config": EMPTY}
        )
    assert (status, follower.handed_on) == (201, 4)
    assert [NOT_LEADER in one for one in follower.headers] == [True, True, True, False]
    assert NOT_LEADER not in headers


def test_without_a_leader_in_time_it_says_so(leader: MemoryWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.api.site._WAIT", 0.1)
    follower = Follower("127.0.0.1:1")
    status, told, headers = asked(follower.site(leader.site.table), "PUT", "/connectors/a/pause")
    assert (status, told["message"]) == (409, NO_LEADER)
    assert NOT_LEADER not in headers
    assert follower.handed_on >= 1


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/connectors", {"name": "a b", "config": EMPTY}),
        ("PUT", "/connectors/a%20b/config", EMPTY),
    ],
)
def test_a_location_is_at_the_worker_that_was_asked(
    leader: MemoryWorker, method: str, path: str, body: Any
) -> None:
    with leader.served() as url:
        follower = Follower(url.removeprefix("http://"))
        status, _, headers = asked(follower.site(leader.site.table), method, path, body)
    assert status == 201
    assert headers["Location"] == "https://bridge.example.com/connectors/a%20b"


def test_what_nobody_may_keep_is_kept_by_nobody_through_another_worker(leader: MemoryWorker) -> None:
    leader.site.table = {
        **leader.site.table,
        "connectors": {"GET": lambda ask: Answer(200, ["secret"], {"Cache-Control": "no-store"})},
    }
    with leader.served() as url:

        def there(ask: Ask) -> Answer:
            raise Elsewhere(url.removeprefix("http://"), Answer(404))

        guard = Guard({}, frozenset({"127.0.0.1"}))
        site = Site(
            {"connectors": {"GET": there}}, guard, FOLLOWER, forward=forwarder("http", FOLLOWER, None)
        )
        status, told, headers = asked(site, "GET", "/connectors")
    assert (status, told) == (200, ["secret"])
    assert [text for name, text in headers.items() if name.lower() == "cache-control"] == ["no-store"]
