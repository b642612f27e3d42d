"""Whether a worker that is alive has a connector: what the command line looks at before it touches a position."""

from __future__ import annotations

from bridge.config import Loaded
from bridge.kafka.settings import admin_settings, consumer_settings
from bridge.worker.groups import members, worker_group
from bridge.worker.logs import Reader
from bridge.worker.state import State


def worker_of(loaded: Loaded) -> str | None:
    """The living worker that this connector belongs to, None if there is none. Raises BridgeError."""
    living = members(admin_settings(loaded), worker_group(loaded.worker["group.id"]))
    if not living:
        return None
    state = State()
    reader = Reader(consumer_settings(loaded), loaded.worker["config.storage.topic"], state.apply)
    try:
        reader.start()
    finally:
        reader.stop()
    name = loaded.connector.name
    if name not in state.configs:
        return None
    return state.assignment.owner(name) or living[0].name
