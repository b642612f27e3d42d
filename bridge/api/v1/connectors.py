"""Connectors at a glance: one row each, sorted, filtered, by pages, or only what has changed; one by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from attrs import define

from bridge.api.exchange import Answer, Ask
from bridge.api.v1.board import Board, Seen, Shown
from bridge.api.v1.here import Here
from bridge.api.v1.operation import (
    BOOLEAN,
    CONNECTOR,
    INTEGER,
    NUMBER,
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
    text,
    word,
)  # fmt: skip
from bridge.worker.glance import CONDITIONS
from bridge.worker.refusals import Refused, not_found

PAGE: Final = 100
_MOST_PAGES: Final = 1_000_000
_SORTS: Final = (
    "condition", "name", "event", "topic", "format", "state", "worker", "rate", "lag", "last_event_at",
    "window_hours_left", "errors", "dead_letters", "protected_fields", "running_since",
)  # fmt: skip

_ORDERS: Final = (*_SORTS, *(f"-{key}" for key in _SORTS))


@define(eq=False)
class Connectors:
    """The handlers."""

    here: Here
    board: Board

    def every(self, ask: Ask) -> Answer:
        seen = self.board.seen(ask)
        since = _since(ask, self.board)
        if since is not None and since >= seen.revision:
            return Answer(204)
        met = [row for row in seen.rows.values() if _meets(row, ask)]
        return Answer(200, self._page(ask, seen, met) if since is None else self._news(ask, seen, met, since))

    def one(self, ask: Ask) -> Answer:
        name = ask.path[0]
        self.here.connector(name)
        row = self.board.seen(ask).rows.get(name)
        if row is None:
            raise not_found(name)
        with self.here.state.changed:
            request, outcome = self.here.state.requests.get(name), self.here.state.outcomes.get(name)
            pending = self.here.state.pending(name) is not None
        return Answer(
            200,
            {
                **_shown(row, self.board.boot, spark=True),
                "move": None if request is None else _move(request, outcome or {}, pending),
            },
        )

    def _page(self, ask: Ask, seen: Seen, met: list[Shown]) -> dict[str, object]:
        limit, page = number(ask, "limit", PAGE, 1, PAGE), number(ask, "page", 1, 1, _MOST_PAGES)
        key, down = _order(ask)
        rows = sorted(met, key=lambda row: row["name"])
        rows = sorted(rows, key=lambda row: _rank(row, key), reverse=down)
        if key not in ("name", "condition"):  # what is not known comes last, whichever way
            rows.sort(key=lambda row: row[key] is None)  # type: ignore[literal-required]  # a key of a row
        shown = rows[(page - 1) * limit : page * limit]
        return self._answer(ask, seen, met, shown) | {"page": page, "pages": -(-len(met) // limit)}

    def _news(self, ask: Ask, seen: Seen, met: list[Shown], since: int) -> dict[str, object]:
        limit = number(ask, "limit", PAGE, 1, PAGE)
        fresh = sorted((r for r in met if r["revision"] > since), key=lambda r: r["revision"])
        last = fresh[limit - 1]["revision"] if len(fresh) > limit else seen.revision
        answer = self._answer(ask, seen, met, fresh[:limit])
        gone = [name for name, at in seen.gone.items() if since < at]
        left = {row["name"] for row in met}
        gone += [name for name, row in seen.rows.items() if row["revision"] > since and name not in left]
        return answer | {"page": None, "pages": None, "gone": gone, "revision": _text(self.board, last)}

    def _answer(self, ask: Ask, seen: Seen, met: list[Shown], shown: list[Shown]) -> dict[str, object]:
        counts = Counter(row["condition"] for row in seen.rows.values())
        spark = ask.flag("spark")
        return {
            "revision": _text(self.board, seen.revision),
            "as_of": int(seen.at * 1000),
            "total": len(seen.rows),
            "met": len(met),
            "counts": {name: counts.get(name, 0) for name in CONDITIONS},
            "silent": list(seen.silent),
            "gone": [],
            "items": [_shown(row, self.board.boot, spark=spark) for row in shown],
        }


def _shown(row: Shown, boot: str, *, spark: bool) -> dict[str, object]:
    told: dict[str, object] = {**row, "revision": f"{boot}-{row['revision']}"}
    if not spark:
        del told["spark"]
    return told


def _move(request: Mapping[str, Any], outcome: Mapping[str, Any], pending: bool) -> dict[str, object]:
    """The most recent request for another position."""
    done = {} if pending else outcome
    return {
        "type": request["type"],
        "offsets": request["offsets"],
        "requested_at": request["requested_at"],
        "phase": "PENDING" if pending else done.get("phase", "PENDING"),
        "message": done.get("message") or None,
        "previous_offsets": done.get("previous_offsets", []),
        "applied_at": done.get("applied_at"),
    }


def _text(board: Board, revision: int) -> str:
    return f"{board.boot}-{revision}"


def _since(ask: Ask, board: Board) -> int | None:
    """The revision that was seen; None where that was none of this process's, so that all is new."""
    boot, _, revision = text(ask, "since").rpartition("-")
    whole = revision.isascii() and revision.isdigit() and len(revision) < 16
    return int(revision) if boot == board.boot and whole else None


def _meets(row: Shown, ask: Ask) -> bool:
    conditions = {one for part in ask.query.get("condition", []) for one in part.split(",") if one}
    if unknown := conditions - set(CONDITIONS):
        raise Refused(
            400, f"condition must be of {', '.join(CONDITIONS)}; there is no {sorted(unknown)[0][:40]}"
        )
    worker, words = text(ask, "worker"), text(ask, "search").lower().split()
    looked_at = f"{row['name']} {row['event']} {row['channel'] or ''} {row['topic']}".lower()
    return (
        (not conditions or row["condition"] in conditions)
        and (not worker or row["worker"] == worker)
        and all(word in looked_at for word in words)
    )


def _order(ask: Ask) -> tuple[str, bool]:
    given = one_of(ask, "sort", _ORDERS, "condition")
    return given.removeprefix("-"), given.startswith("-")


def _rank(row: Shown, key: str) -> Any:
    if key == "condition":
        return CONDITIONS.index(row["condition"])
    value = row[key]  # type: ignore[literal-required]  # a key of a row
    return value if value is not None else ("" if key == "worker" else 0)


_MS: Final = "ms since the epoch"
_ROW: Final = {
    "name": STRING,
    "event": {**STRING, "description": "The event, or those of the channel"},
    "channel": nullable(STRING, "The custom channel"),
    "topic": {**STRING, "description": "As configured; ${…} is filled in for each event"},
    "format": STRING,
    "state": {**STRING, "description": "In the cloud's words: PROVISIONING, RUNNING, PAUSED, FAILED"},
    "connect_state": {**STRING, "description": "In Kafka Connect's words"},
    "condition": word(*CONDITIONS),
    "reason": nullable(STRING, "Why it is FAILED or restarting, one sentence"),
    "whose": nullable(
        word("yours", "theirs", "bridge"),
        "Who can mend it: configuration and rights, Salesforce or Kafka, or a bug",
    ),
    "stage": nullable(STRING, "Where in an event's way it failed"),
    "target": {**word("RUNNING", "PAUSED", "STOPPED"), "description": "What it is wanted to be"},
    "worker": nullable(STRING, "Who runs it"),
    "answered": {
        **BOOLEAN,
        "description": "Whether that worker has answered; else the numbers are the last known",
    },
    "seen_at": nullable(INTEGER, f"When it did ({_MS})"),
    "running_since": nullable(INTEGER, f"Since when the numbers count ({_MS})"),
    "rate": nullable(NUMBER, "Events a second, of the last minute"),
    "lag": nullable(
        NUMBER, "Seconds from an event's creation to its commit; the clock runs while events wait"
    ),
    "last_event_at": nullable(INTEGER, f"When the last committed event was created ({_MS})"),
    "last_commit_at": nullable(INTEGER, f"When the position was last committed ({_MS})"),
    "replay_id": nullable(INTEGER, "The position"),
    "window_hours_left": nullable(NUMBER, "Until Salesforce no longer has what comes after the position"),
    "delivered": nullable(INTEGER, "Events committed since it runs here"),
    "errors": nullable(INTEGER, "What went wrong since it runs here: bad events, failed requests, restarts"),
    "dead_letters": nullable(INTEGER, "Events put aside since it runs here"),
    "protected_fields": nullable(INTEGER, "Fields whose values are encrypted"),
    "revision": {**STRING, "description": "When it became what it is"},
    "spark": listed(NUMBER, "Events a second of the last 15 minutes, of 15 s each, the oldest first"),
}
_OPTIONAL: Final = ("spark",)
SCHEMAS: Final = {
    "Row": record(*(key for key in _ROW if key not in _OPTIONAL), **_ROW),
    "Rows": record(
        "revision", "as_of", "total", "met", "counts", "silent", "gone", "items", "page", "pages",
        revision={**STRING, "description": "To be given as since, for what has changed after this"},
        as_of={**INTEGER, "description": _MS},
        total={**INTEGER, "description": "Connectors of the group"},
        met={**INTEGER, "description": "Those that meet the filter"},
        counts={"type": "object", "additionalProperties": INTEGER, "description": "By condition, of all"},
        silent=listed(STRING, "Workers that did not answer in time"),
        gone=listed(STRING, "With since: those that are no more, or no longer meet the filter"),
        items=listed(ref("Row")),
        page=nullable(INTEGER),
        pages=nullable(INTEGER),
    ),
    "Move": record(
        "type", "offsets", "requested_at", "phase",
        type=STRING, offsets=listed({}), requested_at=STRING, phase=word("PENDING", "APPLIED", "FAILED"),
        message=nullable(STRING), previous_offsets=listed({}), applied_at=nullable(STRING),
    ),
    "OneRow": {"allOf": [ref("Row"), record("move", move={"allOf": [ref("Move")], "nullable": True})]},
}  # fmt: skip
OPERATIONS: Final[tuple[Operation[Connectors], ...]] = (
    Operation(
        "GET",
        "/bridge/v1/connectors",
        "Connectors at a glance: a page of them, or what has changed since a revision",
        Connectors.every,
        {200: "Rows", 204: None},
        query=(
            Query("page", "Which page, from 1", integer(1, _MOST_PAGES, 1)),
            Query("limit", "How many at most", integer(1, PAGE, PAGE)),
            Query("sort", "By what, - for downwards", word(*_ORDERS, default="condition")),
            Query("condition", "Only these, separated by commas"),
            Query("search", "Only those with these words in name, event, channel or topic"),
            Query("worker", "Only those of this worker"),
            Query("since", "A revision: only what has changed after it, in that order, as a first page else"),
            Query("spark", "With sparklines", {"type": "boolean", "default": False}),
        ),
    ),
    Operation(
        "GET", CONNECTOR, "One connector, and the most recent request for another position", Connectors.one,
        {200: "OneRow"},
    ),
)  # fmt: skip
