"""Replies as they must not be: cut, truncated, slow, not JSON, with events twice or out of order."""

from __future__ import annotations

import asyncio
import re

from starlette.responses import HTMLResponse, Response

from bridge.sandbox.org.faults import Armed, Faults
from bridge.sandbox.server import TRANSPORT, Receive, Scope, Send

PAGE = "<!DOCTYPE html><html><head><title>Down for Maintenance</title></head><body>We are down.</body></html>"
_FIRST_TEXT = re.compile(rb'__c":"')
_GARBAGE = '{"data":{"schema":"none","payload":[1],"event":{"replayId":"none"}},"channel":"/event/None__e"}'


def spoil_events(parts: list[bytes], fault: Armed, faults: Faults) -> None:
    """Change the events among a reply's messages as the fault says, in place."""
    events = [part for part in parts if part.startswith(b'{"data"')]
    others = [part for part in parts if not part.startswith(b'{"data"')]
    match fault.kind:
        case "duplicate":
            events = [event for event in events for _ in range(2)]
        case "shuffle":
            faults.shuffle(events)
        case "surrogate":
            events[0] = _FIRST_TEXT.sub(rb"\g<0>\\ud800", events[0], count=1)
        case "garbage":
            events.append(str(fault.options.get("body", _GARBAGE)).encode())
        case _:
            return
    parts[:] = [*events, *others]


def spoil_reply(body: bytes, headers: dict[str, str], fault: Armed) -> Response:
    """The HTTP response for a reply that this fault hits."""
    match fault.kind:
        case "drop":
            return CutResponse(body, headers, int(fault.options.get("bytes", 1000)))
        case "slow":
            return SlowResponse(body, headers, float(fault.options.get("seconds", 2)))
        case "truncate":
            return Response(body[: max(len(body) * 2 // 3, 1)], headers=headers)
        case "html":
            return HTMLResponse(PAGE)
    return Response(body, headers=headers)


async def disconnected(receive: Receive) -> None:
    """Return when the client has closed its connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


class CutResponse(Response):
    """Promises the whole body, sends ``size`` bytes of it, then cuts the TCP connection."""

    def __init__(self, body: bytes, headers: dict[str, str], size: int) -> None:
        super().__init__(body, headers=headers)
        self._size = min(size, len(body) - 1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the beginning and abort."""
        transport = scope[TRANSPORT]
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": bytes(self.body[: self._size]), "more_body": True})
        for _ in range(500):  # what is still buffered here would be lost with the connection
            if transport.get_write_buffer_size() == 0:
                break
            await asyncio.sleep(0.01)
        transport.abort()
        await disconnected(receive)


class SlowResponse(Response):
    """Arrives in twenty pieces over a number of seconds."""

    def __init__(self, body: bytes, headers: dict[str, str], seconds: float) -> None:
        super().__init__(body, headers=headers)
        self._pause = seconds / 20

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send piece by piece."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        body = bytes(self.body)
        step = len(body) // 20 + 1
        for start in range(0, len(body), step):
            await asyncio.sleep(self._pause)
            await send({"type": "http.response.body", "body": body[start : start + step], "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
