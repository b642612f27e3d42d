"""Counting of encrypted values, put together for one run of a connector: DEKs, the offsets topic, the loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from bridge.config import Loaded
from bridge.encryption.deks import Deks
from bridge.encryption.uses import Key, Uses
from bridge.kafka.settings import consumer_settings
from bridge.kafka.uses import read_uses, uses_key, uses_value
from bridge.log import for_connector
from bridge.routing.routes import Routes
from bridge.waits import DRAIN_SHARE, SHUTDOWN

Store = Callable[[bytes, bytes], None]
"""Writes a record of the offsets topic, key and value; returns when it is durable."""


def counted(
    loaded: Loaded,
    deks: Deks,
    routes: Routes,
    offsets_topic: str,
    store: Store,
    stopped: Callable[[], bool],
    waiting: Callable[[str], None],
    name: str = "",
) -> Uses:
    """Meters what ``deks`` encrypts. ``name``: under which it is counted, where not under the connector's.

    Where a stop finds events received, the counts are still read, because those events are to be delivered: for as
    long as a drain may wait for Kafka.
    """
    name = name or loaded.connector.name
    patience = loaded.connector[SHUTDOWN.key] / 1000 * DRAIN_SHARE
    asked: list[float] = []

    def given_up() -> bool:
        if stopped() and not asked:
            asked.append(time.monotonic())
        return bool(asked) and time.monotonic() - asked[0] > patience

    def read() -> tuple[Mapping[Key, int], Mapping[Key, int]]:
        settings = consumer_settings(loaded)
        in_topic = read_uses(settings, offsets_topic, stopped=given_up, waiting=waiting)
        return in_topic.of(name), in_topic.of(but=name)

    def renew() -> None:
        routes.forget()
        deks.forget()

    uses = Uses(
        read,
        lambda counts: store(uses_key(name), uses_value(counts)),
        renew,
        for_connector(name).warning,
    )
    deks.uses = uses
    return uses
