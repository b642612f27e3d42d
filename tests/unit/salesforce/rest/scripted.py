"""An org that answers REST requests as it is told."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field

from bridge.config import config_of
from bridge.salesforce.auth import Login
from bridge.salesforce.rest import Rest
from tests.support.web_server import Answer, Request, Web

EVENT = "Order_Placed__e"
NOT_FOUND = Answer([{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}], 404)
EXPIRED = Answer([{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}], 401)


@define
class Org:
    """A scripted org: a token endpoint, and answers by path; a token is good as long as it is the newest."""

    web: Web
    answers: dict[str, Answer | Callable[[Request], Answer]] = field(factory=dict)
    tokens: int = 0

    def script(self, request: Request) -> Answer:
        if request.path == "/services/oauth2/token":
            self.tokens += 1
            identity = "https://x/id/00D5g000004XyZzEAK/0055g00000Ab1cdAAA"
            return Answer({"access_token": f"T{self.tokens}", "instance_url": self.web.url, "id": identity})
        if request.headers.get("authorization") != f"Bearer T{self.tokens}":
            return EXPIRED
        answer = self.answers.get(request.path, NOT_FOUND)
        return answer(request) if callable(answer) else answer

    def rest(self, **given: str) -> Rest:
        values = {
            "salesforce.grant.type": "CLIENT_CREDENTIALS",
            "salesforce.instance": self.web.url,
            "salesforce.consumer.key": "key",
            "salesforce.consumer.secret": "secret",
            "salesforce.version": "66.0",
            **{key.replace("__", "."): value for key, value in given.items()},
        }
        connector = config_of(values)
        patience = connector["request.max.retries.time.ms"] if len(given) else 300
        return Rest(Login(connector), {**connector, "request.max.retries.time.ms": patience})

    def paths(self) -> list[str]:
        return [request.path for request in self.web.requests if "oauth2" not in request.path]


def data(path: str, version: str = "66.0") -> str:
    return f"/services/data/v{version}/{path}"
