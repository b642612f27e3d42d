"""All connectors: one row each, live; sorted, filtered, by pages, all of it in the address."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from attrs import define

from bridge.api.console.page import Pages, query
from bridge.api.console.words import CONDITIONS
from bridge.api.exchange import Answer, Ask

_COLUMNS: Final = (
    ("condition", "State", "text"),
    ("name", "Name", "text"),
    ("event", "Event → topic", "text"),
    ("rate", "Events/s", "number"),
    ("lag", "Lag", "number"),
    ("last_event_at", "Last event", "number"),
    ("window_hours_left", "Window left", "number"),
    ("dead_letters", "Dead letters", "number"),
    ("errors", "Errors", "number"),
    ("protected_fields", "Protected", "number"),
    ("worker", "Worker", "text"),
)
_KEPT: Final = ("sort", "condition", "search", "worker", "page")


@define(eq=False)
class Overview:
    """The handlers."""

    pages: Pages

    def page(self, ask: Ask) -> Answer:
        return self.pages.show(ask, "overview.html", title="Connectors", path="connectors", **self._told(ask))

    def rows(self, ask: Ask) -> Answer:
        """The part that is asked for again and again; 204 where nothing has changed since."""
        return self.pages.show(ask, "overview_rows.html", **self._told(ask))

    def _told(self, ask: Ask) -> dict[str, Any]:
        given = {key: query(ask, key) for key in _KEPT}
        told = self.pages.api(ask).get(
            "/bridge/v1/connectors", **{"sort": "condition", **_some(given)}, spark="true"
        )
        sort = given["sort"] or "condition"
        return {
            "told": told,
            "given": given,
            "columns": [
                (key, title, kind, _sorted(sort, key), _link(given, sort=_turned(sort, key)))
                for key, title, kind in _COLUMNS
            ],
            "counts": [
                (name, CONDITIONS[name], count, _link(given, condition=name, page=""))
                for name, count in told["counts"].items()
                if count
            ],
            "everything": _link(given, condition="", page=""),
            "here": _link(given),
            "earlier": _link(given, page=str(told["page"] - 1)) if told["page"] > 1 else None,
            "later": _link(given, page=str(told["page"] + 1))
            if told["page"] < (told["pages"] or 1)
            else None,
        }


def _some(given: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in given.items() if value}


def _link(given: dict[str, str], **changed: str) -> str:
    """The query of this page with something changed."""
    return urlencode(_some({**given, **changed}))


def _sorted(sort: str, key: str) -> str:
    if sort.removeprefix("-") != key:
        return "none"
    return "descending" if sort.startswith("-") else "ascending"


def _turned(sort: str, key: str) -> str:
    """What a click on a column's head sorts by: numbers from the largest on first."""
    first = (
        "-" if key in ("rate", "lag", "last_event_at", "dead_letters", "errors", "protected_fields") else ""
    )
    other = "" if first else "-"
    return other + key if sort == first + key else first + key
