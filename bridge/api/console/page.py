"""What every page has: the template around it, the headers, who looks at it, and the way to the REST API.

A page asks documented endpoints and nothing else, in this process and with the rights of whoever looks (``Api``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, quote, urlencode

from attrs import define

from bridge import __version__
from bridge.api.console import words
from bridge.api.console.assets import address
from bridge.api.exchange import Answer, Ask
from bridge.api.guard import Visitor
from bridge.api.site import Site
from bridge.api.users import Role
from bridge.worker.refusals import Refused

if TYPE_CHECKING:
    from jinja2 import Environment

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
HTML: Final = "text/html; charset=utf-8"
THEME: Final = "sfbridge-theme"
FORM: Final = "application/x-www-form-urlencoded"


@cache
def environment() -> Environment:
    """The templates; everything that is put into them is escaped."""
    # here: who asks only for JSON needs no templates
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("bridge.api.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"asset": address, "version": __version__, "url": url}
    made.filters |= words.FILTERS
    return made


def quoted(part: str) -> str:
    """One part of a path, as the site reads it."""
    return quote(part, safe="")


def url(*parts: str, **query: object) -> str:
    """An address of the console; parts are quoted."""
    given = {key: value for key, value in query.items() if value not in (None, "")}
    path = "/".join(["/console", *map(quoted, parts)])
    return path + (f"?{urlencode(given)}" if given else "")


@define(eq=False)
class Api:
    """The REST API for one request of a page."""

    site: Site
    ask: Ask

    def get(self, path: str, **query: object) -> Any:
        """An answer's document. Raises Refused with its status and sentence."""
        given = {key: value for key, value in query.items() if value not in (None, "")}
        return self.call("GET", path + (f"?{urlencode(given)}" if given else ""))

    def call(self, method: str, target: str, body: object = None) -> Any:
        """The same of any method; ``body`` goes as JSON."""
        ask = self.ask
        kept = ("host", "cookie", "authorization", "origin", "sec-fetch-site")
        headers = {name: ask.headers[name] for name in kept if name in ask.headers}
        if ask.visitor.session is not None:  # the page itself has been asked with it, or changes nothing
            headers["x-sfbridge-token"] = ask.visitor.session.proof
        content = b"" if body is None else json.dumps(body).encode()
        if content:
            headers["content-type"] = "application/json"
        route = self.site.route(method, target, headers, ask.visitor)
        answer = (
            route
            if isinstance(route, Answer)
            else self.site.carry(route, target, headers, content, ask.base, ask.address)
        )
        document = json.loads(answer.content()) if answer.content() else None
        if answer.status >= 400:
            raise Refused(answer.status, _sentence(document))
        return document


def _sentence(document: Any) -> str:
    if isinstance(document, dict):
        if "message" in document:
            return str(document["message"])
        for error in document.get("errors") or ():
            return str(error.get("detail") or error)
    return "The worker refused it"


@define(eq=False)
class Pages:
    """Renders pages and parts of them for one site, which is there once all routes are."""

    site: Callable[[], Site]

    def api(self, ask: Ask) -> Api:
        """The REST API with the rights of whoever asks."""
        return Api(self.site(), ask)

    def show(self, ask: Ask, template: str, status: int = 200, **values: object) -> Answer:
        """A whole page, or a part of one."""
        visitor = ask.visitor
        told = {
            "visitor": visitor,
            "may_read": visitor.role >= Role.RECORDS,
            "may_write": visitor.role is Role.WRITE,
            "token": visitor.session.proof if visitor.session is not None else "",
            "theme": _theme(ask),
            "path": "",
            **values,
        }
        text = environment().get_template(template).render(told)
        return Answer(status, text.encode(), HEADERS, HTML)

    def entrance(self, target: str, headers: Mapping[str, str]) -> Answer | None:
        """What somebody gets who asks for a page and has not signed in; None where it is no page."""
        if not target.startswith("/console"):
            return None
        to = url("sign-in", to=target if headers.get("hx-request") is None else None)
        if headers.get("hx-request") is not None:  # a part of a page that was there before the session ended
            return Answer(401, b"", {**HEADERS, "HX-Redirect": to}, HTML)
        return Answer(303, b"", {**HEADERS, "Location": to}, HTML)

    def refusal(self, target: str, status: int, message: str) -> Answer | None:
        """A refusal as a page; None where it is none of a page."""
        if not target.startswith("/console") or target.startswith("/console/static"):
            return None
        ask = Ask("GET", (), visitor=Visitor("", Role.READ))
        return self.show(ask, "refused.html", status, message=message, title="Refused")


def _theme(ask: Ask) -> str:
    for part in ask.headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == THEME and value in ("light", "dark"):
            return value
    return ""


def form(ask: Ask) -> dict[str, str]:
    """The fields of a form. Raises Refused (415, 400)."""
    if ask.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise Refused(415, "A form is expected")
    try:
        given = parse_qs(ask.body.decode(), keep_blank_values=True, max_num_fields=2000)
    except ValueError:
        raise Refused(400, "The form cannot be read") from None
    return {key: values[-1] for key, values in given.items()}


def query(ask: Ask, name: str, default: str = "") -> str:
    """A text of the query."""
    return ask.query.get(name, [default])[-1]
