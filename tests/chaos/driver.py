"""What the chaos tests do to a connector: feed it in bursts, kill it, disturb its neighbours; then count."""

from __future__ import annotations

import contextlib
import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from typing import Any

from attrs import define, field
from confluent_kafka import KafkaException, Producer

from bridge.sandbox.org import Org
from tests.support.bridge_run import EVENT, Bridge


def seeded() -> random.Random:
    """The dice of a test; ``SFBRIDGE_CHAOS_SEED`` repeats a throw. Shown with a failure."""
    seed = int(os.environ.get("SFBRIDGE_CHAOS_SEED") or random.SystemRandom().randrange(10**6))
    print(f"SFBRIDGE_CHAOS_SEED={seed}")
    return random.Random(seed)


@define
class Feed:
    """Publishes ``total`` events: a share over about ``seconds`` in the background, the rest in bursts."""

    org: Org
    total: int
    seconds: float
    dice: random.Random
    _published: list[int] = field(factory=list)
    _thread: threading.Thread | None = None

    @property
    def ids(self) -> list[int]:
        """The replay ids so far, in their order."""
        return sorted(self._published)

    def start(self) -> None:
        """Publish a third of the events in the background."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def burst(self, count: int) -> None:
        """Publish many at once."""
        self._published += self.org.publish_many(EVENT, count)

    def finish(self) -> None:
        """Publish what is left."""
        assert self._thread
        self._thread.join(60)
        self.burst(self.total - len(self._published))

    def _run(self) -> None:
        left = self.total // 3
        mean = left / (self.seconds * 5)
        while left > 0:
            count = min(left, 1 + int(self.dice.expovariate(1 / mean)))
            self.burst(count)
            left -= count
            time.sleep(self.dice.uniform(0, 0.4))


@define
class Process:
    """``sfbridge run`` as a process that is killed and started again."""

    bridge: Bridge
    log: Path
    cwd: Path | None = None
    starts: int = 0
    _said_before: int = 0
    _process: Popen[Any] | None = None

    def start(self) -> None:
        """Start it; nothing is waited for."""
        self._said_before = self.log.stat().st_size if self.log.exists() else 0
        self._process = self.bridge.spawn(log=self.log, cwd=self.cwd)
        self.starts += 1

    def check(self) -> None:
        """It must not have ended by itself: nothing that is done to it here is fatal."""
        assert self._process is not None
        code = self._process.poll()
        assert code is None, f"start {self.starts} ended with {code}:\n{self.said()}"

    def kill(self) -> None:
        """SIGKILL."""
        self.check()
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def drain(self) -> int:
        """SIGTERM; its exit code."""
        assert self._process is not None
        self._process.terminate()
        return int(self._process.wait(60))

    def end(self) -> None:
        """Whatever it is doing."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def running(self) -> bool:
        """Whether it has said that it is RUNNING since it was started last."""
        return b"is RUNNING" in self.log.read_bytes()[self._said_before :]

    def said(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-4000:]


@contextmanager
def neighbour(bridge: Bridge, dice: random.Random) -> Iterator[None]:
    """Another connector with its transactions open, most of the time, on the same offsets partition."""
    stop = threading.Event()
    thread = threading.Thread(target=_neighbour, args=(bridge, dice, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive()


def _neighbour(bridge: Bridge, dice: random.Random, stop: threading.Event) -> None:
    settings = {"transactional.id": f"tests-neighbour-{bridge.name}", "log_level": 0}
    settings |= {"transaction.timeout.ms": "30000"}
    while not stop.is_set():
        producer = Producer(bridge.broker.client(settings))
        with contextlib.suppress(KafkaException):  # the broker is being restarted
            producer.init_transactions(30)
            while not stop.is_set():
                producer.begin_transaction()
                producer.produce(bridge.offsets, b'{"replayId":7}', b'["neighbour",{}]')
                producer.flush(5)
                stop.wait(dice.uniform(0.1, 2.5))
                if dice.random() < 0.5:
                    producer.commit_transaction(30)
                else:
                    producer.abort_transaction(30)
        stop.wait(0.2)
