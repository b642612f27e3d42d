"""How a transform is applied: bound to each schema once, then a function of the value.

``make`` of each transform's module returns a ``Transform``. Binding is symbolic: from a schema come the schema of
the result, the function that makes it, and which tagged fields leave the value on the way.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, StrEnum, auto
from typing import Final, Protocol

from attrs import evolve, frozen

from bridge.model.moves import Moves, Step, followed
from bridge.model.schema import Field, Kind, Schema
from bridge.transforms.record import ConnectRecord, Header, Value

_MOST_SCHEMAS: Final = 256  # remembered by one transform; beyond that it starts anew


class Side(StrEnum):
    """What a transform works on."""

    KEY = "key"
    VALUE = "value"


@frozen
class Leak:
    """A tagged field whose value gets where it would not be encrypted: key, header, topic, or another type."""

    field: str
    tags: frozenset[str]
    into: str


@frozen
class State:
    """A record as far as it is known before there is one."""

    key: Schema | None = None
    value: Schema | None = None
    leaks: tuple[Leak, ...] = ()

    def leaking(self, *leaks: Leak) -> State:
        """The same with further leaks; those without tags do not count."""
        return evolve(self, leaks=(*self.leaks, *(leak for leak in leaks if leak.tags)))


@frozen
class Moved:
    """A record whose values are still those of the event, in other places; it has no key, and no timestamp."""

    topic: str
    schema: Schema
    moves: Moves
    headers: tuple[Header, ...] = ()


Convert = Callable[[Value, ConnectRecord], Value]


@frozen
class Bound:
    """A transform of one side for one schema.

    ``moves``: that it does no more than that to any value, and refuses none.
    """

    schema: Schema | None
    convert: Convert
    leaks: tuple[Leak, ...] = ()
    moves: Step | None = None


Bind = Callable[[Schema | None], Bound]
"""Raises JavaError where the transform cannot work on values of the schema."""


class Transform(Protocol):
    """One configured transform."""

    @property
    def own(self) -> bool:
        """Whether it is a class of the user's."""

    @property
    def routing(self) -> Routing:
        """What it does to the topic."""

    def apply(self, record: ConnectRecord) -> bool:
        """Change what the record holds; False: it is dropped. Raises JavaError."""

    def trace(self, state: State) -> State:
        """What it makes of a record's schemas. Raises JavaError where it cannot work on them."""

    def moved(self, state: Moved) -> Moved | None:
        """What it makes of a record whose values nobody has looked at; None where it has to look. Raises JavaError."""


class Routing(Enum):
    """What a transform does to the topic."""

    NONE = auto()
    BY_TOPIC = auto()  # the new topic depends on the old one only
    BY_RECORD = auto()


class OnRecord:
    """A transform of topic, headers or the record as a whole. ``looks``: at what differs from record to record, other
    than the topic."""

    own: bool = False

    def __init__(
        self,
        apply: Callable[[ConnectRecord], bool],
        trace: Callable[[State], State] = lambda state: state,
        routing: Routing = Routing.NONE,
        *,
        looks: bool = True,
    ) -> None:
        self.apply = apply
        self.trace = trace
        self.routing: Final = routing
        self._looks = looks and routing is not Routing.BY_TOPIC

    def moved(self, state: Moved) -> Moved | None:
        """The topic and the headers afterwards, which are the same for every record of one topic."""
        if self._looks:
            return None
        record = ConnectRecord(state.topic, None, None, headers=state.headers)
        kept = self.apply(record)
        return evolve(state, topic=record.topic or "", headers=record.headers) if kept else None


class OnSide:
    """A transform of key or value. ``passes_null``: a null goes through with its schema as it was."""

    own: bool = False
    routing: Final = Routing.NONE

    def __init__(self, side: Side, bind: Bind, *, passes_null: bool = False) -> None:
        self._side = side
        self._bind = bind
        self._passes_null = passes_null
        self._bound: dict[int, tuple[Schema | None, Bound]] = {}
        self.apply = self._apply_to_value if side is Side.VALUE else self._apply_to_key

    def trace(self, state: State) -> State:
        """The side's schema afterwards."""
        if self._side is Side.VALUE:
            bound = self._of(state.value)
            return evolve(state, value=bound.schema).leaking(*bound.leaks)
        if state.key is None and self._passes_null:
            return state
        return evolve(state, key=self._of(state.key).schema)  # what is in a key has leaked before

    def moved(self, state: Moved) -> Moved | None:
        """The value's schema afterwards, and where its fields come from."""
        bound = self._of(state.schema) if self._side is Side.VALUE else None
        if bound is None or bound.moves is None or bound.schema is None:
            return None
        moves = followed(state.moves, bound.moves, state.topic)
        return evolve(state, schema=bound.schema, moves=moves)

    def _apply_to_value(self, record: ConnectRecord) -> bool:
        value = record.value
        if value is not None or not self._passes_null:
            cached = self._bound.get(id(record.value_schema))
            bound = self._of(record.value_schema) if cached is None else cached[1]
            record.value = bound.convert(value, record)
            record.value_schema = bound.schema
        return True

    def _apply_to_key(self, record: ConnectRecord) -> bool:
        if record.key is not None or not self._passes_null:
            bound = self._of(record.key_schema)
            record.key = bound.convert(record.key, record)
            record.key_schema = bound.schema
        return True

    def _of(self, schema: Schema | None) -> Bound:
        cached = self._bound.get(id(schema))
        if cached is None:
            if len(self._bound) >= _MOST_SCHEMAS:
                self._bound.clear()
            cached = self._bound.setdefault(id(schema), (schema, self._bind(schema)))
        return cached[1]


def kind_changed(field: Field, into: Schema) -> tuple[Leak, ...]:
    """The leak of a tagged field that becomes something CSFLE cannot encrypt."""
    fits = into.kind in (Kind.STRING, Kind.BYTES) and field.schema.kind is not Kind.STRUCT
    tags = tags_of(field)
    if tags and not fits and field.schema.kind in (Kind.STRING, Kind.BYTES, Kind.STRUCT):
        return (Leak(field.name, tags, f"{into.kind}, which cannot be encrypted"),)
    return ()


def all_tags(schema: Schema | None) -> frozenset[str]:
    """Every tag in a struct, however deep."""
    if schema is None:
        return frozenset()
    tags: frozenset[str] = frozenset()
    for one in schema.fields:
        tags |= one.tags | all_tags(one.schema)
    return tags | all_tags(schema.value_schema)


def tags_of(field: Field) -> frozenset[str]:
    """A field's tags and those inside it."""
    return field.tags | all_tags(field.schema)
