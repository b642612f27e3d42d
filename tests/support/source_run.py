"""A source of any transport, run in a thread against the sandbox's org; what it says is kept, in order."""

from __future__ import annotations

import threading
from typing import Any

from bridge.buffer import Buffer
from bridge.config import Config
from bridge.errors import BridgeError
from bridge.event import Delivery, Message
from bridge.log import for_connector
from bridge.metrics import Stats
from bridge.pipeline.receiver import Receiver
from bridge.progress import Progress
from bridge.salesforce.auth import Login
from bridge.salesforce.rest import Rest
from bridge.salesforce.transport import Start, open_source
from bridge.source import Ended, Gap, Listening, Signal, Silent
from tests.support.bridge_run import wait_until


class Run:
    """Use as a context manager. ``ids`` are the events' replay ids as they came out of the buffer, ``names`` what tells
    those of one id apart."""

    def __init__(
        self, config: Config, start: Start | None = None, *, buffer: Buffer | None = None, drain: bool = True
    ) -> None:
        self.config = config
        self.login = Login(config)
        self.stats = Stats(connector=config.name)
        self.buffer = buffer or Buffer(50_000, 32 << 20)
        self.signals: list[Signal] = []
        self.ids: list[int] = []
        self.names: set[tuple[int, str | None]] = set()
        self.messages: list[Message] = []
        start = start or Start(initial="all")
        self._start = start
        self.draining = threading.Event()
        if drain:
            self.draining.set()
        rest = Rest(self.login, config)
        self.source = open_source(config, self.login, rest, self.buffer, self.stats, start)
        self._receiver = Receiver(self.source, self.buffer, for_connector(config.name))
        self._drainer = threading.Thread(target=self._drain, daemon=True)

    def __enter__(self) -> Run:
        self._receiver.start()
        self._drainer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Stop the source, and take everything that is in the buffer."""
        self._receiver.end()
        self._receiver.join(10)
        self.draining.set()
        self._drainer.join(10)
        assert not self._drainer.is_alive(), "the source does not stop"
        self.login.close()

    def wait_for(self, ids: list[int], timeout: float = 30) -> None:
        """Until as many events came; then they are these, in this order, and no two the same."""
        wait_until(lambda: len(self.ids) >= len(ids) or self.ended, timeout)
        assert self.failure is None, self.failure
        assert self.ids == ids
        assert len(self.names) == len(ids)

    def listening(self, times: int = 1) -> None:
        """Until that many subscriptions were confirmed."""
        wait_until(lambda: len(self.of(Listening)) >= times or self.ended, 30)
        assert self.failure is None, self.failure

    def of(self, kind: type[Any]) -> list[Any]:
        """The signals of a kind so far."""
        return [signal for signal in list(self.signals) if isinstance(signal, kind)]

    @property
    def deliveries(self) -> list[Delivery]:
        """The deliveries so far."""
        return self.of(Delivery)

    @property
    def ended(self) -> bool:
        """Whether the last signal came."""
        return bool(self.of(Ended))

    @property
    def failure(self) -> BridgeError | None:
        """What ended it, if it has ended."""
        return next((signal.failure for signal in self.of(Ended)), None)

    @property
    def said(self) -> list[str]:
        """The signals in words, deliveries as one."""
        words: list[str] = []
        for signal in self.signals:
            match signal:
                case Delivery():
                    words += ["events"] if words[-1:] != ["events"] else []
                case Gap(last):
                    words.append(f"gap {last}")
                case Listening() | Silent() | Ended():
                    words.append(type(signal).__name__.lower())
        return words

    def start(self, delivered: int | None = None) -> Start:
        """Where a restart begins, as a position record would say it, after so many of the events (all of them)."""
        start, count = self._start, len(self.messages) if delivered is None else delivered
        progress = start.progress()
        progress.advance(self.messages, 0, count)
        if progress.newest < 0:
            return start
        return start_of(progress, start.initial)

    def _drain(self) -> None:
        while not self.ended:
            if not self.draining.wait(0.05):
                continue
            self.take()

    def take(self) -> None:
        """The next signal out of the buffer, if there is one."""
        signal = self.buffer.get(0.05)
        if signal is None:
            return
        if isinstance(signal, Delivery):
            self.messages += signal.events
            heads = [message.data.event for message in signal.events if message.data is not None]
            self.names |= {(head.replayId, head.EventUuid) for head in heads}
            self.ids += [head.replayId for head in heads]
        self.signals.append(signal)


def start_of(progress: Progress, initial: str = "latest") -> Start:
    """Where a restart begins."""
    return Start(
        progress.newest,
        initial,
        None,
        progress.before,
        tuple(progress.done()),
        progress.raw,
        progress.before_raw,
        progress.event,
    )
