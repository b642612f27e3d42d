"""What a worker asks of an org while its connectors start, and how long that takes: created by REST, and restarted.

The org answers logins and handshakes after a moment, as a real one does, and counts how many are under way at once.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from attrs import define, evolve, field
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.sandbox import samples
from bridge.sandbox.org import Org
from tests.bench import measure
from tests.bench.setting import Bench
from tests.bench.table import Row
from tests.support.bridge_run import Bridge
from tests.support.worker_run import Group, Process

_TAKES: Final = 0.1  # seconds that a login and a handshake take
_RUNNING: Final = 240.0
_LONGEST: Final = {100: 6.0, 500: 30.0}
_CPU: Final = 0.040  # seconds of CPU that a creation may take


@define
class Crowd:
    """How often one kind of request was made, and how many of them were under way at once at most."""

    count: int = 0
    now: int = 0
    most: int = 0


@define(slots=False)
class Door:
    """Before the org: counts logins, handshakes and REST calls, and lets the first two take their time."""

    inner: ASGIApp
    seconds: float = _TAKES
    crowds: dict[str, Crowd] = field(factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        rest: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Message:
            return rest.pop() if rest else await receive()

        kind = _kind(scope["path"], body)
        crowd = self.crowds.setdefault(kind, Crowd())
        crowd.count += 1
        crowd.now += 1
        crowd.most = max(crowd.most, crowd.now)
        try:
            if kind in ("login", "handshake"):
                await asyncio.sleep(self.seconds)
            await self.inner(scope, again, send)
        finally:
            crowd.now -= 1


def _kind(path: str, body: bytes) -> str:
    if path.startswith("/services/oauth2/"):
        return "login"
    if path.startswith("/cometd"):
        return "handshake" if b"/meta/handshake" in body else "stream"
    return "rest" if path.startswith("/services/") else "other"


class CountingOrg(Org):
    """An org behind a ``Door``."""

    door: Door

    def _application(self) -> Starlette:
        application = super()._application()
        self.door = Door(application)
        application.add_middleware(_Behind, door=self.door)
        return application


class _Behind:
    """Starlette builds its middleware around the router: the door stands before it."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self.app = door
        door.inner = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@contextmanager
def everywhere(bench: Bench) -> Iterator[None]:
    """Processes that begin meanwhile run on all cores: they are many threads, and nothing is measured beside them."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, before if bench.core is None else {*before, bench.core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def starts(bench: Bench, many: int = 100) -> list[Row]:
    """The rows of so many connectors of one user: created one after the other, then a restart of the worker."""
    group = Group(bench.folder, bench.broker)
    with everywhere(bench), CountingOrg(samples.EVENTS, directory=bench.folder / "counting-org") as org:
        worker = group.spawn()
        try:
            bridges = [Bridge.of(bench.folder, bench.broker, org) for _ in range(many)]
            halves = bridges[: many // 2], bridges[many // 2 :]
            cpu, started = measure.cpu_seconds(worker.popen.pid), time.monotonic()
            seconds = [_create(worker, half) for half in halves]
            spent = measure.cpu_seconds(worker.popen.pid) - cpu
            _all_run(worker, many)
            created = Seen.of(org, time.monotonic() - started)
            worker.end()
            org.door.crowds.clear()
            started = time.monotonic()
            worker.start()
            _all_run(worker, many)
            restarted = Seen.of(org, time.monotonic() - started)
        finally:
            worker.kill()
    longest = _LONGEST.get(many, 0.06 * many)
    return [
        Row(
            f"{many} connectors, created by REST",
            value=f"{sum(seconds):.1f} s ({seconds[0]:.1f} s for the first half, {seconds[1]:.1f} s for the second), "
            f"{spent / many * 1000:.0f} ms of CPU each",
            promise=f"≤ {_CPU * 1000:.0f} ms of CPU each",
            ok=spent / many <= _CPU,
        ),
        Row(f"{many} connectors, created to RUNNING", value=str(created), ok=None),
        Row(
            f"{many} connectors, worker started to RUNNING",
            value=str(restarted),
            promise=f"≤ {longest:.0f} s, 1 login, ≤ 10 handshakes at once",
            ok=restarted.seconds <= longest
            and restarted.logins.count == 1
            and restarted.handshakes.most <= 10,
        ),
    ]


@define
class Seen:
    """What the org saw of a start."""

    seconds: float
    logins: Crowd
    handshakes: Crowd
    rest: Crowd

    @classmethod
    def of(cls, org: CountingOrg, seconds: float) -> Seen:
        """As it is now."""
        crowds = (evolve(org.door.crowds.get(kind) or Crowd()) for kind in ("login", "handshake", "rest"))
        return cls(seconds, *crowds)

    def __str__(self) -> str:
        return (
            f"{self.seconds:.1f} s, {self.logins.count} logins ({self.logins.most} at once), "
            f"{self.handshakes.count} handshakes ({self.handshakes.most} at once), {self.rest.count} REST calls"
        )


def _create(worker: Process, bridges: list[Bridge]) -> float:
    began = time.monotonic()
    for bridge in bridges:
        config = json.loads(Path(bridge.connector_file()).read_text())
        answer = worker.rest.ask("POST", "/connectors", {"name": bridge.name, "config": config})
        assert answer.status_code == 201, answer.text
    return time.monotonic() - began


def _all_run(worker: Process, count: int) -> None:
    def running() -> bool:
        said = worker.rest.get("/connectors?expand=status").values()
        states = [one["status"]["connector"]["state"] for one in said]
        return states.count("RUNNING") == count

    measure.wait_for(running, _RUNNING, 0.2)
