"""Some events of a connector's channel, by a subscription of its own that ends with the last one wanted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from attrs import frozen

from bridge.buffer import Buffer
from bridge.config import Config
from bridge.event import Delivery, Message
from bridge.log import for_connector
from bridge.metrics import Stats
from bridge.pipeline.receiver import Receiver
from bridge.salesforce.auth import Login
from bridge.salesforce.rest import Rest
from bridge.salesforce.transport import Start, open_source
from bridge.source import Ended, Listening, Silent


@frozen
class Wish:
    """How many, from where (``all``: the retained ones, the oldest first; ``latest``), and for how long."""

    count: int
    start: str = "all"
    until_idle: float = 10.0


def sample(
    connector: Config,
    login: Login,
    rest: Rest,
    wish: Wish,
    progress: Callable[[int, int], None] = lambda seen, of: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Message]:
    """The events. Raises what the source ends with."""
    buffer = Buffer(max(1, min(wish.count, 1000)), connector["bridge.buffer.max.bytes"])
    source = open_source(connector, login, rest, buffer, Stats(connector.name), Start(None, wish.start, None))
    receiver = Receiver(source, buffer, for_connector(connector.name))
    receiver.start()
    left, quiet, listening = wish.count, time.monotonic(), False
    try:
        while left > 0 and not stopped():
            progress(wish.count - left, wish.count)
            match buffer.get(0.1):
                case Delivery(events) if events:
                    for message in events[:left]:
                        left -= 1
                        yield message
                    quiet = time.monotonic()
                    continue
                case Listening():
                    listening = True
                case Silent():
                    listening = False
                case Ended(failure):
                    if failure is not None:
                        raise failure
                    break
            if not listening:
                quiet = max(quiet, time.monotonic() - wish.until_idle / 2)
            if time.monotonic() - quiet >= wish.until_idle:
                break
    finally:
        receiver.end()
        receiver.join(5)
