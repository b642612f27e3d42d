"""``/_sandbox``: the simulator's own levers, for whoever drives it from another process.

- ``GET /_sandbox/state``: org, sessions, channels, counters, faults
- ``POST /_sandbox/publish`` with ``{"event"}`` and one of ``payload``, ``payloads``, ``count``
- ``POST /_sandbox/faults`` with ``{"kind", "times", …}`` (the kinds are those of ``faults.KINDS``), or
  ``{"clear": true}``
- ``POST /_sandbox/actions`` with ``{"action", …}``: revoke_tokens, forget_sessions, expire, refresh,
  add_field, remove_field, define_channel, hide_classification, show_classification
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge.sandbox.definition import EventDefinition, FieldDefinition
from bridge.sandbox.org.bus import EventBus, UnknownEvent
from bridge.sandbox.org.faults import Faults
from bridge.sandbox.org.messages import encode_json

Body = dict[str, Any]


class Levers(Protocol):
    """What can be moved: methods of ``Org``, where they are explained."""

    faults: Faults
    bus: EventBus

    def state(self) -> dict[str, Any]: ...
    def publish(self, event: str, payload: Mapping[str, Any]) -> int: ...
    def publish_many(self, event: str, events: int | Iterable[Mapping[str, Any]]) -> list[int]: ...
    def revoke_tokens(self) -> None: ...
    def forget_sessions(self) -> None: ...
    def expire(self, before: float) -> int: ...
    def refresh(self, org_id: str | None) -> str: ...
    def define(self, definition: EventDefinition) -> str: ...
    def define_channel(self, name: str, members: Iterable[str]) -> None: ...
    def hide_classification(self, event: str, *fields: str) -> None: ...
    def show_classification(self, event: str, *fields: str) -> None: ...


class Control:
    """The control endpoints of one org."""

    def __init__(self, org: Levers) -> None:
        self._org = org

    def routes(self) -> list[Route]:
        """Every control route."""
        return [
            Route("/_sandbox/state", self._state),
            Route("/_sandbox/publish", _endpoint(self._publish), methods=["POST"]),
            Route("/_sandbox/faults", _endpoint(self._faults), methods=["POST"]),
            Route("/_sandbox/actions", _endpoint(self._actions), methods=["POST"]),
        ]

    async def _state(self, request: Request) -> Response:
        return _json(self._org.state())

    def _publish(self, body: Body) -> Body:
        event = body["event"]
        if "payload" in body:
            return {"replayIds": [self._org.publish(event, body["payload"])]}
        ids = self._org.publish_many(event, body["payloads"] if "payloads" in body else int(body["count"]))
        return {"count": len(ids), "first": ids[0] if ids else None, "last": ids[-1] if ids else None}

    def _faults(self, body: Body) -> Body:
        if body.get("clear"):
            self._org.faults.clear()
        else:
            self._org.faults.arm(**body)
        return self._org.faults.state()

    def _actions(self, body: Body) -> Body:
        org = self._org
        match body.get("action"):
            case "revoke_tokens":
                org.revoke_tokens()
            case "forget_sessions":
                org.forget_sessions()
            case "expire":
                return {"expired": org.expire(float(body.get("before", time.time())))}
            case "refresh":
                return {"org_id": org.refresh(body.get("org_id"))}
            case "add_field":
                field = FieldDefinition(**body["field"])
                return {"schema": org.define(org.bus.definition(body["event"]).with_field(field))}
            case "remove_field":
                return {"schema": org.define(org.bus.definition(body["event"]).without_field(body["field"]))}
            case "define_channel":
                org.define_channel(body["channel"], list(body["events"]))
            case "hide_classification":
                org.hide_classification(body["event"], *body["fields"])
            case "show_classification":
                org.show_classification(body["event"], *body["fields"])
            case action:
                raise ValueError(f"unknown action {action!r}")
        return {}


def _endpoint(handler: Callable[[Body], Body]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            # The standard library's parser lets lone surrogates through, which is wanted here.
            return _json(handler(json.loads(await request.body())))
        except (UnknownEvent, ValueError, TypeError, KeyError) as error:
            return _json({"error": f"{type(error).__name__}: {error}"}, 400)

    return endpoint


def _json(value: Any, status: int = 200) -> Response:
    return Response(encode_json(value), status_code=status, media_type="application/json")
