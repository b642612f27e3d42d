"""A worker without Kafka: its logs are lists, its group is itself. For tests of the herder and of the REST API."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from attrs import define, field

from bridge.api import admin, cloud, connect
from bridge.api.console.routes import routes as console_routes
from bridge.api.guard import Guard
from bridge.api.peers import Peers
from bridge.api.server import Listener, Server, bind
from bridge.api.sessions import Sessions
from bridge.api.site import Site
from bridge.api.users import User
from bridge.api.v1.here import Here
from bridge.api.v1.routes import routes
from bridge.config import config_of
from bridge.config.declarations import WORKER as WORKER_PROPERTIES
from bridge.metrics import Metrics
from bridge.worker.herder import Herder
from bridge.worker.leader import Leader
from bridge.worker.loggers import Loggers
from bridge.worker.places import Places
from bridge.worker.plugins import Plugin, View
from bridge.worker.records import Record
from bridge.worker.runner import Runner
from bridge.worker.standalone import Alone
from bridge.worker.state import State
from bridge.worker.watch import Watch

WORKER = "127.0.0.1:8083"

#: A connector that every check which asks nobody finds good, with literal secrets.
GOOD = {
    "connector.class": "SalesforcePlatformEventSource",
    "name": "sf",
    "kafka.topic": "t",
    "salesforce.username": "u@example.com",
    "salesforce.password": "pass-word-1",
    "salesforce.password.token": "token-1",
    "salesforce.consumer.key": "consumer-key-1",
    "salesforce.consumer.secret": "consumer-secret-1",
    "salesforce.platform.event.name": "X__e",
    "output.data.format": "JSON",
    "tasks.max": "1",
}
JSON = {"content-type": "application/json", "host": WORKER}


@define
class MemoryLog:
    """A compacted topic in a list."""

    state: State
    records: list[Record] = field(factory=list)

    def append(self, added: Sequence[Record]) -> None:
        for key, value in added:
            self.records.append((key, value))
            self.state.apply(key, value)

    def close(self) -> None: ...


@define(slots=False)
class MemoryWorker:
    """Herder, runner and site, started."""

    plugins: Sequence[Plugin]
    users: Mapping[str, User] = field(factory=dict)
    literals: bool = False
    state: State = field(factory=State)
    loggers: Loggers = field(factory=Loggers)

    def __attrs_post_init__(self) -> None:
        self.configs, self.statuses = MemoryLog(self.state), MemoryLog(self.state)
        self.leader = Leader(WORKER, self.state, Alone(WORKER), lambda: self.configs, self.statuses)
        self.herder = Herder(WORKER, self.state, self.leader, self.statuses, self.plugins)
        self.metrics = Metrics()
        self.watch = Watch(self.metrics, lambda: frozenset(self.state.configs))
        self.runner = Runner(
            WORKER,
            self.state,
            self.statuses,
            self.herder.plugin_of,
            self.herder.apply_request,
            places=Places(self.state, self.metrics).news,
        )
        self.watch.lines.install()  # numbers are looked at when a test says so
        self.state.on_logger = self._level
        self.leader.tend()
        self.runner.start()
        self.leader.start()
        table = {
            **connect.routes(connect.Connect(lambda: self.herder, lambda: "cluster", "commit")),
            **cloud.routes(cloud.Cloud(lambda: self.herder, "group", {})),
            **admin.routes(
                admin.Admin(self.loggers, lambda: self.leader, lambda: True, lambda: "", lambda: "")
            ),
        }
        self.sessions = Sessions(
            "group",
            lambda: self.state.sign_in_key,
            lambda digest, until: self.herder.sign_out(digest, until),
            self.state.signed_out.__contains__,
        )
        guard = Guard(self.users, frozenset({"127.0.0.1"}), sessions=self.sessions)
        here = self.here = Here(
            WORKER,
            config_of({"bootstrap.servers": "127.0.0.1:1"}, WORKER_PROPERTIES),
            self.state,
            self.metrics,
            self.watch,
            self.loggers,
            lambda: self.herder,
            lambda: self.runner,
            guard,
            Peers(WORKER, lambda: frozenset(self.state.assignment.workers)),
            0.0,
        )
        ours, needs = routes(here)
        pages, paths, roles = console_routes(lambda: self.site, guard)
        self.site = Site(
            {**table, **ours, **paths},
            guard,
            WORKER,
            literals=self.literals,
            needs={**needs, **roles},
            entrance=pages.entrance,
            shown=pages.refusal,
        )

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and JSON of the answer to a request with a JSON body."""
        sent = b"" if body is None else json.dumps(body).encode()
        found = self.site.answer(method, path, {**JSON, **headers}, sent, f"http://{WORKER}")
        return found.status, json.loads(found.content() or b"null")

    def _level(self, name: str, level: str) -> None:
        self.loggers.change(name, level)

    @contextmanager
    def served(self) -> Iterator[str]:
        """Its site behind a real listener; the URL."""
        bound = bind(Listener("http", "127.0.0.1", 0))
        port = bound.getsockname()[1]
        server = Server(self.site, {Listener("http", "127.0.0.1", port): bound})
        server.start()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.stop()

    def settle(self, seconds: float = 10.0) -> None:
        """Wait until every connector is what it is wanted to be."""
        until = time.monotonic() + seconds
        while not settled(self.runner):
            assert time.monotonic() < until, "connectors do not become what they are wanted to be"
            time.sleep(0.002)

    def stop(self) -> None:
        """End its threads."""
        self.leader.stop()
        self.runner.stop(5)
        self.watch.stop()


def settled(runner: Runner) -> bool:
    """Whether every connector of this worker is what it is wanted to be."""
    with runner.state.changed:
        owners = {name: runner.state.assignment.owner(name) for name in runner.state.configs}
        mine = [name for name, owner in owners.items() if owner == runner.worker_id]
        return (
            None not in owners.values()
            and all(_is_settled(runner, name) for name in mine)
            and set(runner._hosted) == set(mine)
        )


def _is_settled(runner: Runner, name: str) -> bool:
    hosted = runner._hosted.get(name)
    if hosted is None or hosted.stopping or runner.state.pending(name) is not None:
        return False
    if runner.state.restarts.get(name, (0,))[0] > runner._seen_restarts.get(name, 0):
        return False
    if runner.state.target_of(name) != "RUNNING":
        said = hosted.said[0].connector if hosted.said else ""
        return hosted.running is None and bool(said == runner.state.target_of(name))
    view = hosted.said[0] if hosted.said else None
    return hosted.revision == runner.state.revisions[name] and (
        hosted.failed is not None
        or (
            hosted.running is not None
            and isinstance(view, View)
            and "UNASSIGNED" not in (view.connector, view.task)
        )
    )
