"""The body of a CometD reply → its messages.

The usual reply costs one pass: msgspec decodes the whole array into ``Message`` structs, payloads stay raw.
What does not decode that way is taken apart more and more patiently, so that one bad message stays its own:

1. lone surrogate escapes (no parser takes them) become U+FFFD, in place, and are counted;
2. the array is decoded into raw messages, and those one by one, leniently;
3. where even the array's syntax is broken, its objects are found by their brackets.

An event message that still cannot be read becomes ``Unreadable``; nothing is dropped. A body that is not a
complete array of messages (cut, HTML, empty) raises ``Retriable``: the caller subscribes again after the last
accepted event.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import msgspec
from attrs import Factory, define

from bridge.errors import Retriable, Stage
from bridge.event import Message, Unreadable

RawMessage: TypeAlias = msgspec.Raw | memoryview


@define
class Reply:
    """The messages of one reply, or of one slice of a very large one; ``size`` in bytes, ``repaired``
    surrogates."""

    events: list[Message] = Factory(list)
    meta: list[Message] = Factory(list)
    unreadable: list[Unreadable] = Factory(list)
    size: int = 0
    repaired: int = 0


class _PeekHead(msgspec.Struct, gc=False):
    replayId: int  # noqa: N815 - the wire's own name


class _PeekData(msgspec.Struct, gc=False):
    event: _PeekHead


class _Peek(msgspec.Struct, gc=False):
    channel: str
    data: _PeekData | None = None


_decode_all = msgspec.json.Decoder(list[Message]).decode
_decode_raw = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_one = msgspec.json.Decoder(Message).decode
_decode_lenient = msgspec.json.Decoder(Message, strict=False).decode
_peek = msgspec.json.Decoder(_Peek).decode
_decode_any = msgspec.json.Decoder().decode

_BAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def parse(body: bytes | bytearray, slice_bytes: int) -> Iterator[Reply]:
    """The messages of a reply: one ``Reply``, or for a body above ``slice_bytes`` several slices, in the
    order of the replay ids, of which the last carries the meta messages. A slice keeps the whole body alive,
    but copies nothing.

    Raises ``Retriable`` (PARSE), before anything is yielded, when the body is not a complete array of
    messages.
    """
    if len(body) > slice_bytes:
        yield from _slices(_mutable(body), slice_bytes)
        return
    try:
        messages = _decode_all(body)
    except _BAD:
        yield _one_by_one(_mutable(body))
        return
    if not messages:
        raise _not_a_reply(body, "an empty list")
    events = [message for message in messages if message.data is not None]
    reply = Reply(events, [], [], len(body))
    if len(events) != len(messages):
        reply.meta = [message for message in messages if message.data is None]
        if not all(message.channel.startswith("/meta/") for message in reply.meta):
            reply = _one_by_one(_mutable(body))
    yield reply


def _mutable(body: bytes | bytearray) -> bytearray:
    return body if isinstance(body, bytearray) else bytearray(body)


def repair_surrogates(body: bytearray) -> int:
    """Replace lone surrogates by U+FFFD in place (both forms have the same length); returns how many."""
    count = 0
    for escape in _ESCAPE.finditer(body):
        if escape.lastgroup == "lone":
            body[escape.start() : escape.end()] = rb"\ufffd"
            count += 1
        elif escape.lastgroup == "raw":
            body[escape.start() : escape.end()] = b"\xef\xbf\xbd"
            count += 1
    return count


_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)|(?P<raw>\xed[\xa0-\xbf][\x80-\xbf])",
    re.DOTALL,
)


def _split(body: bytearray) -> tuple[list[RawMessage], int]:
    """The raw messages of a reply, from a correct array or else by brackets; and how many surrogates were
    repaired."""
    repaired = 0
    view = memoryview(body)
    if body.startswith(b"\xef\xbb\xbf"):
        view = view[3:]
    start = bytes(view[:64]).lstrip()
    if start.startswith(b"{"):
        return [view], 0  # some recordings show a single message outside of an array
    if not start.startswith(b"["):
        raise _not_a_reply(body, "nothing" if not start else "no JSON list")
    raws = _raw_messages(view)
    if raws is None and (repaired := repair_surrogates(body)):
        raws = _raw_messages(view)
    if raws is None:
        raws = _by_brackets(view)
    if not raws:
        raise _not_a_reply(body, "an empty list")
    return raws, repaired


def _raw_messages(view: memoryview) -> list[RawMessage] | None:
    try:
        return list(_decode_raw(view))
    except _BAD:
        return None


_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{}]', re.DOTALL)
_CLOSES = {b"]": b"[", b"}": b"{"}


def _by_brackets(view: memoryview) -> list[RawMessage]:
    """The objects in a top-level array of which some object is not correct JSON."""
    opened: list[bytes] = []
    raws: list[RawMessage] = []
    begin = 0
    end = None
    for match in _TOKEN.finditer(view):
        token = match[0]
        if token in (b"[", b"{"):
            if len(opened) == 1:
                begin = match.start()
            opened.append(token)
        elif token in _CLOSES:
            if not opened or opened.pop() != _CLOSES[token]:
                break
            if len(opened) == 1:
                raws.append(view[begin : match.end()])
            elif not opened:
                end = match.end()
                break
    if end is None or bytes(view[end : end + 64]).strip():
        raise _not_a_reply(view, "a list that is cut or malformed")
    return raws


def _one_by_one(body: bytearray) -> Reply:
    raws, repaired = _split(body)
    reply = Reply(size=len(body), repaired=repaired)
    for raw in raws:
        _add(raw, reply)
    _require_messages(reply)
    return reply


def _slices(body: bytearray, slice_bytes: int) -> Iterator[Reply]:
    """Only replay ids are read at first: they decide the order, and cost little memory."""
    raws, repaired = _split(body)
    meta = Reply()
    events: list[RawMessage] = []
    ids: list[int] = []
    last = -1
    recognised = False
    for raw in raws:
        try:
            peeked = _peek(raw)
        except _BAD:
            copy = bytes(raw)
            last = _replay_id(copy) or last
            recognised = recognised or _like_a_message(copy)
        else:
            recognised = True
            if peeked.data is None and peeked.channel.startswith("/meta/"):
                _add(raw, meta)
                continue
            last = peeked.data.event.replayId if peeked.data is not None else last
        events.append(raw)
        ids.append(last)
    if not recognised:
        raise _not_a_reply(body, "JSON without any message")
    order = sorted(range(len(ids)), key=ids.__getitem__)
    del ids, raws
    reply = Reply(repaired=repaired)
    for index in order:
        raw = events[index]
        _add(raw, reply)
        reply.size += len(memoryview(raw))
        if reply.size >= slice_bytes:
            meta.meta += reply.meta
            reply.meta = []
            yield _detached(reply)
            reply = Reply()
    reply.meta += meta.meta
    yield _detached(reply)


def _detached(reply: Reply) -> Reply:
    """Whoever remembers a slice's last event, as a position does, must not keep the whole body alive by it."""
    last = reply.events[-1].data if reply.events else None
    if last is not None:
        last.payload = last.payload.copy()
    return reply


def _add(raw: RawMessage, reply: Reply) -> None:
    """Decode one message, as leniently as needed, into the part of the reply it belongs to."""
    try:
        message = _decode_one(raw)
    except _BAD as strict:
        try:
            message = _decode_lenient(raw)
        except _BAD:
            _add_loosely(bytes(raw), str(strict), reply)
            return
    if message.data is not None:
        reply.events.append(message)
    elif message.channel.startswith("/meta/"):
        reply.meta.append(message)
    else:
        reply.unreadable.append(_unreadable(bytes(raw), "it has no data"))


def _add_loosely(raw: bytes, reason: str, reply: Reply) -> None:
    fields = _object(raw)
    if fields is None or not _is_control(fields):
        reply.unreadable.append(_unreadable(raw, reason))
        return
    error = fields.get("error") or fields.get("errorCode")
    text = " ".join(str(part) for part in (error, fields.get("message")) if part)
    reply.meta.append(
        Message(
            channel=str(fields.get("channel") or ""),
            clientId=_text(fields.get("clientId")),
            subscription=_text(fields.get("subscription")),
            successful=str(fields.get("successful")).lower() == "true",
            error=text or None,
            advice=_mapping(fields.get("advice")),
            ext=_mapping(fields.get("ext")),
        )
    )


def _is_control(fields: Mapping[str, Any]) -> bool:
    """A reply to a request of ours, or Salesforce's REST-style error object (which has no channel)."""
    channel = fields.get("channel")
    if channel is None:
        return ("errorCode" in fields or "error" in fields) and "data" not in fields
    return str(channel).startswith("/meta/")


def _object(raw: bytes) -> dict[str, Any] | None:
    try:
        value = _decode_any(raw)
    except _BAD:
        return None
    return value if isinstance(value, dict) else None


def _text(value: object) -> str | None:
    return str(value) if isinstance(value, str | int) else None


def _mapping(value: object) -> dict[str, Any] | None:
    return value if isinstance(value, dict) else None


def _unreadable(raw: bytes, reason: str) -> Unreadable:
    return Unreadable(raw, reason, _replay_id(raw))


_REPLAY_ID = re.compile(rb'"replayId"\s*:\s*"?(-?\d{1,19})\b')


def _replay_id(raw: bytes) -> int | None:
    """The replay id of a message that cannot be decoded, where it is beyond doubt."""
    fields = _object(raw)
    if fields is not None:
        data = _mapping(fields.get("data")) or {}
        value = (_mapping(data.get("event")) or {}).get("replayId")
        return value if isinstance(value, int) and not isinstance(value, bool) else None
    ids = set(_REPLAY_ID.findall(raw))
    return int(ids.pop()) if len(ids) == 1 else None


def _require_messages(reply: Reply) -> None:
    """A list (or object) without anything like a message is no reply at all, rather than unreadable
    events."""
    if reply.events or reply.meta or any(_like_a_message(item.raw) for item in reply.unreadable):
        return
    if reply.unreadable:
        raise _not_a_reply(reply.unreadable[0].raw, "JSON without any message")


def _like_a_message(raw: bytes) -> bool:
    return raw.startswith(b"{") and (b'"channel"' in raw or b'"data"' in raw)


def _not_a_reply(body: bytes | bytearray | memoryview, actual: str) -> Retriable:
    start = bytes(body[:256]).lstrip()[:9].lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<")):
        actual = "an HTML page, probably of a proxy or a maintenance notice"
    return Retriable(
        f"the reply of {len(body)} bytes is {actual} instead of a complete list of Bayeux messages",
        stage=Stage.PARSE,
    )
