"""A request and its answer, free of any web framework, and JSON bodies as Kafka Connect reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import field, frozen

from bridge.api.guard import Visitor
from bridge.api.media import JSON, MalformedError, type_of
from bridge.api.users import Role
from bridge.config import scalars
from bridge.config.scalars import text_of
from bridge.java.texts import trimmed
from bridge.worker.refusals import Refused

FORWARDED: Final = "x-sfbridge-forwarded"
"""The header by which a worker says that it hands a request on."""
NOT_LEADER: Final = "x-sfbridge-not-leader"
"""The header by which a worker that was handed a request says that another one leads: nothing was done about it."""
MAX_BODY: Final = 1024 * 1024
"""No configuration of that size could be stored: brokers refuse larger records."""
MOST_PROPERTIES: Final = 5_000
_HALF: Final = re.compile("[\ud800-\udfff]")


@frozen
class Ask:
    """One request. ``path`` holds the decoded segments that the route leaves open."""

    method: str
    path: tuple[str, ...]
    query: Mapping[str, list[str]] = field(factory=dict)
    headers: Mapping[str, str] = field(factory=dict)
    body: bytes = b""
    base: str = ""
    visitor: Visitor = field(factory=lambda: Visitor("", Role.WRITE))
    address: str = ""
    """Of the client; empty where it is not known."""
    literally: bool = False
    """Whether secrets are to be shown as they were sent."""

    @property
    def forwarded(self) -> bool:
        """Whether another worker hands it on."""
        return FORWARDED in self.headers

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean as Java reads it: everything but 'true' is false."""
        given = self.query.get(name)
        return default if not given else given[0].lower() == "true"

    def json(self) -> Any:
        """The body; None if there is none. Raises Refused (415, 400)."""
        self.require_json()
        if not self.body.strip():
            return None
        try:
            return scalars.load(self.body, no_number=_no_constant)
        except (ValueError, RecursionError) as wrong:
            raise Refused(400, f"The body is not JSON: {_words(wrong)}") from None

    def require_json(self, *others: str) -> None:
        """Raises Refused for a body that is neither JSON by its Content-Type nor of one of the other types: 415, or 400
        for what is no media type."""
        if not self.body:
            return
        try:
            kind = type_of(self.headers["content-type"]) if "content-type" in self.headers else ""
        except MalformedError as wrong:
            raise Refused(400, str(wrong)) from None
        if kind not in (JSON, *others):
            raise Refused(415, "HTTP 415 Unsupported Media Type")


@frozen
class Answer:
    """``body`` None is no body, and has no media type; bytes are sent as they are, with ``kind`` as theirs."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(factory=dict)
    kind: str = "application/json"

    def media_type(self) -> str | None:
        """The Content-Type; None where there is no body, because clients decode by it."""
        return None if self.body is None else self.kind

    def content(self) -> bytes:
        """The bytes to send."""
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        return json.dumps(self.body, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


Handler = Callable[[Ask], Answer]


class Elsewhere(Exception):
    """Another worker has the answer. ``otherwise``: what is answered where it does not."""

    def __init__(self, worker: str, otherwise: Answer, seconds: float = 2.0) -> None:
        super().__init__(worker)
        self.worker, self.otherwise, self.seconds = worker, otherwise, seconds


def _words(wrong: BaseException) -> str:
    return "it is nested too deeply" if isinstance(wrong, RecursionError) else str(wrong)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON value")


def config_in(document: Any, what: str = "The body") -> dict[str, str | None]:
    """A flat map of properties; numbers and booleans become text as in Java. Raises Refused (400)."""
    if not isinstance(document, dict):
        raise Refused(400, f"{what} must be an object of properties")
    if len(document) > MOST_PROPERTIES:
        raise Refused(400, f"{what} holds {len(document)} properties; {MOST_PROPERTIES} are allowed")
    config: dict[str, str | None] = {}
    for key, value in document.items():
        if isinstance(value, dict | list):
            raise Refused(400, f"{what} holds no text as {key!r}: properties are flat")
        config[key] = None if value is None else text_of(value)
        clean(key, "the name of a property")
        clean(config[key] or "", key)
    return config


def clean(text: str, what: str) -> str:
    """Raises Refused (400) for half a character, which no topic can hold."""
    if _HALF.search(text):
        raise Refused(400, f"The body holds half a character (a lone surrogate) in {what}")
    return text


def name_in(given: Any) -> str:
    """A new connector's name, trimmed as in Java. Raises Refused (400) for what is no text; the herder judges it."""
    if isinstance(given, dict | list):
        raise Refused(400, "name must be a text")
    return clean(trimmed(text_of("" if given is None else given)), "name")


def fields(document: Any, allowed: tuple[str, ...], what: str) -> dict[str, Any]:
    """An object with these members only. Raises Refused (400)."""
    if document is None:
        raise Refused(400, f"{what} is missing: the body is empty or null")
    if not isinstance(document, dict):
        raise Refused(400, f"{what} must be an object")
    stray = next((key for key in document if key not in allowed), None)
    if stray is not None:
        raise Refused(400, f"Unrecognized field {stray!r} in {what}; known: {', '.join(allowed)}")
    return document


def offsets_in(listed: Any) -> list[tuple[Any, Any]]:
    """``[{"partition","offset"}]`` as pairs. Raises Refused (400)."""
    if not isinstance(listed, list):
        raise Refused(400, "offsets must be a list")
    pairs = []
    for item in listed:
        one = fields(item, ("partition", "offset"), "an offset")
        for part in ("partition", "offset"):
            if one.get(part) is not None and not isinstance(one[part], dict):
                raise Refused(400, f"{part} must be an object")
        pairs.append((one.get("partition"), one.get("offset")))
    return pairs
