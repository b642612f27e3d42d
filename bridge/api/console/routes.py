"""Every page of the console: a line for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bridge.api.console import assets
from bridge.api.console.connector import ConnectorPage
from bridge.api.console.launch import Launch
from bridge.api.console.log import LogPage
from bridge.api.console.overview import Overview
from bridge.api.console.page import Pages
from bridge.api.console.sign_in import Door
from bridge.api.console.work import Work
from bridge.api.console.workers import WorkersPage
from bridge.api.exchange import Answer, Ask
from bridge.api.guard import Guard
from bridge.api.site import Site
from bridge.api.users import Role
from bridge.api.v1.operation import Roles, Table
from bridge.api.v1.session import SignIn

ENABLED: Final = "bridge.console.enable"


def routes(site: Callable[[], Site], guard: Guard) -> tuple[Pages, Table, Roles]:
    """Path → method → handler, and the roles that they need; the site they will be part of."""
    pages = Pages(site)
    door, overview, connector = Door(pages, guard, SignIn(guard)), Overview(pages), ConnectorPage(pages)
    work, log = Work(pages, connector), LogPage(pages, connector)
    lines: list[tuple[str, str, Callable[[Ask], Answer], Role | None]] = [
        ("GET", "console/static/*", assets.served, None),
        ("GET", "console/sign-in", door.show, None),
        ("POST", "console/sign-in", door.enter, None),
        ("POST", "console/sign-out", door.leave, Role.READ),
        ("GET", "console", overview.page, Role.READ),
        ("GET", "console/rows", overview.rows, Role.READ),
        *connector.lines(),
        *work.lines(),
        *log.lines(),
        *Launch(pages, connector, work).lines(),
        *WorkersPage(pages).lines(),
    ]
    table: Table = {}
    roles: Roles = {}
    for method, path, handler, role in lines:
        table.setdefault(path, {})[method] = handler
        roles[path, method] = role
    return pages, table, roles
