"""All calls under ``/bridge/v1/``: a line for each module that answers some."""

from __future__ import annotations

from typing import Any, Final

from bridge.api.v1 import (
    checks,
    connectors,
    jobs,
    keys,
    letters,
    logs,
    migration,
    moments,
    records,
    schemas,
    series,
    session,
    workers,
)  # fmt: skip
from bridge.api.v1.board import Board
from bridge.api.v1.here import Here
from bridge.api.v1.operation import Operation, Roles, Schema, Table, routed

MODULES: Final = (
    session, connectors, series, logs, records, letters, checks, schemas, keys, jobs, workers, migration, moments,
)  # fmt: skip


def operations() -> list[Operation[Any]]:
    """Every call, as it is described."""
    return [one for module in MODULES for one in module.OPERATIONS]


def all_schemas() -> dict[str, Schema]:
    """Every schema that they name."""
    return {name: schema for module in MODULES for name, schema in module.SCHEMAS.items()}


def routes(here: Here) -> tuple[Table, Roles]:
    """Path → method → handler, and the roles that they need."""
    board, work = Board(here), here.jobs
    table: Table = {}
    roles: Roles = {}
    for some, needed in (
        routed(session.SignIn(here.guard), session.OPERATIONS),
        routed(connectors.Connectors(here, board), connectors.OPERATIONS),
        routed(series.Series(here), series.OPERATIONS),
        routed(logs.Logs(here), logs.OPERATIONS),
        routed(records.Records(here, work), records.OPERATIONS),
        routed(letters.Letters(here, work), letters.OPERATIONS),
        routed(checks.Checks(here, work), checks.OPERATIONS),
        routed(moments.Moments(here, work), moments.OPERATIONS),
        routed(schemas.Schemas(here, work), schemas.OPERATIONS),
        routed(keys.Keys(here, work), keys.OPERATIONS),
        routed(jobs.JobCalls(here, work), jobs.OPERATIONS),
        routed(migration.Migrations(here), migration.OPERATIONS),
        routed(workers.Workers(here, board), workers.OPERATIONS),
    ):
        table |= some
        roles |= needed
    return table, roles
