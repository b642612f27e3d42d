"""The ASGI application: first who asks, then the body, then the answer; whatever takes time does so elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

from attrs import define, field

from bridge.api.exchange import MAX_BODY, Answer
from bridge.api.guard import Guard, Visitor
from bridge.api.site import Site, empty
from bridge.api.target import resolved

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

_BODIES: Final = 16 * MAX_BODY
"""All bodies of one listener that are being read or worked on, together."""
_LARGE: Final = 64 * 1024
_LARGE_AT_ONCE: Final = 2
_WAITING: Final = 4
"""How many of one address may wait for their password to be checked."""
_HASHING: Final = ThreadPoolExecutor(2, "rest-password")
"""All checks of passwords of the process: 16 MB of memory each."""
_ANSWERING: Final = 32
"""Requests of one listener that are answered at once; most of their time is waiting for Kafka or another worker."""


class Busy(Exception):
    """More of this is being done than can be; the client is to ask again."""


@define(eq=False)
class Door:
    """Checks passwords: one at a time for each address, and few in all."""

    guard: Guard
    _asking: dict[str, asyncio.Lock] = field(factory=dict)
    _waiting: dict[str, int] = field(factory=dict)

    async def visitor(self, address: str, headers: Mapping[str, str]) -> Visitor | None:
        """Whoever asks. Raises Busy."""
        recalled = self.guard.recall(headers)
        if not isinstance(recalled, bool):
            return recalled
        if not recalled:
            return None
        if self._waiting.get(address, 0) >= _WAITING:
            raise Busy
        self._waiting[address] = self._waiting.get(address, 0) + 1
        try:
            async with self._asking.setdefault(address, asyncio.Lock()):
                ask = partial(self.guard.visitor, headers)
                return await asyncio.get_running_loop().run_in_executor(_HASHING, ask)
        finally:
            self._waiting[address] -= 1
            if not self._waiting[address]:
                del self._waiting[address], self._asking[address]


@define(eq=False)
class Bodies:
    """Reads bodies within a budget of memory. One that is released was read, or given up."""

    budget: int = _BODIES
    large: asyncio.Semaphore = field(factory=lambda: asyncio.Semaphore(_LARGE_AT_ONCE))

    async def read(self, receive: Receive, pieces: list[bytes]) -> bool:
        """Fill ``pieces``; False if the client went away, or sends more than any body may have. Raises Busy."""
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return False
            piece = message.get("body", b"")
            if len(piece) > self.budget:
                raise Busy
            self.budget -= len(piece)
            size += len(piece)
            pieces.append(piece)
            if size > MAX_BODY:
                return True
            more = message.get("more_body", False)
        return True

    def release(self, pieces: list[bytes]) -> None:
        """Give the memory back."""
        self.budget += sum(map(len, pieces))


def application(site: Site, scheme: str) -> App:
    """The ASGI application of one listener."""
    door, bodies = Door(site.guard), Bodies()
    answering = ThreadPoolExecutor(_ANSWERING, "rest-answer")

    async def answer(
        scope: Message, receive: Receive, headers: Mapping[str, str], target: str
    ) -> Answer | None:
        refusal = site.stranger(target, headers, scheme)
        if refusal is not None:
            return refusal
        address = str((scope.get("client") or ("",))[0])
        route = site.route(scope["method"], target, headers, await door.visitor(address, headers))
        if isinstance(route, Answer):
            return route
        base = f"{scheme}://{headers.get('host', site.worker_id)}"
        if route.quick:
            return site.carry(route, target, headers, b"", base)
        pieces: list[bytes] = []
        try:
            if not await bodies.read(receive, pieces):
                return None
            body = b"".join(pieces)
            if len(body) > MAX_BODY:
                return site.too_large(target)
            work = partial(site.carry, route, target, headers, body, base, address)
            return await _work(answering, work, bodies.large if len(body) > _LARGE else None)
        finally:
            bodies.release(pieces)

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        query = scope["query_string"].decode("latin-1")
        asked = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
        target, headers = resolved(asked, _headers(scope["headers"]))
        try:
            given = await answer(scope, receive, headers, target)
        except Busy:
            given = site.busy(target)
        except Exception:
            given = site.failed(target)
        if given is not None:
            await _send(send, empty(given, scope["method"]))

    return app


async def _work(
    answering: ThreadPoolExecutor, work: Callable[[], Answer], turn: asyncio.Semaphore | None
) -> Answer:
    """In a thread. Large bodies take turns, because what is made of them in memory is many times larger."""
    loop = asyncio.get_running_loop()
    if turn is None:
        return await loop.run_in_executor(answering, work)
    async with turn:
        return await loop.run_in_executor(answering, work)


def _headers(given: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Names in small letters; one that stands twice has both values, as RFC 9110 (5.2) joins them."""
    headers: dict[str, str] = {}
    for raw, value in given:
        name, text = raw.decode("latin-1").lower(), value.decode("latin-1")
        headers[name] = f"{headers[name]}, {text}" if name in headers else text
    return headers


async def _send(send: Send, answer: Answer) -> None:
    content = answer.content()
    headers = {name.lower(): text for name, text in answer.headers.items()}
    if (kind := answer.media_type()) is not None:
        headers["content-type"] = kind
    if answer.status not in (204, 304):
        headers.setdefault("content-length", str(len(content)))
    raw = [(name.encode("latin-1"), text.encode("latin-1")) for name, text in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": content})
