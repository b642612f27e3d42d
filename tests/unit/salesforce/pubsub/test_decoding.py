"""Change events in responses: what tells those of one replay id apart, and what does not fit its schema."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path

from bridge.salesforce.pubsub.decoding import Decoder
from bridge.salesforce.pubsub.messages import ConsumerEvent, FetchResponse, ProducerEvent

RECORDED = Path(__file__).parents[3] / "data" / "pubsub"
SCHEMA_ID = "i8wgJwwM-AVcDbFkbRl5Nw"
SCHEMA = (RECORDED / f"AccountChangeEvent.schema_{SCHEMA_ID}.avsc").read_text()
PAYLOADS = [
    base64.b64decode(each["event"]["payload"])
    for each in json.loads((RECORDED / "AccountAddressUpdateEvent.json").read_text())["events"]
]


def decoder() -> Decoder:
    return Decoder("/data/AccountChangeEvent", "a test's own org", lambda schema_id: SCHEMA, lambda: False)


def response(*events: tuple[int, str, bytes]) -> bytes:
    sent = [
        ConsumerEvent(
            event=ProducerEvent(id=uuid, schema_id=SCHEMA_ID, payload=payload),
            replay_id=number.to_bytes(8, "big") + b"\0\0",
        )
        for number, uuid, payload in events
    ]
    return bytes(FetchResponse(events=sent).SerializeToString())


def names(found: Decoder, raw: bytes) -> Sequence[str | None]:
    return [message.data.name() for message in found.response(raw)[0].events if message.data]


def test_a_change_is_told_by_its_header_whatever_its_id() -> None:
    street, place = PAYLOADS
    first = names(decoder(), response((7, "a", street), (7, "b", place)))
    assert names(decoder(), response((7, "c", street), (7, "d", place))) == first
    assert len(set(first)) == 2
    assert "00003929-f16f-5d0d-a842-f8957c65a901" in str(first[1])


def test_where_headers_are_alike_the_ids_tell_and_again_the_same() -> None:
    raw = response(*((7, f"id-{number}", PAYLOADS[0]) for number in range(5)), (8, "id-0", PAYLOADS[0]))
    first = names(decoder(), raw)
    assert len(set(first[:5])) == 5
    assert first[5] == first[0], "of another replay id"
    assert names(decoder(), raw) == first
    same = response((7, "id-0", PAYLOADS[0]), (7, "id-0", PAYLOADS[0]))
    assert len(set(names(decoder(), same))) == 1, "an event that was sent twice"


def test_a_bitmap_beyond_the_schema_is_no_event() -> None:
    wrong = PAYLOADS[1].replace(b"6-0x0180", b"6-0x8000")
    reply, count, _ = decoder().response(response((7, "a", wrong), (8, "b", PAYLOADS[0])))
    assert (len(reply.events), count) == (1, 2)
    assert [(bad.replay_id, bad.reason) for bad in reply.unreadable] == [
        (7, "names a field that the schema has not")
    ]
