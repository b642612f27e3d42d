"""What the herder refuses, in Kafka Connect's words and with the status its REST API answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

NO_LEADER: Final = (
    "Cannot complete request momentarily due to no known leader URL, likely because a rebalance was underway."
)
CONFLICT: Final = "Cannot complete request because of a conflicting operation (e.g. worker rebalance)"
INVALID: Final = (
    "Connector configuration is invalid and contains the following {} error(s):\n{}\nYou can also find the above "
    "list of errors at the endpoint `/connector-plugins/{{connectorType}}/config/validate`"
)
NOT_STOPPED: Final = (
    "Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the "
    "specified connector by issuing a 'PUT' request to the '/connectors/{}/stop' endpoint"
)

TIMED_OUT: Final = "Request timed out. The worker is currently {}, which began at {}."
NO_CLASS: Final = (
    "Failed to find any class that implements Connector and which name matches {}, "
    "available connectors are: {}"
)


class Refused(Exception):
    """A request that is not carried out."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}


class NotLeader(Refused):
    """This worker may not write; ``leader`` may (its worker id, empty if nobody knows)."""

    def __init__(self, leader: str) -> None:
        super().__init__(409, NO_LEADER)
        self.leader = leader


def timed_out(stage: str, began: float) -> Refused:
    """What the worker is at in ``stage``, since ``began`` (seconds since the epoch), takes too long."""
    at = datetime.fromtimestamp(began, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Refused(500, TIMED_OUT.format(stage, at))


def not_found(name: str) -> Refused:
    """A connector that is not there."""
    return Refused(404, f"Connector {name} not found")
