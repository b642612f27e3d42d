"""Reading replies: nothing among the messages is lost, nothing but BridgeError comes out of garbage."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.errors import Retriable, Stage
from bridge.salesforce.replies import Reply, parse, repair_surrogates

CHANNEL = "/event/Order_Event__e"
LARGE = 1 << 30
CONNECT = {
    "channel": "/meta/connect",
    "clientId": "c",
    "id": "2",
    "successful": True,
    "advice": {"timeout": 1},
}


def read(body: bytes, slice_bytes: int = LARGE) -> Reply:
    """All slices of a reply as one."""
    whole = Reply()
    for part in parse(bytearray(body), slice_bytes):
        whole.events += part.events
        whole.meta += part.meta
        whole.unreadable += part.unreadable
        whole.size += part.size
        whole.repaired += part.repaired
    return whole


def ids(reply: Reply) -> list[int]:
    return [m.data.event.replayId for m in reply.events if m.data is not None]


def event(replay_id: Any, payload: Any = None, **head: Any) -> dict[str, Any]:
    data = {
        "schema": "q0mW4nJrT1yq0Wv9Zb7wLA",
        "payload": payload or {},
        "event": {"replayId": replay_id, **head},
    }
    return {"data": data, "channel": CHANNEL}


def body(*messages: Any) -> bytes:
    return json.dumps(messages).encode()


def test_events_and_meta_messages_in_any_order() -> None:
    reply = read(body(event(2), CONNECT, event(1)))
    assert ids(reply) == [2, 1]
    assert [m.channel for m in reply.meta] == ["/meta/connect"]
    assert reply.meta[0].advice == {"timeout": 1}


def test_the_recorded_shapes_of_meta_messages() -> None:
    """After Salesforce's Streaming API guide and public recordings; the error id is a number there."""
    single = {
        "clientId": "x",
        "advice": {"interval": 2000, "multiple-clients": True},
        "channel": "/meta/connect",
    }
    assert read(json.dumps(single).encode()).meta[0].advice == {"interval": 2000, "multiple-clients": True}
    failed = {"clientId": "x", "channel": "/meta/connect", "id": 7, "error": "401::Authentication invalid"}
    assert read(body(failed)).meta[0].id == 7
    assert read(body({**failed, "successful": "false", "id": 1.5})).meta[0].successful is False


@pytest.mark.parametrize("replay_id", ["12", 12.0])
def test_replay_ids_of_another_type(replay_id: Any) -> None:
    assert ids(read(body(event(11), event(replay_id), event(13)))) == [11, 12, 13]


@pytest.mark.parametrize(
    ("message", "replay_id"),
    [
        ({"channel": CHANNEL, "data": {"payload": {}, "event": {"replayId": 4, "EventUuid": 1}}}, 4),
        ({"channel": CHANNEL, "data": {"event": {"replayId": 5}}}, 5),
        ({"channel": CHANNEL, "data": {"payload": {}}}, None),
        ({"channel": CHANNEL, "data": None}, None),
        ({"channel": CHANNEL, "data": "x"}, None),
        ({"channel": CHANNEL}, None),
        ({"data": {"payload": {}, "event": {"replayId": 6}}}, 6),
        ({"channel": CHANNEL, "data": {"payload": {}, "event": {"replayId": "x"}}}, None),
        ({"channel": 5, "data": {"payload": {}, "event": {"replayId": True}}}, None),
        (["channel"], None),
        (None, None),
    ],
)
def test_an_unreadable_event_stays_its_own(message: Any, replay_id: int | None) -> None:
    reply = read(body(event(1), message, event(9), CONNECT))
    assert ids(reply) == [1, 9]
    (bad,) = reply.unreadable
    assert json.loads(bad.raw) == message
    assert bad.replay_id == replay_id
    assert bad.reason
    assert len(reply.meta) == 1


BROKEN_PAYLOADS = [r'{"a":"\q"}', '{"a":NaN}', '{"a":"\x01"}', '{"a":01}', '{"a":{"b":[1,2,]}}', '{"a":tru}']


@pytest.mark.parametrize("payload", BROKEN_PAYLOADS)
def test_a_payload_that_is_no_json_stays_its_own(payload: str) -> None:
    good, bad = json.dumps(event(1)), json.dumps(event(2, "PAYLOAD")).replace('"PAYLOAD"', payload)
    reply = read(f" [{good},{bad}, {json.dumps(CONNECT)},{json.dumps(event(3))}]\n".encode())
    assert ids(reply) == [1, 3]
    assert [item.replay_id for item in reply.unreadable] == [2]
    assert reply.unreadable[0].raw == bad.encode()
    assert len(reply.meta) == 1


def test_nesting_beyond_all_measure_stays_its_own() -> None:
    deep = (
        b'{"channel":"/event/X","data":{"payload":'
        + b"[" * 100_000
        + b"]" * 100_000
        + b',"event":{"replayId":5}}}'
    )
    reply = read(b"[" + deep + b"," + json.dumps(event(6)).encode() + b"]")
    assert ids(reply) == [6]
    assert reply.unreadable[0].replay_id == 5


NO_REPLIES = [
    b"",
    b"   ",
    b"[]",
    b"null",
    b"1",
    b'"x"',
    b"{}",
    b"[1]",
    b"[null]",
    b"[{}]",
    b"[[]]",
    b'{"status":"ok"}',
    b"<html></html>",
    b"<!DOCTYPE html>",
    b"[" * 200_000,
    b'[{"channel":"/meta/connect"}',
    b'[{"channel":"/meta/connect"}]]',
    b'[{"channel":"/meta/connect"}] trailing',
    b'[{"channel":"/meta/connect"}}]',
    b"\xff\xfe[\x00]\x00",
]


@pytest.mark.parametrize("raw", NO_REPLIES)
@pytest.mark.parametrize("slice_bytes", [LARGE, 0])
def test_what_is_no_reply_is_retriable(raw: bytes, slice_bytes: int) -> None:
    with pytest.raises(Retriable) as caught:
        read(raw, slice_bytes)
    assert caught.value.stage is Stage.PARSE
    assert "\n" not in caught.value.message


def test_html_is_called_by_its_name() -> None:
    with pytest.raises(Retriable, match="HTML"):
        read(b"\n <html><body>Maintenance</body></html>")


def test_every_cut_of_a_reply_is_noticed() -> None:
    whole = body(event(1, {"a": 'x"y\\'}), CONNECT, event(2))
    for end in range(len(whole)):
        with pytest.raises(Retriable):
            read(whole[:end])


def test_a_byte_order_mark_is_passed_over() -> None:
    assert ids(read(b"\xef\xbb\xbf" + body(event(1)))) == [1]


# ---- surrogates ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected", "count"),
    [
        (r"\ud800", "\ufffd", 1),
        (r"\uDC00x", "\ufffdx", 1),
        (r"\ud83d\ude00", "\U0001f600", 0),
        (r"\ud800\ud83d\ude00\ude00", "\ufffd\U0001f600\ufffd", 2),
        (r"\\ud800", r"\ud800", 0),
        (r"\\\ud800\"", '\\\ufffd"', 1),
    ],
)
def test_lone_surrogates_become_replacement_characters(text: str, expected: str, count: int) -> None:
    raw = bytearray(f'["{text}"]'.encode())
    assert repair_surrogates(raw) == count
    assert json.loads(raw) == [expected]


def test_a_reply_with_a_lone_surrogate_keeps_everything_else_to_the_byte() -> None:
    number = '{"channel":"%s","data":{"payload":{"n":1.10,"t":"x\\udfff"},"event":{"replayId":8}}}'.replace(
        "%s", CHANNEL
    )
    reply = read(f"[{json.dumps(event(7))},{number}]".encode())
    assert ids(reply) == [7, 8]
    assert reply.repaired == 1
    assert bytes(reply.events[1].data.payload) == rb'{"n":1.10,"t":"x\ufffd"}'  # type: ignore[union-attr]


# ---- large replies ------------------------------------------------------------------------------------------


def test_slices_are_ordered_bounded_and_complete() -> None:
    messages = [event(n, {"t": "x" * 100}) for n in (*range(500, 1000), *range(500))]
    messages.insert(
        3, {"channel": CHANNEL, "data": {"payload": 1, "event": {"replayId": 750, "EventUuid": 0}}}
    )
    raw = body(CONNECT, *messages)
    slices = list(parse(bytearray(raw), 10_000))
    assert len(slices) > 10
    assert [n for part in slices for n in ids(part)] == list(range(1000))
    assert all(part.size < 11_000 for part in slices)
    assert [len(part.meta) for part in slices] == [0] * (len(slices) - 1) + [1]
    (place,) = [i for i, part in enumerate(slices) if part.unreadable]
    assert ids(slices[place])[0] <= 751
    assert ids(slices[place])[-1] >= 749


def test_the_last_event_of_a_slice_does_not_keep_the_body_alive() -> None:
    raw = bytearray(body(*[event(n, {"n": n}) for n in range(100)]))
    remembered = [part.events[-1].data for part in parse(raw, 2_000) if part.events]
    raw.clear()  # a BufferError if anything still refers to it
    assert [bytes(data.payload)[:5] for data in remembered if data is not None] == [b'{"n":'] * len(
        remembered
    )


def test_an_odd_meta_message_in_the_first_slice_comes_with_the_last() -> None:
    odd = {"channel": "/meta/connect", "successful": "false", "id": {}, "error": "403::Unknown client"}
    slices = list(parse(bytearray(body(odd, *[event(n) for n in range(100)])), 1_000))
    assert [len(part.meta) for part in slices] == [0] * (len(slices) - 1) + [1]
    assert slices[-1].meta[0].error == "403::Unknown client"


# ---- fuzzing ------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
GOOD = st.builds(event, st.integers(0, 2**62), st.dictionaries(st.text(max_size=8), JSON, max_size=4))
META = st.just(CONNECT)
ODD = st.dictionaries(
    st.sampled_from(["channel", "data", "error", "advice", "ext", "successful", "x"]), JSON, max_size=5
)
SLICES = st.sampled_from([LARGE, 0, 40, 300])


@settings(max_examples=300, deadline=None)
@given(st.binary() | st.text().map(str.encode), SLICES)
@example(b"[{", 0)
def test_any_bytes_give_a_reply_or_a_bridge_error(raw: bytes, slice_bytes: int) -> None:
    try:
        reply = read(raw, slice_bytes)
    except Retriable:
        return
    assert reply.events or reply.meta or reply.unreadable


@settings(max_examples=300, deadline=None)
@given(st.lists(GOOD | META | ODD | JSON, min_size=1), SLICES, st.booleans(), st.randoms())
def test_no_good_event_is_lost_among_anything(
    messages: list[Any], slice_bytes: int, ascii: bool, random: Any
) -> None:
    """Whatever else is in the reply (NaN and lone surrogates, which are not JSON, included)."""
    text = json.dumps(messages, ensure_ascii=ascii)
    raw = text.encode("utf-8", "surrogatepass")
    good = [m["data"]["event"]["replayId"] for m in messages if _is_good(m)]
    try:
        reply = read(raw, slice_bytes)
    except Retriable:
        assert not good
        return
    found = ids(reply) + [item.replay_id for item in reply.unreadable if item.replay_id is not None]
    for replay_id in good:
        assert replay_id in found
    if "NaN" not in text and "Infinity" not in text:
        assert set(good) <= set(ids(reply))


def _is_good(message: Any) -> bool:
    return (
        isinstance(message, dict)
        and message.get("channel") == CHANNEL
        and "schema" in (message.get("data") or {})
    )


@settings(max_examples=300, deadline=None)
@given(st.lists(GOOD | META, min_size=1, max_size=6), st.data(), SLICES)
def test_mutated_replies_give_a_reply_or_a_bridge_error(
    messages: list[Any], data: st.DataObject, slice_bytes: int
) -> None:
    raw = bytearray(json.dumps(messages).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        end = min(len(raw), at + data.draw(st.integers(0, 5)))
        raw[at:end] = data.draw(st.binary(max_size=4))
        if not raw:
            return
    try:
        reply = read(bytes(raw), slice_bytes)
    except Retriable:
        return
    for bad in reply.unreadable:
        assert bad.raw
    for message in reply.events:
        assert message.data is not None
        bytes(message.data.payload)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.sampled_from('\\u dD8fFcC0"aé\ud800\udc00😀'), max_size=40))
def test_repaired_text_has_no_lone_surrogate_and_the_rest_is_the_same(text: str) -> None:
    raw = bytearray(json.dumps(text).encode())
    repair_surrogates(raw)
    paired = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert json.loads(raw) == re.sub("[\ud800-\udfff]", "\ufffd", paired)
