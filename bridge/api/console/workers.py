"""The workers of the group: who leads, what runs where, memory and threads, log levels."""

from __future__ import annotations

from typing import Any, Final

from attrs import define

from bridge.api.console.connector import Line
from bridge.api.console.page import Pages, form
from bridge.api.exchange import Answer, Ask
from bridge.api.users import Role
from bridge.worker.refusals import Refused

LEVELS: Final = ("DEBUG", "INFO", "WARN", "ERROR")


@define(eq=False)
class WorkersPage:
    """The handlers."""

    pages: Pages

    def lines(self) -> list[Line]:
        return [
            ("GET", "console/workers", self.page, Role.READ),
            ("GET", "console/workers/rows", self.rows, Role.READ),
            ("POST", "console/workers/level", self.level, Role.WRITE),
        ]

    def page(self, ask: Ask) -> Answer:
        return self.pages.show(
            ask, "workers.html", title="Workers", path="workers", said="", **self._told(ask)
        )

    def rows(self, ask: Ask) -> Answer:
        return self.pages.show(ask, "workers_rows.html", said="", **self._told(ask))

    def level(self, ask: Ask) -> Answer:
        """Changes what the bridge's own loggers say, in all workers."""
        level = form(ask).get("level", "")
        if level not in LEVELS:
            raise Refused(400, f"level must be one of {', '.join(LEVELS)}")
        self.pages.api(ask).call("PUT", "/admin/loggers/bridge?scope=cluster", {"level": level})
        said = f"Loggers of the bridge are asked to say {level} and graver, in every worker, until one is started anew."
        return self.pages.show(ask, "workers_rows.html", said=said, **self._told(ask))

    def _told(self, ask: Ask) -> dict[str, Any]:
        return {"told": self.pages.api(ask).get("/bridge/v1/workers"), "levels": LEVELS}
