"""Event messages byte by byte: the envelope, what publishing many costs and keeps."""

import json
import re
import time
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bridge.sandbox import samples
from bridge.sandbox.org import Org
from bridge.sandbox.org.messages import build, encode_json, timestamp, without_uuid

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=8), values, max_size=5))
def test_any_payload_lone_surrogates_included_comes_back_as_it_was(payload: dict[str, Any]) -> None:
    (message,) = build("/event/X__e", "s" * 22, [(encode_json(payload),)], [7])
    parsed = json.loads(message)
    assert parsed["data"]["payload"] == payload
    assert parsed["data"]["event"]["replayId"] == 7
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", parsed["data"]["event"]["EventUuid"])
    assert parsed["channel"] == "/event/X__e"
    older = json.loads(without_uuid(message))
    assert older["data"] == {**parsed["data"], "event": {"replayId": 7}}


def test_a_timestamp_has_milliseconds() -> None:
    assert timestamp(1723032739.078) == "2024-08-07T12:12:19.078Z"


def test_many_events_are_distinct_ascending_and_quick_to_make(tmp_path: Path) -> None:
    org = Org(samples.EVENTS, directory=tmp_path)
    started = time.process_time()
    ids = org.publish_many(samples.ORDER_PLACED.name, 50_000)
    assert time.process_time() - started < 2.5
    messages, _ = org.bus.logs[samples.ORDER_PLACED.channel].read(0, 50_000, 10**10)
    parsed = [json.loads(message)["data"] for message in messages]
    assert [data["event"]["replayId"] for data in parsed] == ids == sorted(set(ids))
    assert len(set(ids)) - 1 < ids[-1] - ids[0], "replay ids are not contiguous"
    assert len({data["payload"]["Order_Number__c"] for data in parsed}) == 50_000
    assert len({data["event"]["EventUuid"] for data in parsed}) == 50_000
    assert 500 < sum(map(len, messages)) / 50_000 < 800


def test_a_payload_is_completed_with_nulls_and_creation_facts(tmp_path: Path) -> None:
    org = Org(samples.EVENTS, directory=tmp_path)
    org.publish(samples.ORDER_PLACED.name, {"Order_Number__c": "O-1"}, created=1723032739.0)
    (message,), _ = org.bus.logs[samples.ORDER_PLACED.channel].read(0, 1, 10**6)
    payload = json.loads(message)["data"]["payload"]
    assert list(payload) == ["CreatedDate", "CreatedById", *(f.name for f in samples.ORDER_PLACED.fields)]
    assert payload["CreatedDate"] == "2024-08-07T12:12:19.000Z"
    assert payload["Notes__c"] is None
