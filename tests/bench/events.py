"""The events of the benchmarks: 12 custom fields, 637 bytes a message, replies of any number made from one template.

A reply is one ``%`` formatting of a prepared template, so that the load generator costs little and any number of
events needs no memory. Replay ids count up from 1.
"""

from __future__ import annotations

import json
from typing import Any, Final

from attrs import define

from bridge.sandbox import samples

EVENT: Final = samples.ORDER_PLACED
MESSAGE_BYTES: Final = 637
# The moment of the socket write, set by the server in live replies, so that a consumer can tell the latency.
STAMP: Final = b"sent="
_STAMP_DIGITS: Final = 16


def payload(number: int, padding: str = "") -> dict[str, Any]:
    """The payload of event ``number`` as the org delivers it."""
    notes = f"{STAMP.decode()}{'0' * _STAMP_DIGITS} {padding}"
    standard = {"CreatedDate": "2026-01-05T08:00:00.000Z", "CreatedById": "0055g00000Ab1cdAAC"}
    address = f"{number % 90 + 1} Mill Lane, Bristol"
    return {**standard, **samples.payload(EVENT, number), "Shipping_Address__c": address, "Notes__c": notes}


def message(number: int, schema_id: str) -> bytes:
    """One Bayeux message of exactly ``MESSAGE_BYTES`` bytes, but for the length of the replay id."""
    bare = len(_message(number, schema_id, ""))
    assert bare <= MESSAGE_BYTES, f"the sample event has {bare} bytes"
    return _message(number, schema_id, "x" * (MESSAGE_BYTES - bare))


def _message(number: int, schema_id: str, padding: str) -> bytes:
    # Ten digits are the room that the template leaves for a replay id.
    uuid = f"{number:010d}"
    event = {"EventUuid": f"{uuid[:8]}-0000-4000-8000-00{number:010d}", "replayId": 10**9 + number}
    data = {"schema": schema_id, "payload": payload(number, padding), "event": event}
    whole = {"data": data, "channel": EVENT.channel}
    return json.dumps(whole, separators=(",", ":"), ensure_ascii=False).encode()


@define
class Replies:
    """Bodies of replies to ``/meta/connect``, without the connect's own message."""

    schema_id: str
    size: int = 400
    _template: bytes = b""

    def __attrs_post_init__(self) -> None:
        self._template = b",".join(self._one(slot) for slot in range(self.size))

    def body(self, first: int, count: int) -> bytes:
        """``count`` messages from replay id ``first`` on, comma-separated."""
        if count == self.size:
            return self._template % tuple(range(first, first + count))
        return b",".join(self._one(slot) % (first + slot) for slot in range(count))

    def stamped(self, number: int, nanoseconds: int) -> bytes:
        """One message that says when it was written (``time.monotonic_ns``)."""
        made = self._one(0) % number
        return made.replace(STAMP + b"0" * _STAMP_DIGITS, STAMP + b"%0*d" % (_STAMP_DIGITS, nanoseconds), 1)

    def _one(self, slot: int) -> bytes:
        whole = message(slot % 400, self.schema_id).replace(b"%", b"%%")
        return whole.replace(b'"replayId":%d' % (10**9 + slot % 400), b'"replayId":%d')


def stamp(value: bytes) -> int | None:
    """The moment a record's event was written to the socket, found in the record's bytes whatever their format."""
    at = value.find(STAMP)
    return int(value[at + len(STAMP) : at + len(STAMP) + _STAMP_DIGITS]) if at >= 0 else None
