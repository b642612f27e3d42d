"""The transports: a line each. ``salesforce/transport.py`` imports the module, ``bridge.salesforce.api`` takes the
names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

TRANSPORTS: Final[Mapping[str, str]] = {
    "streaming": "bridge.salesforce.streaming",
    "pubsub": "bridge.salesforce.pubsub",
}
"""As in ``bridge.salesforce.api`` → what offers the functions of ``salesforce.transport.Transport``."""
