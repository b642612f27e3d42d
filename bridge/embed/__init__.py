"""The public Python API: what an application may build on. ``docs/embedding.md`` shows it at work.

Everything in ``__all__`` keeps its meaning from release 1.0 on, by semantic versioning: within a major version names,
parameters and errors stay, and what is added is optional. Until then the changelog names each change. Every other
module of ``bridge`` may change in any release. ``API_VERSION`` is the version of this API alone; it rises where
something is added (minor) or changed (major).

Every error is a ``BridgeError``: ``ConfigurationError`` with all faults, ``Retriable`` where the same may succeed
later, ``BadRecord`` where one event cannot be carried, else ``Fatal``.
"""

from __future__ import annotations

from typing import Final

from bridge.embed.codec import Codec, Record
from bridge.embed.configuring import Configuration, configuration, validate
from bridge.embed.generating import schemas
from bridge.embed.hosting import Running, Status, running
from bridge.embed.practice import Practice, practice
from bridge.errors import BadRecord, BridgeError, ConfigurationError, Fatal, Fault, Retriable

API_VERSION: Final = "1.0"

__all__ = [
    "API_VERSION",
    "BadRecord",
    "BridgeError",
    "Codec",
    "Configuration",
    "ConfigurationError",
    "Fatal",
    "Fault",
    "Practice",
    "Record",
    "Retriable",
    "Running",
    "Status",
    "configuration",
    "practice",
    "running",
    "schemas",
    "validate",
]
