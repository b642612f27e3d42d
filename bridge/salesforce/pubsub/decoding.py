"""Responses of a stream → messages as the rest of the bridge knows them."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final

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

_first_eight: Final = struct.Struct(">q").unpack_from


@define(eq=False)
class Decoder:
    """Of one stream. ``ask``: ``GetSchema``; ``stopped``: whether it ends at once, because the stream is to end.

    A change is told from others of its replay id by its header, as by CometD, which has no id for it: so a connector
    may change its API within such a group. Where two headers are alike, which no transaction makes, the ids tell.
    """

    channel: str
    org_id: str
    ask: Callable[[str], str]
    stopped: Callable[[], bool]
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
        channel, given = self.channel, response.events
        events: list[Message] = []
        unreadable: list[Unreadable] = []
        schema_id, wire = None, None
        for item in given:
            event, replay_id = item.event, item.replay_id
            if event.schema_id != schema_id:
                schema_id = event.schema_id
                wire = self._known.get(schema_id) or self._learn(schema_id)
            head = RawHead(_number(replay_id), event.id or None, replay_id)
            if wire.__class__ is Wire and not wire.changes:
                events.append(Message(channel, AvroData(event.payload, head, schema_id, wire)))
                continue
            try:
                events.append(Message(channel, self._change(event, head, wire)))
            except ValueError as wrong:
                unreadable.append(Unreadable(event.payload, str(wrong), head.replayId))
        return Reply(events, [], unreadable, len(raw)), len(given), self._latest(response)

    def _change(self, event: Any, head: RawHead, wire: Wire | NoSchema | None) -> Data:
        """A change event as CometD has it, because bitmaps mean nothing without their schema. ValueError for a change
        that does not fit its schema, and where that is not given out."""
        if not isinstance(wire, Wire):
            raise ValueError(f"its schema {event.schema_id} {wire}")
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

    def _learn(self, schema_id: str) -> Wire | NoSchema:
        try:
            found: Wire | NoSchema = SCHEMAS.of(self.org_id, schema_id, self.ask, self.stopped)
        except NoSchema as none:
            found = none
        self._known[schema_id] = found
        return found


def _number(replay_id: bytes) -> int:
    """``number_of``, quickly where it is one."""
    try:
        number: int = _first_eight(replay_id)[0]
    except struct.error:
        number = -1
    if number >= 0:
        return number
    try:
        return number_of(replay_id)
    except ValueError as wrong:
        text = f"Salesforce sends an event whose replay id {wrong}"
        raise SessionOver(Failure(Verdict.UNKNOWN, text)) from None
