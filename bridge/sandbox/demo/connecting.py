"""The sample connector of the sandbox: the real one, but for what the in-process Kafka cannot be asked."""

from __future__ import annotations

from bridge.attempt import Attempt, Goal
from bridge.config import load
from bridge.connector import Connector
from bridge.kafka.admin import DEFAULT_MAX_BYTES, Topics
from bridge.sandbox.site import OFFSETS, TOPIC, Sandbox


class _SandboxAttempt(Attempt):
    """The in-process Kafka answers no admin call; its topics are there, since the sandbox made them."""

    def _prepare_topics(self) -> Topics:
        return Topics(OFFSETS, TOPIC, DEFAULT_MAX_BYTES, None)


def sample_connector(sandbox: Sandbox) -> Connector:
    """The connector of the sandbox's files, not started. Raises ConfigurationError."""
    loaded = load(sandbox.connector_file, sandbox.worker_file, environ={})
    connector = Connector(loaded)
    connector._attempt = _SandboxAttempt(loaded, Goal(), connector.stats)
    return connector
