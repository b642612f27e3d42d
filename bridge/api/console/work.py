"""What takes longer than a page may: a job of the REST API is asked for, and looked at until it has ended."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from attrs import define, frozen

from bridge.api.console.connector import ConnectorPage, Line
from bridge.api.console.page import Pages, form, query, quoted, url
from bridge.api.exchange import Answer, Ask
from bridge.api.users import Role
from bridge.worker.refusals import Refused

JOBS: Final = "/bridge/v1/jobs"
Wish = Callable[[Mapping[str, str]], dict[str, object]]


def _nothing(_: Mapping[str, str]) -> dict[str, object]:
    return {}


def _records(given: Mapping[str, str]) -> dict[str, object]:
    """Which records, as the API takes it; what is not given is left out."""
    start = given.get("start") or "newest"
    wish: dict[str, object] = {"start": start, "limit": _whole(given.get("limit"), "limit") or 50}
    if (partition := _whole(given.get("partition"), "partition")) is not None:
        wish["partition"] = partition
    if start == "offset":
        wish["offset"] = _whole(given.get("offset"), "offset") or 0
    if start == "time":
        wish["time"] = given.get("time") or "1h"
    return wish


def _preview(given: Mapping[str, str]) -> dict[str, object]:
    return {
        "max_events": _whole(given.get("max_events"), "max_events") or 3,
        "explain": True,
        "start": given.get("start") or "all",
    }


def _whole(text: str | None, what: str) -> int | None:
    if not text or not text.strip():
        return None
    if not text.strip().isdigit() or len(text) > 19:
        raise Refused(400, f"{what} must be a whole number")
    return int(text)


@frozen
class Kind:
    """One kind of job. ``tab``: the page made for it, empty where it stands on another; ``template``: how its items
    are shown."""

    path: str
    tab: str
    role: Role
    template: str
    wish: Wish = _nothing


KINDS: Final[Mapping[str, Kind]] = {
    "records": Kind("records", "records", Role.RECORDS, "job_records.html", _records),
    "preview": Kind("preview", "records", Role.RECORDS, "job_preview.html", _preview),
    "letters": Kind(
        "letters",
        "letters",
        Role.RECORDS,
        "job_letters.html",
        lambda given: {"limit": _whole(given.get("limit"), "limit") or 50},
    ),
    "schema": Kind("schemas", "schema", Role.READ, "job_schema.html", lambda given: {"texts": True}),
    "keys": Kind("keys", "keys", Role.READ, "job_keys.html"),
    "verify": Kind("keys/verify", "keys", Role.WRITE, "job_verify.html"),
    "checks": Kind("checks", "checks", Role.WRITE, "job_checks.html"),
    "moment": Kind(
        "moment", "", Role.WRITE, "job_moment.html", lambda given: {"at": given.get("at", "").strip()}
    ),
}
_OVER: Final = ("DONE", "FAILED", "CANCELLED")


@define(eq=False)
class Work:
    """The handlers: a page for each tab, a part of it for each job."""

    pages: Pages
    connector: ConnectorPage

    def lines(self) -> list[Line]:
        """Their routes."""
        base = "console/connectors/*"
        roles: dict[str, Role] = {}
        for kind in (kind for kind in KINDS.values() if kind.tab):
            roles[kind.tab] = min(kind.role, roles.get(kind.tab, kind.role))
        lines: list[Line] = [
            ("GET", f"{base}/{tab}", partial(self.tab, tab), role) for tab, role in roles.items()
        ]
        for name, kind in KINDS.items():
            lines.append(("POST", f"{base}/{name}/begin", partial(self.begin, name), kind.role))
        lines.append(("GET", "console/jobs/*/*", self.look, Role.READ))
        return lines

    def tab(self, tab: str, ask: Ask) -> Answer:
        return self.connector.shown(ask, f"connector_{tab}.html", tab)

    def begin(self, name: str, ask: Ask) -> Answer:
        """Asks for a job of a connector."""
        kind = KINDS[name]
        given = form(ask) if ask.body else {}
        path = f"/bridge/v1/connectors/{quoted(ask.path[0])}/{kind.path}"
        try:
            job = self.pages.api(ask).call("POST", path, kind.wish(given))
        except Refused as refused:
            return self.pages.show(ask, "job_refused.html", message=refused.message)
        return self.shown(ask, name, job)

    def look(self, ask: Ask) -> Answer:
        """How far a job is."""
        name, job_id = ask.path
        if name not in KINDS:
            raise Refused(404, "There is no such page")
        try:
            job = self.pages.api(ask).get(f"{JOBS}/{quoted(job_id)}")
        except Refused as refused:
            return self.pages.show(ask, "job_refused.html", message=refused.message)
        return self.shown(ask, name, job)

    def shown(self, ask: Ask, name: str, job: Mapping[str, Any]) -> Answer:
        """A job as a part of a page, which asks again until it has ended."""
        return self.pages.show(
            ask,
            KINDS[name].template,
            job=job,
            kind=name,
            over=job["state"] in _OVER,
            again=url("jobs", name, str(job["id"])),
            connector=job.get("connector"),
            pretty=_pretty,
            query=partial(query, ask),
        )


def _pretty(value: object) -> str:
    """A value as people read JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False)
