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
    """Publishes in bursts of random size until ``total`` events are out; ``ids`` are their replay ids."""

    org: Org
    total: int
    seconds: float
    dice: random.Random
    ids: list[int] = field(factory=list)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Publish in the background, over about ``seconds``."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def done(self) -> bool:
        """Whether everything is published."""
        return len(self.ids) >= self.total

    def _run(self) -> None:
        mean = max(1.0, self.total / (self.seconds * 5))
        while not self.done():
            count = min(self.total - len(self.ids), 1 + int(self.dice.expovariate(1 / mean)))
            self.ids += self.org.publish_many(EVENT, count)
            time.sleep(self.dice.uniform(0, 0.4))


@define
class Process:
    """``sfbridge run`` as a process that is killed and started again."""

    bridge: Bridge
    log: Path
    starts: int = 0
    _process: Popen[Any] | None = None

    def start(self) -> None:
        """Start it; nothing is waited for."""
        self._process = self.bridge.spawn(log=self.log)
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
                stop.wait(dice.uniform(0.5, 4))
                if dice.random() < 0.5:
                    producer.commit_transaction(30)
                else:
                    producer.abort_transaction(30)
        stop.wait(0.2)
