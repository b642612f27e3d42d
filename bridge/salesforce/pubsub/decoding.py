"""Responses of a stream → messages as the rest of the bridge knows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from attrs import define, field

from bridge.errors import Retriable, Stage
from bridge.event import Data, Message, RawHead, Unreadable
from bridge.languages.avro.wire import AvroData, Wire
from bridge.salesforce.failures import Failure, SessionOver, Verdict
from bridge.salesforce.pubsub.messages import FetchResponse
from bridge.salesforce.pubsub.replay import number_of
from bridge.salesforce.pubsub.schemas import SCHEMAS, NoSchema
from bridge.salesforce.replies import Reply
from bridge.source import Idle


@define(eq=False)
class Decoder:
    """Of one stream. ``ask``: ``GetSchema``.

    A change is told from others of its replay id by its header, as by CometD, which has no id for it: so a connector
    may change its API within such a group. Where two headers are alike, which no transaction makes, the ids tell.
    """

    channel: str
    org_id: str
    ask: Callable[[str], str]
    _known: dict[str, Wire | NoSchema] = field(factory=dict)
    _replay_id: int | None = None
    _changes: dict[str, str] = field(factory=dict)

    def response(self, raw: bytes) -> tuple[Reply, int, Idle | None]:
        """The events, how many they are, and the stream's position. Raises SessionOver, Retriable: nothing of the
        response is taken then."""
        try:
            response = FetchResponse.FromString(raw)
        except Exception:  # Protobuf's own error
            raise Retriable("a response is damaged", stage=Stage.PARSE) from None
        events: list[Message] = []
        unreadable: list[Unreadable] = []
        for item in response.events:
            event = item.event
            replay_id = item.replay_id
            number = self._number(replay_id)
            wire = self._known.get(event.schema_id) or self._learn(event.schema_id)
            if isinstance(wire, NoSchema):
                unreadable.append(Unreadable(event.payload, f"its schema {event.schema_id} {wire}", number))
                continue
            try:
                data = self._data(event, RawHead(number, event.id or None, replay_id), wire)
            except ValueError as wrong:
                unreadable.append(Unreadable(event.payload, str(wrong), number))
            else:
                events.append(Message(self.channel, data))
        count = len(events) + len(unreadable)
        return Reply(events, [], unreadable, len(raw)), count, self._latest(response)

    def _data(self, event: Any, head: RawHead, wire: Wire) -> Data:
        """An event as it came. A change event as CometD has it, because bitmaps mean nothing without their schema.
        ValueError for a change that does not fit its schema."""
        if not wire.changes:
            return AvroData(event.payload, head, event.schema_id, wire)
        head.EventUuid = None
        data = Data(msgspec.Raw(wire.json(event.payload)), head, wire.schema_id)
        if head.replayId != self._replay_id:
            self._replay_id, self._changes = head.replayId, {}
        name = data.name()
        if name is None or self._changes.setdefault(name, event.id) != event.id:
            head.EventUuid = event.id or None
        return data

    def _latest(self, response: Any) -> Idle | None:
        latest = response.latest_replay_id
        try:
            return Idle(number_of(latest), latest)
        except ValueError:
            return None

    def _number(self, replay_id: bytes) -> int:
        try:
            return number_of(replay_id)
        except ValueError as wrong:
            text = f"Salesforce sends an event whose replay id {wrong}"
            raise SessionOver(Failure(Verdict.UNKNOWN, text)) from None

    def _learn(self, schema_id: str) -> Wire | NoSchema:
        try:
            found: Wire | NoSchema = SCHEMAS.of(self.org_id, schema_id, self.ask)
        except NoSchema as none:
            found = none
        self._known[schema_id] = found
        return found
