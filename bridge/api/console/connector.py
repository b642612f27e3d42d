"""One connector: what it does now, its charts, its position, and what can be done to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from attrs import define, frozen

from bridge.api.console.page import Pages, form, query, quoted, url
from bridge.api.console.words import condition
from bridge.api.exchange import Answer, Ask
from bridge.api.users import Role
from bridge.worker.refusals import Refused

Line = tuple[str, str, Callable[[Ask], Answer], Role | None]
TABS: Final = (
    ("now", "Now", Role.READ),
    ("records", "Records", Role.RECORDS),
    ("configuration", "Configuration", Role.READ),
    ("schema", "Schema", Role.READ),
    ("keys", "Keys", Role.READ),
    ("letters", "Dead letters", Role.RECORDS),
    ("log", "Log", Role.RECORDS),
    ("checks", "Checks", Role.WRITE),
)


_CLOUD: Final = "/connect/v1/environments/-/clusters/-/connectors"


@frozen
class Act:
    """What a button does: a request of Kafka Connect's API, and what becomes of the connector, in a sentence."""

    word: str
    method: str
    path: str
    effect: str
    asks: bool = False
    """Whether it is confirmed, because something ends by it."""


ACTS: Final = {
    "pause": Act(
        "Pause",
        "PUT",
        "/pause",
        "It stops fetching; the position stays. Salesforce keeps events for 72 hours.",
    ),
    "resume": Act("Resume", "PUT", "/resume", "It goes on after its position."),
    "restart": Act(
        "Restart",
        "POST",
        "/restart?includeTasks=true",
        "It stops, commits what it has, and starts again after its position.",
    ),
    "stop": Act(
        "Stop",
        "PUT",
        "/stop",
        "It stops and gives its place up; its position stays and may then be moved. Events wait at Salesforce for "
        "72 hours.",
        True,
    ),
    "delete": Act(
        "Delete",
        "DELETE",
        "",
        "The connector is removed. Its topic, schemas and keys stay; its position stays, too, and a connector of this "
        "name would go on there.",
        True,
    ),
}


@define(eq=False)
class ConnectorPage:
    """The handlers."""

    pages: Pages

    def lines(self) -> list[Line]:
        base = "console/connectors/*"
        return [
            ("GET", base, self.now, Role.READ),
            ("GET", f"{base}/head", self.head, Role.READ),
            ("GET", f"{base}/numbers", self.numbers, Role.READ),
            ("GET", f"{base}/series", self.series, Role.READ),
            ("POST", f"{base}/act", self.act, Role.WRITE),
            ("GET", f"{base}/move", self.moving, Role.READ),
            ("POST", f"{base}/move", self.move, Role.WRITE),
        ]

    def now(self, ask: Ask) -> Answer:
        return self.shown(ask, "connector_now.html", "now", window=query(ask, "window", "15m"))

    def head(self, ask: Ask) -> Answer:
        """Its state and buttons, asked for again and again."""
        return self.pages.show(ask, "connector_head.html", **self.told(ask))

    def numbers(self, ask: Ask) -> Answer:
        """Its numbers, likewise."""
        return self.pages.show(ask, "connector_numbers.html", **self.told(ask))

    def series(self, ask: Ask) -> Answer:
        """The charts' numbers, as the REST API has them."""
        path = f"/bridge/v1/connectors/{quoted(ask.path[0])}/series"
        return Answer(200, self.pages.api(ask).get(path, window=query(ask, "window", "15m")))

    def act(self, ask: Ask) -> Answer:
        """Pause, resume, restart, stop, delete."""
        name, given = ask.path[0], form(ask)
        act = ACTS.get(given.get("act", ""))
        if act is None:
            raise Refused(400, "There is no such act")
        if act.word == "Delete" and given.get("name") != name:
            return self._said(ask, "Nothing was deleted: type the connector's name to confirm.", wrong=True)
        self.pages.api(ask).call(act.method, f"/connectors/{quoted(name)}{act.path}")
        if act.word == "Delete":
            return Answer(200, b"", {"HX-Redirect": url("")}, "text/html")
        return self._said(ask, f"Asked to {act.word.lower()}. The state follows when it has happened.")

    def moving(self, ask: Ask) -> Answer:
        """What becomes of a request for another position."""
        return self.pages.show(ask, "connector_move.html", wrong="", **self.told(ask))

    def move(self, ask: Ask) -> Answer:
        """Asks for another position, as the cloud's API takes it."""
        given, name = form(ask), ask.path[0]
        body: dict[str, object] = {"type": "DELETE"}
        if given.get("to") == "id":
            text = given.get("replay_id", "").strip()
            if not text.isdigit():
                told = self.told(ask)
                return self.pages.show(
                    ask, "connector_move.html", wrong="A replay id is a whole number.", **told
                )
            body = {"type": "PATCH", "offsets": [{"partition": {}, "offset": {"replayId": int(text)}}]}
        try:
            self.pages.api(ask).call("POST", f"{_CLOUD}/{quoted(name)}/offsets/request", body)
        except Refused as refused:
            return self.pages.show(ask, "connector_move.html", wrong=refused.message, **self.told(ask))
        return self.moving(ask)

    def _said(self, ask: Ask, text: str, *, wrong: bool = False) -> Answer:
        told = {**self.told(ask), "said": text, "said_wrong": wrong}
        return self.pages.show(ask, "connector_head.html", **told)

    def shown(self, ask: Ask, template: str, tab: str, **values: object) -> Answer:
        """One of its pages."""
        name = ask.path[0]
        return self.pages.show(
            ask, template, title=name, path="connectors", tab=tab, **{**self.told(ask), **values}
        )

    def told(self, ask: Ask) -> dict[str, Any]:
        """What all of its pages show."""
        name = ask.path[0]
        row = self.pages.api(ask).get(f"/bridge/v1/connectors/{quoted(name)}")
        return {
            "name": name,
            "row": row,
            "condition": condition(row["condition"]),
            "acts": [(key, ACTS[key]) for key in _possible(row)],
            "tabs": [
                (key, title, url("connectors", name) if key == "now" else url("connectors", name, key))
                for key, title, role in TABS
                if ask.visitor.role >= role
            ],
            "said": "",
            "before": _before(row),
            "said_wrong": False,
        }


def _possible(row: dict[str, Any]) -> list[str]:
    """What makes sense in a state."""
    wanted, state = row["target"], row["connect_state"]
    acts = []
    if wanted == "RUNNING":
        acts.append("pause")
        acts.append("restart")
    elif wanted in ("PAUSED", "STOPPED"):
        acts.append("resume")
    if wanted != "STOPPED":
        acts.append("stop")
    if state == "FAILED" and "restart" not in acts:
        acts.append("restart")
    return [*acts, "delete"]


def _before(row: dict[str, Any]) -> int | None:
    """The replay id that the last move came from."""
    for one in (row.get("move") or {}).get("previous_offsets") or ():
        replay_id = (one.get("offset") or {}).get("replayId")
        if isinstance(replay_id, int) and replay_id >= 0:
            return replay_id
    return None
