"""Answers of Kafka Connect's REST API that more than one place looks into; docs/openapi.yaml describes the same."""

from __future__ import annotations

from typing import TypedDict

from bridge.worker.state import Status


class StateDocument(TypedDict, total=False):
    """A connector's or a task's state; ``sealed`` is the bridge's own, ``msg`` the cloud's word for a trace."""

    id: int
    state: str
    worker_id: str
    version: str
    trace: str
    msg: str
    sealed: list[object]


def state_document(said: Status) -> StateDocument:
    """What was said, as Kafka Connect shows it."""
    shown: StateDocument = {"state": said.state, "worker_id": said.worker_id}
    if said.version:
        shown["version"] = said.version
    if said.trace:
        shown["trace"] = said.trace
    if said.sealed is not None:
        shown["sealed"] = list(said.sealed)
    return shown


class StatusDocument(TypedDict):
    """Kafka Connect's ConnectorStateInfo."""

    name: str
    connector: StateDocument
    tasks: list[StateDocument]
    type: str
