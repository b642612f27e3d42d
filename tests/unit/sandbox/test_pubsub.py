"""The simulated org's Pub/Sub API: its rules, its codes, its faults; asked as a client of the published proto asks."""

from __future__ import annotations

import json
import queue
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from fastavro import parse_schema
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc

from bridge.languages.avro.wire import Wire
from bridge.salesforce.pubsub import messages as wire
from bridge.sandbox import samples
from bridge.sandbox.org import Org
from bridge.sandbox.org.messages import timestamp
from bridge.sandbox.org.pubsub import PREFIX, RESET, Settings

EVENT = "Order_Placed__e"
TOPIC = f"/event/{EVENT}"


class Client:
    """Calls with metadata of its own."""

    def __init__(self, org: Org) -> None:
        self.org = org
        credentials = grpc.ssl_channel_credentials(org.ca_file.read_bytes())
        self.channel = grpc.secure_channel(org.serve_pubsub(), credentials)
        self.metadata = {
            "accesstoken": org.tokens.issue(org.org_id),
            "instanceurl": org.url,
            "tenantid": org.org_id,
        }

    def ask(self, call: str, request: Any, answer: Any) -> Any:
        method = self.channel.unary_unary(wire.path(call), type(request).SerializeToString, answer.FromString)
        return method(request, metadata=tuple(self.metadata.items()), timeout=10)

    def topic(self, name: str = TOPIC) -> Any:
        return self.ask("GetTopic", wire.TopicRequest(topic_name=name), wire.TopicInfo)

    def schema(self, schema_id: str) -> Any:
        return self.ask("GetSchema", wire.SchemaRequest(schema_id=schema_id), wire.SchemaInfo)

    def subscribe(self, count: int = 100, **more: Any) -> Call:
        given = {"topic_name": TOPIC, "replay_preset": wire.EARLIEST, "num_requested": count, **more}
        requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        requests.put(wire.FetchRequest(**given))
        method = self.channel.stream_stream(
            wire.path("Subscribe"), wire.FetchRequest.SerializeToString, wire.FetchResponse.FromString
        )
        call = method(iter(requests.get, None), metadata=tuple(self.metadata.items()), timeout=30)
        return Call(call, requests)


class Call:
    def __init__(self, call: Any, requests: queue.SimpleQueue[Any]) -> None:
        self.call, self.requests = call, requests

    def next(self) -> Any:
        return next(self.call)

    def ids(self, count: int) -> list[int]:
        """The next events' ids, as many as these."""
        ids: list[int] = []
        while len(ids) < count:
            ids += [int.from_bytes(item.replay_id[:8], "big") for item in self.next().events]
        return ids

    def ask(self, **request: Any) -> None:
        self.requests.put(wire.FetchRequest(**request))

    def end(self) -> None:
        self.requests.put(None)
        self.call.cancel()


@pytest.fixture
def client(org: Org) -> Iterator[Client]:
    org.serve_pubsub(settings=Settings(keepalive=0.3, idle=0.3))
    made = Client(org)
    yield made
    made.channel.close()


def code(error: grpc.RpcError) -> str | None:
    found: str | None = dict(error.trailing_metadata() or ()).get("error-code")
    return found


def refused(what: Any, suffix: str, status: Any) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        what()
    assert code(caught.value) == PREFIX + suffix
    assert caught.value.code() is status
    assert "rpcId: " in caught.value.details()


def test_the_compiled_proto_is_what_the_compiler_makes_of_it(tmp_path: Path) -> None:
    room = Path(wire.__file__).parent
    made = tmp_path / "made.binpb"
    assert protoc.main(["", f"-I{room}", f"--descriptor_set_out={made}", "pubsub_api.proto"]) == 0
    kept = FileDescriptorSet.FromString((room / "pubsub_api.binpb").read_bytes())
    assert kept == FileDescriptorSet.FromString(made.read_bytes())


def test_topic_schema_and_events(client: Client, org: Org) -> None:
    payload = {
        "Order_Number__c": "O-1",
        "Amount__c": 12.5,
        "Is_Gift__c": True,
        "Delivery_Date__c": "2024-08-09",
    }
    created = int(time.time()) + 0.078
    first = org.publish(EVENT, payload, created=created)
    found = client.topic()
    assert found.can_subscribe
    answer = client.schema(found.schema_id)
    assert answer.schema_id == found.schema_id == org.bus.schema_id(EVENT)
    parse_schema(json.loads(answer.schema_json))
    response = client.subscribe().next()
    (item,) = response.events
    assert item.replay_id == first.to_bytes(8, "big") + b"\0\0" == response.latest_replay_id
    assert response.pending_num_requested == 99
    values = json.loads(Wire.of("x", answer.schema_json).json(item.event.payload))
    assert {name: value for name, value in values.items() if value is not None} == {
        "CreatedDate": timestamp(created),
        "CreatedById": org.user_id,
        **payload,
    }


def test_a_payload_that_is_no_event_goes_out_as_it_stands(client: Client, org: Org) -> None:
    org.bus.publish_bytes(EVENT, b'{"Amount__c": "much"}')
    assert client.subscribe().next().events[0].event.payload == b'{"Amount__c": "much"}'


def test_no_more_than_was_asked_for_and_never_more_than_a_hundred(client: Client, org: Org) -> None:
    ids = org.publish_many(EVENT, 250)
    call = client.subscribe(30)
    assert call.ids(30) == ids[:30]
    call.ask(num_requested=500)
    assert call.ids(100) == ids[30:130]
    call.ask(num_requested=120)
    assert call.ids(100) == ids[130:230]
    assert org.pubsub is not None
    assert org.pubsub.counters["cut"] == 2
    call.end()


def test_where_a_subscription_begins(client: Client, org: Org) -> None:
    ids = org.publish_many(EVENT, 5)
    for replay_id in (ids[1].to_bytes(8, "big"), ids[1].to_bytes(8, "big") + b"\0\0"):
        call = client.subscribe(replay_preset=wire.CUSTOM, replay_id=replay_id)
        assert call.ids(3) == ids[2:]
        call.end()
    latest = client.subscribe(replay_preset=wire.LATEST)
    assert not latest.next().events
    more = org.publish_many(EVENT, 2)
    assert latest.ids(2) == more
    latest.end()


@pytest.mark.parametrize("replay_id", [b"12907414", b"\0" * 8, b"\0\0\0\0\0\x22\x34\x0c\0\1", b"123"])
def test_an_id_that_is_none_or_not_retained(client: Client, org: Org, replay_id: bytes) -> None:
    org.publish_many(EVENT, 3, created=time.time() - 90)
    org.expire(time.time())
    call = client.subscribe(replay_preset=wire.CUSTOM, replay_id=replay_id)
    refused(call.next, "subscription.fetch.replayid.corrupted", grpc.StatusCode.INVALID_ARGUMENT)


def test_misuse_has_its_codes(client: Client) -> None:
    invalid = grpc.StatusCode.INVALID_ARGUMENT
    refused(client.subscribe(0).next, "subscription.fetch.requested.events.invalid", invalid)
    without = client.subscribe(replay_preset=wire.CUSTOM)
    refused(without.next, "subscription.fetch.replayid.validation.failed", invalid)
    call = client.subscribe()
    call.ask(num_requested=0)
    refused(call.next, "subscription.fetch.requested.events.invalid", invalid)
    call = client.subscribe()
    call.ask(topic_name="/event/Other__e", num_requested=1)
    refused(call.next, "subscription.fetch.topic.mismatch", invalid)
    unknown = client.subscribe(topic_name="/event/order_placed__e")
    refused(unknown.next, "topic.not.found", grpc.StatusCode.NOT_FOUND)
    refused(lambda: client.topic(""), "topic.validation.empty", invalid)
    refused(lambda: client.schema("nope"), "schema.not.found", grpc.StatusCode.NOT_FOUND)


def test_who_asks(client: Client, org: Org) -> None:
    stream = client.subscribe()
    assert not stream.next().events
    org.revoke_tokens()
    refused(client.topic, "service.auth.error", grpc.StatusCode.UNAUTHENTICATED)
    ids = org.publish_many(EVENT, 1)
    assert stream.ids(1) == ids, "a stream that is open stays open"
    stream.end()
    client.metadata["tenantid"] = org.org_id[:15]
    refused(client.topic, "service.auth.headers.invalid", grpc.StatusCode.INVALID_ARGUMENT)


def test_a_keep_alive_goes_beyond_the_last_event(client: Client, org: Org) -> None:
    ids = org.publish_many(EVENT, 2)
    beyond = org.publish_many(samples.EVENTS[1].name, 3)[-1]
    call = client.subscribe()
    assert call.ids(2) == ids
    keepalive = call.next()
    assert not keepalive.events
    assert keepalive.latest_replay_id == beyond.to_bytes(8, "big") + b"\0\0"
    call.end()
    after = client.subscribe(replay_preset=wire.CUSTOM, replay_id=keepalive.latest_replay_id)
    more = org.publish_many(EVENT, 1)
    assert after.ids(1) == more
    after.end()


def test_a_stream_of_which_nothing_is_asked_ends_without_an_error(client: Client, org: Org) -> None:
    org.publish_many(EVENT, 1)
    call = client.subscribe(1)
    call.ids(1)
    with pytest.raises(StopIteration):
        call.next()


def test_a_group_of_one_id_and_a_schema_change(client: Client, org: Org) -> None:
    group = org.publish_group((EVENT, {"Order_Number__c": f"{n}"}) for n in range(5))
    old = org.bus.schema_id(EVENT)
    new = org.define(org.bus.definition(EVENT).without_field("Phone__c"))
    last = org.publish_many(EVENT, 1)
    call = client.subscribe()
    events: list[Any] = []
    while len(events) < 6:
        events += call.next().events
    assert [item.event.schema_id for item in events] == [old] * 5 + [new]
    assert [int.from_bytes(item.replay_id[:8], "big") for item in events] == [group] * 5 + last
    assert len({item.event.id for item in events}) == 6
    call.end()


def test_faults_of_a_stream(client: Client, org: Org) -> None:
    ids = org.publish_many(EVENT, 4)
    org.faults.arm("pubsub_refused", code="concurrent.client.limit.exceeded")
    refused(client.subscribe().next, "concurrent.client.limit.exceeded", grpc.StatusCode.RESOURCE_EXHAUSTED)
    org.faults.arm("pubsub_error", code="subscription.limit.exceeded")
    refused(client.subscribe().next, "subscription.limit.exceeded", grpc.StatusCode.RESOURCE_EXHAUSTED)
    org.faults.arm("pubsub_reset")
    call = client.subscribe()
    assert call.ids(2) == ids[:2]
    with pytest.raises(grpc.RpcError) as caught:
        call.next()
    assert (caught.value.code(), caught.value.details(), code(caught.value)) == (
        grpc.StatusCode.UNAVAILABLE,
        RESET,
        None,
    )
    org.faults.arm("pubsub_end")
    with pytest.raises(StopIteration):
        client.subscribe().next()
    org.faults.arm("pubsub_slow", seconds=0.2)
    began = time.monotonic()
    call = client.subscribe()
    assert call.ids(4) == ids
    assert time.monotonic() - began >= 0.2
    call.end()
    org.faults.arm("pubsub_silent")
    silent = client.subscribe()
    time.sleep(0.5)  # longer than its keep-alives are apart
    assert silent.call.is_active()
    assert org.faults.fired["pubsub_silent"] == 1
    silent.end()


def test_faults_of_the_other_calls(client: Client) -> None:
    org = client.org
    org.faults.arm("pubsub_topic", code="topic.meta.permission")
    refused(client.topic, "topic.meta.permission", grpc.StatusCode.PERMISSION_DENIED)
    org.faults.arm("pubsub_schema")
    refused(lambda: client.schema("x"), "schema.api.unavailable", grpc.StatusCode.UNAVAILABLE)
