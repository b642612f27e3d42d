"""All calls under ``/bridge/v1/``: a line for each module that answers some."""

from __future__ import annotations

from typing import Any, Final

from bridge.api.guard import Guard
from bridge.api.v1 import session
from bridge.api.v1.operation import Operation, Roles, Schema, Table, routed

MODULES: Final = (session,)


def operations() -> list[Operation[Any]]:
    """Every call, as it is described."""
    return [one for module in MODULES for one in module.OPERATIONS]


def schemas() -> dict[str, Schema]:
    """Every schema that they name."""
    return {name: schema for module in MODULES for name, schema in module.SCHEMAS.items()}


def routes(guard: Guard) -> tuple[Table, Roles]:
    """Path → method → handler, and the roles that they need."""
    table: Table = {}
    roles: Roles = {}
    for some, needed in (routed(session.SignIn(guard), session.OPERATIONS),):
        table |= some
        roles |= needed
    return table, roles
