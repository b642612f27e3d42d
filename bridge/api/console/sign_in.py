"""The sign-in of a person, and the way out."""

from __future__ import annotations

from attrs import define, evolve

from bridge.api.console.page import HEADERS, HTML, Pages, form, query, url
from bridge.api.exchange import Answer, Ask
from bridge.api.guard import Guard
from bridge.api.v1.session import SignIn
from bridge.worker.refusals import Refused


@define(eq=False)
class Door:
    """The handlers."""

    pages: Pages
    guard: Guard
    session: SignIn

    def show(self, ask: Ask) -> Answer:
        return self._page(ask, _inside(query(ask, "to")))

    def enter(self, ask: Ask) -> Answer:
        given = form(ask)
        to = _inside(given.get("to", ""))
        try:
            visitor = self.session.sign_in(given.get("name", ""), given.get("password", ""), ask.address)
        except Refused as refused:
            return self._page(ask, to, given.get("name", ""), refused.message, 200)
        assert visitor.session is not None
        cookie = self.session.cookie(ask, visitor.session.token)
        return Answer(303, b"", {**HEADERS, "Location": to, "Set-Cookie": cookie}, HTML)

    def leave(self, ask: Ask) -> Answer:
        answer = self.session.end(ask)
        return Answer(200, b"", {**HEADERS, **answer.headers, "HX-Redirect": url("sign-in")}, HTML)

    def _page(self, ask: Ask, to: str, name: str = "", wrong: str = "", status: int = 200) -> Answer:
        ask = evolve(ask, visitor=evolve(ask.visitor, name="", session=None))
        return self.pages.show(ask, "sign_in.html", status, title="Sign in", to=to, name=name, wrong=wrong)


def _inside(to: str) -> str:
    """Only a page of ours: whoever makes somebody follow a link must not choose where they end."""
    return to if to.startswith("/console/") and "\\" not in to and "//" not in to else url("")
