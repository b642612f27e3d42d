"""HTTP as the registry speaks it: media types, paths split before they are decoded, errors as JSON.

A subject may hold an encoded slash, so a path is split first. ``/contexts/{c}`` in front of a path is folded into
the subject, or the prefix, that it stands for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from threading import RLock
from typing import Any, Final
from urllib.parse import parse_qs, unquote

from attrs import frozen
from starlette.requests import Request
from starlette.responses import Response

from bridge.languages.compatibility.json_text import Number
from bridge.sandbox.registry import names, shapes
from bridge.sandbox.registry.error_codes import BareError, RegistryError
from bridge.sandbox.registry.names import ALL
from bridge.sandbox.registry.numerals import java_int
from bridge.sandbox.server import Receive, Scope, Send

V1: Final = "application/vnd.schemaregistry.v1+json"
_TYPES_OUT: Final = (V1, "application/vnd.schemaregistry+json", "application/json")
_TYPES_IN: Final = (*_TYPES_OUT, "application/octet-stream")

_ASTRAL: Final = re.compile("[\U00010000-\U0010ffff]")

Json = dict[str, Any]


@frozen
class Call:
    """One request, taken apart."""

    path: tuple[str, ...]
    query: dict[str, list[str]]
    body: Any
    has_body: bool

    def text(self, key: str, default: str | None = None) -> str | None:
        """A query value; the first where a key comes several times."""
        return self.query[key][0] if key in self.query else default

    def flag(self, key: str) -> bool:
        """A query value as Java's ``Boolean.valueOf`` reads it: any case of *true*."""
        return (self.text(key) or "").lower() == "true"

    def page(self, items: list[Any]) -> list[Any]:
        """The items that ``offset`` and ``limit`` ask for."""
        offset, limit = max(self._int("offset", 0), 0), self._int("limit", -1)
        return items[offset:] if limit <= 0 else items[offset : offset + limit]

    def object(self, what: str) -> Json:
        """The body, its fields in their types. Raises 422 where it is missing, 400 where it is something else."""
        if not self.has_body or self.body is None:
            raise RegistryError(422, f"{what} must not be null (was null)")
        if not isinstance(self.body, dict):
            raise shapes.refusal(shapes.class_of(what), self.body)
        return shapes.read(what, self.body)

    def _int(self, key: str, default: int) -> int:
        text = self.text(key) or ""
        return number(text) if text.strip() else default


Handler = Callable[[Call], Any]


class Raw(str):
    """An answer that is JSON text already."""


class Application:
    """An ASGI application over a table ``METHOD /path/{}`` → handler; one lock is held around each handler.

    ``changed`` is called within it after a request that may have changed something.
    """

    def __init__(
        self, table: Mapping[str, Handler], lock: RLock, changed: Callable[[], None] = lambda: None
    ) -> None:
        self._lock = lock
        self._changed = changed
        self._table: list[tuple[str, tuple[str, ...], Handler]] = []
        for key, handler in table.items():
            method, path = key.split(" ")
            self._table.append((method, _segments(path), handler))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        response = self._answer(request, await request.body())
        await response(scope, receive, send)

    def _answer(self, request: Request, body: bytes) -> Response:
        media_type = _acceptable(request.headers.get("accept", "*/*"))
        if media_type is None:
            return _plain(406, "HTTP 406 Not Acceptable")
        try:
            handler, call = self._match(request, body)
            with self._lock:
                answer = handler(call)
                if request.method not in ("GET", "HEAD"):
                    self._changed()
        except BareError as error:
            return _plain(error.code, error.message)
        except RegistryError as error:
            return _json({"error_code": error.code, "message": error.message}, media_type, error.status)
        if answer is None:
            return Response(status_code=204)
        if isinstance(answer, Raw):
            return Response(answer, media_type=media_type, headers={"Content-Type": media_type})
        return _json(answer, media_type)

    def _match(self, request: Request, body: bytes) -> tuple[Handler, Call]:
        segments = tuple(
            unquote(s) for s in request.scope["raw_path"].decode("latin-1").strip("/").split("/")
        )
        query = parse_qs(request.url.query, keep_blank_values=True)
        segments, query = _without_context(segments if segments != ("",) else (), query)
        allowed = False
        for method, pattern, handler in self._table:
            captured = _captures(pattern, segments)
            if captured is None:
                continue
            allowed = True
            if method == request.method:
                content_type = request.headers.get("content-type", "application/octet-stream").split(";")[0]
                if body and content_type not in _TYPES_IN:
                    raise RegistryError(415, "HTTP 415 Unsupported Media Type")
                return handler, Call(captured, query, _parsed(body), bool(body.strip()))
        code, text = (405, "Method Not Allowed") if allowed else (404, "Not Found")
        raise BareError(code, f"HTTP {code} {text}")


def number(text: str) -> int:
    """A number in a path or query. Raises 404, as for a path that does not exist."""
    value = java_int(text)
    if value is None:
        raise RegistryError(404, "HTTP 404 Not Found")
    return value


def _segments(path: str) -> tuple[str, ...]:
    return tuple(unquote(segment) for segment in path.strip("/").split("/")) if path.strip("/") else ()


def _without_context(
    segments: tuple[str, ...], query: dict[str, list[str]]
) -> tuple[tuple[str, ...], dict[str, list[str]]]:
    """Fold ``/contexts/{c}/…`` into the path or the query it qualifies."""
    if len(segments) < 3 or segments[0] != "contexts":
        return segments, query
    prefix = f":{names.context_of_path(segments[1])}:"
    rest = list(segments[2:])
    query = dict(query)
    holder = next((i for i, s in enumerate(rest) if s in ("subjects", "deks")), None)
    if rest[0] in ("config", "mode"):
        holder = 0
        rest = rest if len(rest) > 1 else [*rest, ""]
    if rest[:2] == ["schemas", "ids"]:
        query["subject"] = [_qualified(prefix, query.get("subject", [""])[0])]
    elif rest in (["schemas"], ["subjects"]):
        query["subjectPrefix"] = [_qualified(prefix, query.get("subjectPrefix", [""])[0])]
    elif holder is not None and holder + 1 < len(rest):
        rest[holder + 1] = _qualified(prefix, rest[holder + 1])
    return tuple(rest), query


def _qualified(prefix: str, subject: str) -> str:
    return subject if subject.startswith((":.", ALL)) else prefix + subject


def _captures(pattern: tuple[str, ...], segments: tuple[str, ...]) -> tuple[str, ...] | None:
    if len(pattern) != len(segments):
        return None
    captured = []
    for expected, segment in zip(pattern, segments, strict=True):
        if expected == "{}":
            captured.append(segment)
        elif expected != segment:
            return None
    return tuple(captured)


def _parsed(body: bytes) -> Any:
    if not body.strip():
        return None
    try:
        return json.loads(body, parse_float=Number, parse_constant=Number)
    except (ValueError, RecursionError) as error:
        raise RegistryError(400, f"The body is not valid JSON: {error}") from None


def _acceptable(accept: str) -> str | None:
    """The media type to answer with."""
    asked = [part.split(";")[0].strip() for part in accept.split(",")]
    if "*/*" in asked or "application/*" in asked or V1 in asked:
        return V1
    return next((kind for kind in _TYPES_OUT if kind in asked), None)


def _json(value: Any, media_type: str, status: int = 200) -> Response:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    body = _ASTRAL.sub(_escaped, text).encode("utf-8", "surrogatepass")
    return Response(body, status_code=status, headers={"Content-Type": media_type})


def _escaped(match: re.Match[str]) -> str:
    """A character outside the basic plane goes out as two escapes."""
    pair = match[0].encode("utf-16-be").hex().upper()
    return f"\\u{pair[:4]}\\u{pair[4:]}"


def _plain(status: int, message: str) -> Response:
    body = json.dumps({"error_code": status, "message": message}, separators=(",", ":"))
    return Response(body, status_code=status)
