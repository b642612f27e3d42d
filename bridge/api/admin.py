"""Health, metrics, loggers, and the description of the API itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from attrs import frozen

from bridge.api import describe
from bridge.api.exchange import Answer, Ask, Handler, fields
from bridge.config.scalars import text_of
from bridge.java.texts import trimmed
from bridge.worker import records
from bridge.worker.leader import Leader
from bridge.worker.loggers import LEVELS, Loggers, refusal
from bridge.worker.refusals import Refused

_STARTED = "Worker has completed startup and is ready to handle requests."


@frozen
class Admin:
    """The handlers."""

    loggers: Loggers
    leader: Callable[[], Leader | None]
    ready: Callable[[], bool]
    stage: Callable[[], str]
    metrics: Callable[[], str]

    def health(self, ask: Ask) -> Answer:
        if self.ready():
            return Answer(200, {"status": "healthy", "message": _STARTED})
        return Answer(
            503, {"status": "starting", "message": f"Worker is still starting up. {self.stage()}".strip()}
        )

    def scrape(self, ask: Ask) -> Answer:
        return Answer(200, self.metrics().encode(), {}, "text/plain; version=0.0.4; charset=utf-8")

    def all(self, ask: Ask) -> Answer:
        return Answer(200, self.loggers.all())

    def one(self, ask: Ask) -> Answer:
        level = self.loggers.get(_logger(ask))
        if level is None:
            raise Refused(404, f"Logger {ask.path[0]} not found.")
        return Answer(200, level)

    def put(self, ask: Ask) -> Answer:
        body = ask.json()
        level = body.get("level") if isinstance(body, dict) else None
        if body is not None and not isinstance(body, dict):
            fields(body, (), "the request")
        if level is None:
            raise Refused(400, "Desired 'level' parameter was not specified in request.")
        if isinstance(level, dict | list):
            raise Refused(400, "level must be a text")
        wanted = trimmed(text_of(level)).upper()
        if not wanted:
            raise Refused(400, "Illegal null or empty Level name.")
        if wanted not in LEVELS:
            raise Refused(404, f"invalid log level '{text_of(level)}'.")
        name = _logger(ask)
        if reason := refusal(name, wanted):
            raise Refused(400, reason)
        if ask.query.get("scope", ["worker"])[0].lower() != "cluster":
            return Answer(200, self.loggers.change(name, wanted))
        leader = self.leader()
        if leader is not None:
            leader.write([(records.LOGGER + name, records.encode({"level": wanted}))])
        return Answer(204)

    def openapi(self, ask: Ask) -> Answer:
        return Answer(200, _description(), {}, "application/yaml")


def _logger(ask: Ask) -> str:
    """The root's name is taken in any case, as in Kafka Connect."""
    return "root" if ask.path[0].lower() == "root" else ask.path[0]


@cache
def _description() -> bytes:
    return describe.text().encode()


def routes(api: Admin) -> dict[str, dict[str, Handler]]:
    """As in :func:`bridge.api.connect.routes`."""
    return {
        "health": {"GET": api.health},
        "metrics": {"GET": api.scrape},
        "openapi.yaml": {"GET": api.openapi},
        "admin/loggers": {"GET": api.all},
        "admin/loggers/*": {"GET": api.one, "PUT": api.put},
    }
