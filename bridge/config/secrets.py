"""The secret values of a configuration, so that logs can be kept free of them."""

from __future__ import annotations

from bridge.config.config import Loaded


def secret_values(loaded: Loaded) -> list[str]:
    """Every secret text in the connector's and the worker's configuration (``Loaded.secrets``)."""
    return sorted(loaded.secrets())
