"""Event messages in bytes, in Salesforce's envelope; built once, when the event is published."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from bridge.sandbox import changes
from bridge.sandbox.definition import EventDefinition

_UUID_KEY = b'"EventUuid":"'
_UUID_SIZE = len(_UUID_KEY) + 36 + len('",')


def encode_json(value: Any) -> bytes:
    """Compact UTF-8 JSON; a lone surrogate, which UTF-8 cannot hold, stays the escape it came as."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode("ascii")


def timestamp(seconds: float) -> str:
    """``2024-08-07T12:12:19.078Z``."""
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def complete(
    definition: EventDefinition, payload: Mapping[str, Any], created: float, user_id: str
) -> dict[str, Any]:
    """The payload as it is delivered: creation facts first, every declared field, null where not set; of a change event
    its header and what changed."""
    if changes.is_change(definition):
        return changes.payload_of(definition, payload, created, user_id)
    standard = {"CreatedDate": timestamp(created), "CreatedById": user_id}
    given = {name: payload[name] for name in standard if name in payload}
    return {**standard, **given, **{field.name: payload.get(field.name) for field in definition.fields}}


def event_uuids(count: int) -> Iterator[str]:
    """Random UUIDs (version 4), many at a time for the price of one system call."""
    digits = os.urandom(16 * count).hex()
    for start in range(0, 32 * count, 32):
        d = digits[start : start + 32]
        yield f"{d[:8]}-{d[8:12]}-4{d[13:16]}-a{d[17:20]}-{d[20:]}"


def build(
    channel: str, schema_id: str, bodies: Sequence[tuple[bytes, ...]], replay_ids: Sequence[int]
) -> list[bytes]:
    """One message per body; a body comes in pieces, so that thousands can share most of their bytes."""
    head = f'{{"data":{{"schema":"{schema_id}","payload":'.encode()
    tail = f'}}}},"channel":"{channel}"}}'.encode()
    return [
        b'%b%b,"event":{"EventUuid":"%b","replayId":%d%b'
        % (head, b"".join(body), uuid.encode(), number, tail)
        for body, uuid, number in zip(bodies, event_uuids(len(bodies)), replay_ids, strict=True)
    ]


def without_uuid(message: bytes) -> bytes:
    """The message as API versions before 52 deliver it."""
    at = message.rfind(_UUID_KEY)
    return message[:at] + message[at + _UUID_SIZE :] if at >= 0 else message
