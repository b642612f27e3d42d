"""Positions, in Kafka Connect's own format, so that they can be taken over from Connect and given back.

A position is a record of the compacted offsets topic: key ``["<connector>",{}]`` (the source partition of a
platform event connector is empty), value ``{"replayId":120572741}``, a tombstone for *none*. Its headers say
whose it is: ``bridge-org-id``, ``bridge-event-uuid``, ``bridge-created`` (the event's CreatedDate, ms).

Several events may share a replay id, and the value names the newest of which *one* was delivered. Two headers say what
a resume does about the others: ``bridge-resume-after``, the id after which it subscribes (decimal; -2: all retained),
and ``bridge-done``, which of the events after that it passes over: 16 bytes for each, a digest of what identifies the
event (``bridge.progress``), 32 kB at most. A record without them, of Kafka Connect, say, resumes after its value.

By the Pub/Sub API an id is bytes, of which the number is the first eight. ``bridge-replay-bytes`` and
``bridge-resume-bytes`` hold the value and the id to resume after as they came. Where the value is the position of an
idle stream and no event's id, ``bridge-event-id`` is that of the last event (decimal): CometD may know only that one.

Beside it stands, until the first event is committed, when a connector that starts at ``latest`` first
subscribed: key ``bridge-start-<connector>``, value ``{"since": <server time, ms>}``.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Final, TypedDict, TypeVar

import msgspec
from attrs import evolve, field, frozen

from bridge.documents import Broken, json_of, read
from bridge.errors import Fatal, Stage
from bridge.foreign import Foreign, shown
from bridge.kafka.committed import Take, never, nothing, read_topic
from bridge.kafka.followed import following
from bridge.kafka.librdkafka import Settings
from bridge.metrics import RETENTION
from bridge.progress import ALL_RETAINED, DIGEST, NEW_ONLY

if TYPE_CHECKING:
    from confluent_kafka import Message

ORG_ID = "bridge-org-id"
EVENT_UUID = "bridge-event-uuid"
CREATED = "bridge-created"
RESUME_AFTER = "bridge-resume-after"
DONE = "bridge-done"
RAW = "bridge-replay-bytes"
RESUME_RAW = "bridge-resume-bytes"
EVENT_ID = "bridge-event-id"
_OPTIONS: Final = {NEW_ONLY: "latest", ALL_RETAINED: "all"}
_LONGEST_ID: Final = 256  # bytes; ten are known
_ID: Final = re.compile(rb"\d{1,19}")
HIGHEST: Final = 2**63 - 1
"""The highest replay id there can be."""
LATEST_MS: Final = 253_402_300_799_999
"""The last moment that a date can name: the end of the year 9999, ms since the epoch."""
_T = TypeVar("_T")


class NoPosition(Fatal):
    """What stands under the connector's own key is no position; whoever writes one need not mind."""


@frozen
class Position:
    """How far a connector has come. ``replay_id`` None: nothing was ever committed.

    ``option``: the record names no id but -1 or -2, as one that was taken over from Kafka Connect may: a start at
    ``latest`` or ``all``, whatever the configuration says. ``at``: partition and offset of the record, None where there
    is none; ``read_to``: by partition, the offset before which everything was read.
    """

    replay_id: int | None = None
    org_id: str | None = None
    event_uuid: str | None = None
    created_ms: int | None = None
    committed_ms: int | None = None
    since_ms: int | None = None
    resume_after: int | None = None
    done: tuple[bytes, ...] = ()
    raw: bytes | None = None
    resume_raw: bytes | None = None
    event_id: int | None = None
    absent: bool = field(default=False, eq=False)
    option: int | None = None
    at: tuple[int, int] | None = field(default=None, eq=False)
    read_to: Mapping[int, int] = field(factory=dict, eq=False)

    @property
    def initial(self) -> str | None:
        """``latest`` or ``all``, where the record says so."""
        return None if self.option is None else _OPTIONS[self.option]

    @property
    def stored(self) -> int | None:
        """The number in the record."""
        return self.option if self.replay_id is None else self.replay_id


def position_key(connector: str) -> bytes:
    """The key as Kafka Connect's JsonConverter writes it: no blanks, the source partition ``{}``."""
    return json.dumps([connector, {}], separators=(",", ":"), ensure_ascii=False).encode()


def position_value(replay_id: int) -> bytes:
    """The value as Kafka Connect's JsonConverter writes it."""
    return b'{"replayId":%d}' % replay_id


def position_headers(
    org_id: str,
    event_uuid: str | None,
    created_ms: int | None,
    resume_after: int | None = None,
    done: Sequence[bytes] = (),
) -> list[tuple[str, bytes]]:
    """What lets a later start recognise a position that is not its own, and go on within a group of one id."""
    headers = [(ORG_ID, org_id.encode())]
    if event_uuid:
        headers.append((EVENT_UUID, event_uuid.encode()))
    if created_ms is not None:
        headers.append((CREATED, b"%d" % created_ms))
    if resume_after is not None:
        headers.append((RESUME_AFTER, b"%d" % resume_after))
    if resume_after is not None and done:
        headers.append((DONE, b"".join(done)))
    return headers


def raw_headers(raw: bytes | None, resume_raw: bytes | None, event_id: int | None) -> list[tuple[str, bytes]]:
    """What the Pub/Sub API knows of a position beyond its number."""
    found = {RAW: raw, RESUME_RAW: resume_raw, EVENT_ID: None if event_id is None else b"%d" % event_id}
    return [(name, value) for name, value in found.items() if value]


def start_key(connector: str) -> bytes:
    """The key of the record that says since when a connector has been listening."""
    return f"bridge-start-{connector}".encode()


def start_value(since_ms: int) -> bytes:
    """See :func:`start_key`."""
    return b'{"since":%d}' % since_ms


def read_position(
    consumer_settings: Settings,
    topic: str,
    connector: str,
    *,
    identity: str | None = None,
    stopped: Callable[[], bool] = never,
    waiting: Callable[[str], None] = nothing,
    undecided: bool = False,
    seen: bool = True,
    beside: Take = lambda message: None,
) -> Position:
    """The connector's committed position; call it after ``init_transactions`` has fenced the predecessor.

    The arguments are those of ``Followed.read`` and ``committed.Topic``; ``beside`` is given every record of the
    connector, too, for what is kept beside positions. Raises NotRead where it was stopped before, Retriable when Kafka
    does not answer.
    """
    stored = Stored(connector, topic)

    def take(message: Message) -> None:
        stored.take(message)
        beside(message)

    if not seen:  # another cluster's topic, which is read once
        read_topic(
            consumer_settings,
            topic,
            f"sfbridge-positions-{connector}",
            take,
            stopped=stopped,
            waiting=waiting,
            undecided=undecided,
            seen=seen,
        )
        return stored.position()
    with following(consumer_settings, topic) as followed:
        read_to = followed.read(
            take, connector, identity=identity, stopped=stopped, waiting=waiting, undecided=undecided
        )
    return evolve(stored.position(), read_to=read_to)


class Stored:
    """What the topic says of one connector. Within a partition the later offset counts, never the clock.

    The key is in one partition unless the number of partitions was changed; then the newest record counts. What
    stands under other keys is others' and is passed over; the guard of records (``foreign.py``) says how.
    """

    def __init__(self, connector: str, topic: str) -> None:
        self._connector, self._topic = connector, topic
        self._wanted = [connector, {}]
        self._key, self._start_key = position_key(connector), start_key(connector)
        self._positions: dict[int, tuple[int, Position | NoPosition]] = {}
        self._since_ms: int | None = None
        self._foreign = Foreign(topic, connector)

    def take(self, message: Message) -> None:
        key = message.key()
        if key is None:
            return
        if key == self._start_key:
            self._take_start(message)
        elif key == self._key or self._is_ours(key):
            at = _moment(message.timestamp()[1])
            self._positions[message.partition() or 0] = (at or 0, self._parse(message, at))

    def _take_start(self, message: Message) -> None:
        try:
            value = message.value()
            self._since_ms = None if value is None else read(value, _Start).since
        except Broken as broken:
            self._foreign.passed_over(message, f"it is no start: its value {broken}")

    def _is_ours(self, key: bytes) -> bool:
        """The key as another tool would spell it."""
        if not key.lstrip().startswith(b"[") or len(key) > 2 * len(self._key) + 1000:
            return False
        try:
            return bool(json_of(key) == self._wanted)
        except Broken:
            return False

    def _parse(self, message: Message, at: int | None) -> Position | NoPosition:
        value = message.value()
        where = message.partition() or 0, message.offset() or 0
        if value is None:
            return Position(at=where)
        try:
            replay_id = _replay_id(value)
        except Broken as broken:
            place = f"topic {self._topic}, partition {message.partition()}, offset {message.offset()}"
            return NoPosition(
                f"what is stored as the position of {self._connector} is none: {shown(value)} ({place}) {broken}; "
                "'sfbridge offsets set' puts one there, 'sfbridge offsets reset' none",
                stage=Stage.POSITION,
            )
        if replay_id in _OPTIONS:
            return Position(option=replay_id, committed_ms=at, at=where)
        headers: dict[str, str | bytes | None] = dict(message.headers() or ())
        return Position(
            replay_id=replay_id,
            org_id=self._header(message, headers, ORG_ID, bytes.decode),
            event_uuid=self._header(message, headers, EVENT_UUID, bytes.decode),
            created_ms=self._header(message, headers, CREATED, _created),
            committed_ms=at,
            at=where,
            raw=self._header(message, headers, RAW, _bytes_of_id),
            resume_raw=self._header(message, headers, RESUME_RAW, _bytes_of_id),
            event_id=self._header(message, headers, EVENT_ID, _event_id),
            **self._resumption(message, headers, replay_id, at or 0),
        )

    def _resumption(
        self, message: Message, headers: Mapping[str, str | bytes | None], replay_id: int, at: int
    ) -> _Resumption:
        """Both headers or none: half of them would lose or double events."""
        after = self._header(message, headers, RESUME_AFTER, _resume_after)
        done = self._header(message, headers, DONE, _digests) if DONE in headers else ()
        if after is None or done is None or after >= replay_id:
            return {}
        # A subscription to all retained events is never refused: it would hide that the position has expired meanwhile.
        if after == ALL_RETAINED and time.time() - at / 1000 > RETENTION:
            return {}
        return {"resume_after": after, "done": done}

    def _header(
        self,
        message: Message,
        headers: Mapping[str, str | bytes | None],
        name: str,
        convert: Callable[[bytes], _T],
    ) -> _T | None:
        """A header only says more of a position: what is broken is ignored."""
        if name not in headers:
            return None
        value = headers[name]
        try:
            if value and isinstance(value, bytes):
                return convert(value)
        except ValueError:
            pass
        self._foreign.ignored(message, f"its header {name} is {shown(value)}")
        return None

    def position(self) -> Position:
        """Raises NoPosition where the newest record under the connector's key is none."""
        newest = max(self._positions.values(), key=lambda entry: entry[0], default=(0, Position()))[1]
        if isinstance(newest, NoPosition):
            raise newest
        begun = newest.replay_id is None and newest.option != ALL_RETAINED
        return evolve(newest, since_ms=self._since_ms if begun else None, absent=not self._positions)


def _replay_id(value: bytes) -> int:
    number = read(value, _Value).replayId
    try:
        return int(number) if number in (*_OPTIONS, *map(str, _OPTIONS)) else replay_id_of(number)
    except Broken:
        raise
    except ValueError as wrong:
        raise Broken(f"holds a replayId that {wrong}") from None


def replay_id_of(value: object) -> int:
    """A replay id out of JSON or a command line. Raises ValueError with the end of a sentence."""
    if isinstance(value, str):
        text = value.strip()
        if not text.removeprefix("-").isdigit() or not text.isascii():
            raise ValueError("is not a whole number")
        value = int(text[:30])  # as many digits as it takes to see that they are too many
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("is not a whole number")
    if not 0 <= value <= HIGHEST:
        raise ValueError("is not between 0 and 9223372036854775807")
    return int(
        value
    )  # a plain one: of a request's body it is a number with its literal, which no encoder takes


class _Resumption(TypedDict, total=False):
    """What of a position its headers say of events that were written beyond it."""

    resume_after: int
    done: tuple[bytes, ...]


class _Value(msgspec.Struct):
    replayId: int | str  # noqa: N815 - the wire's own name


class _Start(msgspec.Struct):
    since: Annotated[int, msgspec.Meta(ge=0, le=LATEST_MS)]


def _resume_after(value: bytes) -> int:
    if value != b"%d" % ALL_RETAINED and not _ID.fullmatch(value):
        raise ValueError("no replay id")
    return int(value)


def _bytes_of_id(value: bytes) -> bytes:
    if len(value) > _LONGEST_ID:
        raise ValueError("no replay id")
    return value


def _event_id(value: bytes) -> int:
    if not _ID.fullmatch(value):
        raise ValueError("no replay id")
    return int(value)


def _digests(value: bytes) -> tuple[bytes, ...]:
    if len(value) % DIGEST:
        raise ValueError("cut")
    return tuple(value[at : at + DIGEST] for at in range(0, len(value), DIGEST))


def _created(value: bytes) -> int:
    moment = _moment(int(value))
    if moment is None:
        raise ValueError("no moment")
    return moment


def _moment(ms: int) -> int | None:
    """A time that a date can name; a record's own timestamp may be anything, too."""
    return ms if 0 <= ms <= LATEST_MS else None
