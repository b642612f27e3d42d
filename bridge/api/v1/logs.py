"""The last log lines of a connector or of a worker, with a cursor."""

from __future__ import annotations

from typing import Final

from attrs import define

from bridge.api.exchange import Answer, Ask, Elsewhere
from bridge.api.users import Role
from bridge.api.v1.here import Here
from bridge.api.v1.operation import (
    BOOLEAN,
    CONNECTOR,
    INTEGER,
    STRING,
    Operation,
    Query,
    integer,
    listed,
    nullable,
    number,
    one_of,
    record,
    ref,
    word,
)  # fmt: skip
from bridge.lines import LEVELS, Page, level_number
from bridge.worker.refusals import Refused

_MOST: Final = 500
_HIGHEST: Final = 10**15


@define(eq=False)
class Logs:
    """The handlers."""

    here: Here

    def of_connector(self, ask: Ask) -> Answer:
        name = ask.path[0]
        owner = self.here.connector(name)
        why = f"{owner}, which runs {name}, does not answer; its lines are not known here"
        self.here.at_owner(ask, name, Answer(200, _document(owner, None, why)))
        return Answer(200, _document(owner, self._page(ask, name), None), _FRESH)

    def of_worker(self, ask: Ask) -> Answer:
        worker = ask.path[0]
        if worker in ("here", self.here.worker_id):
            return Answer(200, _document(self.here.worker_id, self._page(ask, None), None), _FRESH)
        if worker not in self.here.workers():
            raise Refused(404, f"Worker {worker} not found")
        raise Elsewhere(worker, Answer(200, _document(worker, None, f"{worker} does not answer")))

    def _page(self, ask: Ask, connector: str | None) -> Page:
        level = level_number(one_of(ask, "level", LEVELS, "INFO"))
        after = number(ask, "after", -1, 0, _HIGHEST) if "after" in ask.query else None
        return self.here.watch.lines.after(after, level, number(ask, "limit", 200, 1, _MOST), connector)


def _document(worker: str | None, page: Page | None, message: str | None) -> dict[str, object]:
    return {
        "worker": worker,
        "lines": [] if page is None else [line.document() for line in page.lines],
        "cursor": None if page is None else page.cursor,
        "gap": page is not None and page.gap,
        "message": message,
    }


_FRESH: Final = {"Cache-Control": "no-store"}
SCHEMAS: Final = {
    "Line": record(
        "at", "level", "connector", "logger", "message", "more",
        at={**INTEGER, "description": "ms since the epoch"},
        level=word(*LEVELS),
        connector=nullable(STRING),
        logger=STRING,
        message=STRING,
        more=nullable(STRING, "Further facts, and the traceback where there is one"),
    ),
    "Lines": record(
        "worker", "lines", "cursor", "gap", "message",
        worker=nullable(STRING, "Whose lines they are"),
        lines=listed(ref("Line"), "The oldest first"),
        cursor=nullable(INTEGER, "To be given as after, for the lines that follow"),
        gap={**BOOLEAN, "description": "Whether lines after the given cursor have fallen out"},
        message=nullable(STRING, "Why there is nothing"),
    ),
}  # fmt: skip
_QUERY: Final = (
    Query("level", "Lines of this level or graver", word(*LEVELS, default="INFO")),
    Query("after", "A cursor; without one the newest lines", integer(0, _HIGHEST)),
    Query("limit", "How many at most", integer(1, _MOST, 200)),
)
OPERATIONS: Final[tuple[Operation[Logs], ...]] = (
    Operation(
        "GET", f"{CONNECTOR}/logs", "The last log lines of a connector, where it runs", Logs.of_connector,
        {200: "Lines"}, role=Role.RECORDS, query=_QUERY,
    ),
    Operation(
        "GET", "/bridge/v1/workers/{worker}/logs", "The last log lines of a worker; 'here' is the one that is asked",
        Logs.of_worker, {200: "Lines"}, role=Role.RECORDS, query=_QUERY,
    ),
)  # fmt: skip
