"""A CometD source running against a scripted org in a thread, for tests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from attrs import evolve

from bridge.buffer import Buffer
from bridge.errors import BridgeError
from bridge.event import Delivery, Unreadable
from bridge.metrics import Stats
from bridge.salesforce.accounts import Account
from bridge.salesforce.auth import Session
from bridge.salesforce.cometd import CometdSettings, CometdSource, Start
from bridge.salesforce.http_settings import HttpSettings
from bridge.source import Gap, Listening
from tests.support.scripted_org import CHANNEL, ScriptedOrg

FAST = CometdSettings(
    "/cometd/66.0", request_timeout=5.0, retry_seconds=10.0, watchdog=5.0, poll_margin=5.0, goodbye=1.0
)


class FakeLogin:
    """``token-0``, then ``token-1``…; a renewed token is known to the org unless ``useless``."""

    def __init__(self, org: ScriptedOrg, useless: bool = False) -> None:
        self.http = HttpSettings()
        self.logins = 1
        self.account = Account()
        self.renewed: list[str] = []
        self._org = org
        self._useless = useless
        self._url = org.url
        self._session = self._make(0)

    def session(self) -> Session:
        return self._session

    def renew(self, stale: Session) -> Session:
        assert stale is self._session, "a token that is not the current one was renewed"
        self.renewed.append(stale.access_token)
        self.logins += 1
        self._session = self._make(self.logins - 1)
        if not self._useless:
            self._org.tokens.add(self._session.access_token)
        return self._session

    def at(self, url: str) -> FakeLogin:
        """The same with another address, such as that of a line before the org."""
        self._url = url
        self._session = self._make(self.logins - 1)
        return self

    def _make(self, number: int) -> Session:
        return Session(f"token-{number}", self._url, "00D000000000001EAA", "005000000000001AAA", time.time())


class Client:
    """Runs a source; ``events`` are replay ids in the order in which they came out of the buffer."""

    def __init__(
        self,
        org: ScriptedOrg | None,
        start: Start | None = None,
        *,
        login: Any = None,
        drain: bool = True,
        buffer: Buffer | None = None,
        ca_file: str | None = None,
        accept_any: bool = False,
        channel: str = CHANNEL,
        **settings: Any,
    ) -> None:
        if login is None:
            assert org is not None
            login = FakeLogin(org)
        self.login = login
        self.stats = Stats(connector="test")
        self.buffer = buffer or Buffer(50_000, 32 << 20)
        self.deliveries: list[Delivery] = []
        self.events: list[int] = []
        self.unreadable: list[Unreadable] = []
        self.first_subscription: list[int] = []
        self.gaps: list[int] = []
        self.subscriptions = 0
        self.failure: BridgeError | None = None
        self.source = CometdSource(
            channel=channel,
            login=self.login,
            settings=evolve(FAST, **settings),
            http=HttpSettings(connect_timeout=2.0, ca_file=ca_file),
            buffer=self.buffer,
            stats=self.stats,
            start=start or Start(initial="all"),
            accept_any=accept_any,
        )
        self.draining = threading.Event()
        if drain:
            self.draining.set()
        self._ended = threading.Event()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Client:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._ended.set()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive(), "the source does not stop"

    def start(self) -> None:
        """Begin, or begin again after ``stop``."""
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._receive), threading.Thread(target=self._drain)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> float:
        """Stop the source; gives the seconds that took."""
        began = time.monotonic()
        self._stop.set()
        self.source.interrupt()
        self._threads[0].join(10)
        return time.monotonic() - began

    def wait(self, condition: Callable[[], object], timeout: float = 8.0) -> None:
        """Until the condition holds; fails with what was received instead."""
        deadline = time.monotonic() + timeout
        while not condition():
            state = f"received {len(self.events)}: …{self.events[-5:]}, {self.stats}, failure {self.failure}"
            assert time.monotonic() < deadline, state
            time.sleep(0.005)

    def wait_for(self, events: list[int], timeout: float = 8.0) -> None:
        """Until as many events came; then they must be these, in this order."""
        self.wait(lambda: len(self.events) >= len(events), timeout)
        assert self.events == events

    def wait_failed(self, timeout: float = 8.0) -> BridgeError:
        """Until the source gave up."""
        self.wait(lambda: self.failure is not None, timeout)
        assert self.failure is not None
        return self.failure

    def _receive(self) -> None:
        try:
            self.source.run(self._stop)
        except BridgeError as error:
            self.failure = error

    def _drain(self) -> None:
        while not self._ended.is_set():
            if not self.draining.wait(0.02):
                continue
            match self.buffer.get(0.02):
                case Delivery() as delivery:
                    self.deliveries.append(delivery)
                    self.events += [m.data.event.replayId for m in delivery.events if m.data is not None]
                    self.unreadable += delivery.unreadable
                case Listening(since_ms):
                    self.subscriptions += 1
                    self.first_subscription += [since_ms] if since_ms is not None else []
                case Gap(last):
                    self.gaps.append(last)
