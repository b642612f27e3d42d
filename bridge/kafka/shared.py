"""One client for questions to Kafka in a process, for all who ask with equal settings.

A client is threads, connections and a login. It lives as long as somebody has it: a worker has one for as long as it
runs, and its connectors, which ask with the same settings, make none. Secrets are among the settings; ``client.id``
is not.
"""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, Final

from attrs import define

from bridge.kafka.errors import ErrorWatch
from bridge.kafka.librdkafka import Settings

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient

_lock: Final = threading.Lock()
_clients: Final[dict[bytes, Shared]] = {}


@define(eq=False)
class Shared:
    """An ``AdminClient`` and what is known of its connections. Call ``release`` once for each ``shared_client``."""

    client: AdminClient
    watch: ErrorWatch
    _key: bytes
    _users: int = 0

    def release(self) -> None:
        """Whoever is the last closes it. librdkafka's client ends when nothing refers to it."""
        with _lock:
            self._users -= 1
            if self._users:
                return
            del _clients[self._key]
        self.watch.serve = None
        del self.client


def shared_client(settings: Settings) -> Shared:
    """Raises KafkaException for settings that librdkafka does not take."""
    key = digest_of(settings)
    with _lock:
        shared = _clients.get(key) or _made(key, settings)
        shared._users += 1
        _clients[key] = shared
    return shared


def digest_of(settings: Settings) -> bytes:
    """Equal for settings that mean the same client, whatever it calls itself."""
    parts = sorted((name, repr(value)) for name, value in settings.items() if name != "client.id")
    return hashlib.sha256(repr(parts).encode()).digest()


def _made(key: bytes, settings: Settings) -> Shared:
    from confluent_kafka.admin import AdminClient

    watch = ErrorWatch()
    client = AdminClient({**settings, "error_cb": watch})  # type: ignore[dict-item]  # its types know no callbacks
    watch.serve = client.poll
    return Shared(client, watch, key)
