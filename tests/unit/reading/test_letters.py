"""Dead letters as they are read: what their headers say, and the event in them."""

from __future__ import annotations

import json

import msgspec
import pytest

from bridge.errors import BadRecord, Stage
from bridge.event import Data, Head
from bridge.kafka.dead_letter import DeadLetters, came_with
from bridge.reading.letters import Letter, message_of, place_of

PAYLOAD = {"Order_Number__c": "O-1"}
WHOLE = {
    "channel": "/event/Order__e",
    "data": {"schema": "s", "payload": PAYLOAD, "event": {"replayId": 9, "EventUuid": "u"}},
}


def letter(raw: bytes, schema: str | None = "s", position: int | None = 7, *, headers: bool = True) -> Letter:
    """As a connector writes it, and a reader takes it in."""
    data = Data(msgspec.Raw(raw), Head(7, "u"), schema)
    error = BadRecord("no number", stage=Stage.ENCODE, position=position)
    letters = DeadLetters("dead", "c", "orders", with_headers=headers)
    came = came_with(data, "/event/Order__e") if schema else ()
    _, value, *_, written = letters.record(raw, error, came)
    return Letter(0, 3, 1_700_000_000_000, value, {name: content or b"" for name, content in written})


def test_headers_say_why_and_what_it_came_with() -> None:
    found = letter(json.dumps(PAYLOAD).encode())
    assert found.document() == {
        "partition": 0,
        "offset": 3,
        "put_aside_at": "2023-11-14T22:13:20.000Z",
        "connector": "c",
        "topic": "orders",
        "replay_id": 7,
        "event_uuid": "u",
        "schema": "s",
        "stage": "VALUE_CONVERTER",
        "reason": "no number",
        "exception": "bridge.errors.BadRecord",
        "encrypted": False,
    }
    assert found.belongs_to("c")
    assert not found.belongs_to("d")


def test_a_payload_is_the_event_again() -> None:
    raw = json.dumps(PAYLOAD).encode()
    message = message_of(letter(raw), raw)
    assert message.channel == "/event/Order__e"
    assert message.data == Data(msgspec.Raw(raw), Head(7, "u"), "s")


def test_a_whole_message_is_read_again() -> None:
    raw = json.dumps(WHOLE).encode()
    message = message_of(letter(raw, None, None), raw)
    assert message.data is not None
    assert (message.data.schema, message.data.event) == ("s", Head(9, "u"))


@pytest.mark.parametrize("raw", [b'{"channel": "/event/x__e", "data": {}}', b"{not json", b""])
def test_what_still_cannot_be_read_is_a_bad_record(raw: bytes) -> None:
    with pytest.raises(BadRecord):
        message_of(letter(raw, None, None), raw)


def test_without_headers_no_replay_id_is_invented() -> None:
    raw = json.dumps(PAYLOAD).encode()
    found = letter(raw, headers=False)
    assert found.belongs_to("c")
    with pytest.raises(BadRecord, match="replay id"):
        message_of(found, raw)


def test_places() -> None:
    assert place_of("0:17") == (0, 17)
    for wrong in ("17", "0:", ":1", "0:1:2", "a:1", "0:-1"):
        with pytest.raises(ValueError, match="PARTITION:OFFSET"):
            place_of(wrong)
