"""Answers of Kafka Connect's REST API that more than one place looks into; docs/openapi.yaml describes the same."""

from __future__ import annotations

from typing import TypedDict


class StateDocument(TypedDict, total=False):
    """A connector's or a task's state; ``sealed`` is the bridge's own, ``msg`` the cloud's word for a trace."""

    id: int
    state: str
    worker_id: str
    version: str
    trace: str
    msg: str
    sealed: list[object]


class StatusDocument(TypedDict):
    """Kafka Connect's ConnectorStateInfo."""

    name: str
    connector: StateDocument
    tasks: list[StateDocument]
    type: str
