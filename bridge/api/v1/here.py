"""What this process can tell by itself, for all calls under ``/bridge/v1/``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from attrs import define, field

from bridge import __version__
from bridge.api.exchange import Answer, Ask, Elsewhere
from bridge.api.guard import Guard
from bridge.api.peers import Peers
from bridge.api.v1.work import Jobs, prefix_of
from bridge.config import Config
from bridge.metrics import Metrics
from bridge.worker.glance import Glances
from bridge.worker.herder import Herder
from bridge.worker.loggers import Loggers
from bridge.worker.refusals import not_found
from bridge.worker.runner import Runner
from bridge.worker.state import State
from bridge.worker.watch import Watch

VERSION: Final = __version__


@define(eq=False)
class Here:
    """The parts of a process that the calls ask. ``herder`` and ``runner`` are there once it is ready."""

    worker_id: str
    config: Config
    state: State
    metrics: Metrics
    watch: Watch
    loggers: Loggers
    herder: Callable[[], Herder]
    runner: Callable[[], Runner]
    guard: Guard
    peers: Peers
    started_at: float
    glances: Glances = field(init=False)
    jobs: Jobs = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.jobs = Jobs(prefix_of(self.worker_id))
        self.glances = Glances(self.worker_id, self.config, self.state, self.metrics, self.watch.sampler)

    def connector(self, name: str) -> str | None:
        """The worker that a connector belongs to, None for none. Raises Refused (404)."""
        with self.state.changed:
            if name not in self.state.configs:
                raise not_found(name)
            return self.state.assignment.owner(name)

    def at_owner(self, ask: Ask, name: str, otherwise: Answer) -> None:
        """Nothing where the connector runs here, or nowhere. Raises Elsewhere, Refused (404)."""
        owner = self.connector(name)
        if owner is not None and owner != self.worker_id:
            raise Elsewhere(owner, otherwise)

    def workers(self) -> list[str]:
        """All workers of the group, this one included."""
        with self.state.changed:
            return sorted({*self.state.assignment.workers, self.worker_id})
