"""Who judges a connector beside its declarations: rooms above this one, which will use the settings.

They are handed in, so that configuration needs to know none of them: ``inspection.configuration`` has them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from attrs import frozen

from bridge.config.config import Config
from bridge.config.examine import Examined


class OfConnector(Protocol):
    """Adds the faults and notices of a connector alone."""

    def __call__(self, c: Examined, /) -> None: ...


class OfBoth(Protocol):
    """Adds those of a connector with its worker."""

    def __call__(self, c: Examined, w: Config, /) -> None: ...


class OfClients(Protocol):
    """Adds what clients of Kafka, the registry and Salesforce would refuse; a worker's own faults to the worker."""

    def __call__(
        self,
        connector: Examined,
        worker: Config,
        environ: Mapping[str, str],
        judged_worker: Examined | None = None,
        /,
    ) -> None: ...


@frozen
class Judges:
    """``transforms``: the chain; ``converters``: those behind it; ``clients``: who will use the settings."""

    transforms: OfConnector
    converters: OfBoth
    clients: OfClients
