"""The secret values of a configuration, so that logs can be kept free of them."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.config.catalogue import Catalogue
from bridge.config.config import Config, Loaded
from bridge.config.declarations import CONNECTOR, WORKER


def secret_values(loaded: Loaded) -> list[str]:
    """Every given value that must never be shown, of the connector and of its worker."""
    return [*_secrets(loaded.connector, CONNECTOR), *_secrets(loaded.worker, WORKER)]


def _secrets(config: Config, catalogue: Catalogue) -> Iterator[str]:
    for key, value in config.raw().items():
        if value and catalogue.is_secret(key):
            yield value
