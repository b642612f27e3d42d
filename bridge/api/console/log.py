"""A connector's last log lines, live, by level."""

from __future__ import annotations

from typing import Any

from attrs import define

from bridge.api.console.connector import ConnectorPage, Line
from bridge.api.console.page import Pages, query, quoted
from bridge.api.exchange import Answer, Ask
from bridge.api.users import Role
from bridge.lines import LEVELS


@define(eq=False)
class LogPage:
    """The handlers."""

    pages: Pages
    connector: ConnectorPage

    def lines(self) -> list[Line]:
        base = "console/connectors/*/log"
        return [("GET", base, self.page, Role.RECORDS), ("GET", f"{base}/lines", self.part, Role.RECORDS)]

    def page(self, ask: Ask) -> Answer:
        return self.connector.shown(ask, "connector_log.html", "log", **self._told(ask))

    def part(self, ask: Ask) -> Answer:
        return self.pages.show(ask, "log_lines.html", **self._told(ask))

    def _told(self, ask: Ask) -> dict[str, Any]:
        level = query(ask, "level", "INFO")
        level = level if level in LEVELS else "INFO"
        path = f"/bridge/v1/connectors/{quoted(ask.path[0])}/logs"
        return {
            "log": self.pages.api(ask).get(path, level=level),
            "level": level,
            "levels": LEVELS,
            "name": ask.path[0],
        }
