"""Two topics that hold the same events, side by side: what is missing, double, out of order, different.

Both are read once, side by side, and paired by what names an event: its EventUuid where both have one, else its replay
id. Only what both cover is judged: an event is missing where its replay id lies between the first and the last of the
other topic. No value is kept beyond its pairing, and none is ever told: a difference says of which kind the two are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final

from attrs import define, field, frozen

from bridge.documents import Json
from bridge.errors import Fatal
from bridge.inspection.diff import Shape, changes, shape_of_text
from bridge.inspection.differences import differences
from bridge.inspection.sides import Side, Told

_FAR: Final = (
    100_000  # events of one side that wait for the other with their values; those beyond are only counted
)
UUID: Final = "EventUuid"
REPLAY_ID: Final = "ReplayId"


@frozen
class Kind:
    """One kind of difference. ``where``: a field, or empty."""

    what: str
    where: str = ""


@define
class Example:
    """How often a kind was met, and its first example: the event, and its places (partition and offset) in A and B."""

    count: int
    event: str
    a: str | None = None
    b: str | None = None


@define
class Comparison:
    """What two topics have in common, and what not."""

    a: Side
    b: Side
    aligned: str = UUID
    ignored: frozenset[str] = frozenset()
    pairs: int = 0
    outside: int = 0
    """Events of one side that the other does not cover."""
    uncompared: int = 0
    """Pairs that were too far apart to compare their values."""
    kinds: dict[Kind, Example] = field(factory=dict)
    held_back: list[str] = field(factory=list)
    """What of the topics could not be read."""
    schema: list[str] = field(factory=list)
    """What the schemas that wrote last differ in, in words."""

    @property
    def compared(self) -> int:
        """Pairs of which the values were compared."""
        return self.pairs - self.uncompared

    @property
    def equal(self) -> bool:
        """Whether something was compared, and nothing differs."""
        return self.compared > 0 and not self.kinds and not self.schema and not self.held_back

    @property
    def sealed(self) -> list[str]:
        """Fields that were not compared, because they are encrypted and nobody decrypted them."""
        return sorted(self.a.sealed | self.b.sealed)

    def document(self) -> dict[str, Json]:
        """As JSON."""
        kinds: list[Json] = [
            {"kind": kind.what, "field": kind.where or None, "count": one.count}
            | {"first": {"event": one.event, "a": one.a, "b": one.b}}
            for kind, one in self.kinds.items()
        ]
        return {
            "equal": self.equal,
            "aligned_by": self.aligned,
            "a": {"topic": self.a.topic, "records": self.a.records},
            "b": {"topic": self.b.topic, "records": self.b.records},
            "pairs": self.pairs,
            "outside": self.outside,
            "uncompared": self.uncompared,
            "encrypted": list[Json](self.sealed),
            "differences": kinds,
            "schemas": list[Json](self.schema),
            "held_back": list[Json](self.held_back),
        }

    def meet(self, kind: Kind, event: str, a: str | None = None, b: str | None = None) -> None:
        """Count a difference; the first one is kept as the example."""
        if kind in self.kinds:
            self.kinds[kind].count += 1
        else:
            self.kinds[kind] = Example(1, event, a, b)


def compare(
    a: Side,
    b: Side,
    *,
    align: str | None = None,
    ignored: Collection[str] = (),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Comparison:
    """Read both topics to their end and compare. ``align``: the field that names an event; ``ignored``: fields that
    may differ. Raises Fatal, Retriable of Kafka and the registry."""
    comparison = Comparison(a, b, ignored=frozenset(ignored))
    sides = (a.told(), b.told())
    waiting: tuple[dict[str, Told], dict[str, Told]] = ({}, {})
    seen: tuple[set[int], set[int]] = (set(), set())  # hashes: of a day there may be millions
    for which, told in _side_by_side(sides, comparison, align):
        progress(a.records + b.records, a.total + b.total)
        name = told.name(comparison.aligned)
        if told.note is not None:
            comparison.meet(
                Kind(f"not readable in {'AB'[which]}: {told.note}"), name or "", *_places(which, told)
            )
        elif name is None:
            comparison.meet(Kind(f"without {comparison.aligned} in {'AB'[which]}"), "", *_places(which, told))
        if name is None:
            continue
        if hash(name) in seen[which]:
            comparison.meet(Kind(f"double in {'AB'[which]}"), name, *_places(which, told))
            continue
        seen[which].add(hash(name))
        if told.fell:
            comparison.meet(Kind(f"out of order in {'AB'[which]}"), name, *_places(which, told))
        other = waiting[1 - which].pop(name, None)
        if other is None:
            waiting[which][name] = told if len(waiting[which]) < _FAR else told.bare()
        else:
            _pair(comparison, name, *((told, other) if which == 0 else (other, told)))
    for which in (0, 1):
        _missing(comparison, which, waiting[which])
    comparison.schema = _schemas(a, b)
    comparison.held_back = [f"{side.topic}: {text}" for side in (a, b) for text in side.held_back]
    return comparison


def _side_by_side(
    sides: tuple[Iterator[Told], Iterator[Told]], comparison: Comparison, align: str | None
) -> Iterator[tuple[int, Told]]:
    """Records of both, whichever is behind next, so that few of one wait for the other."""
    heads = [next(side, None) for side in sides]
    comparison.aligned = align or _aligned(heads)
    while True:
        times = [math.inf if head is None else head.timestamp for head in heads]
        which = 0 if times[0] <= times[1] else 1
        head = heads[which]
        if head is None:
            return
        yield which, head
        heads[which] = next(sides[which], None)


def _aligned(heads: list[Told | None]) -> str:
    return UUID if all(head is None or head.name(UUID) is not None for head in heads) else REPLAY_ID


def _places(which: int, told: Told) -> tuple[str | None, str | None]:
    return (told.place, None) if which == 0 else (None, told.place)


def _pair(comparison: Comparison, name: str, a: Told, b: Told) -> None:
    comparison.pairs += 1
    if a.key != b.key:
        comparison.meet(Kind("differs: the record's key"), name, a.place, b.place)
    if a.note is not None or b.note is not None:
        return
    if a.values is None or b.values is None:
        comparison.uncompared += 1
        return
    sealed = comparison.a.sealed | comparison.b.sealed
    for path, how in differences(a.values, b.values, comparison.ignored, sealed):
        comparison.meet(Kind(f"differs: {how}", path), name, a.place, b.place)


def _missing(comparison: Comparison, which: int, waiting: Mapping[str, Told]) -> None:
    other = (comparison.b, comparison.a)[which]
    for name, told in waiting.items():
        if other.covers(told):
            comparison.meet(Kind(f"missing in {'BA'[which]}"), name, *_places(which, told))
        else:
            comparison.outside += 1


def _schemas(a: Side, b: Side) -> list[str]:
    """What consumers notice, of the schemas that wrote last. Tags are no difference of records."""
    if a.latest is None or b.latest is None:
        return []
    if a.latest.type != b.latest.type:
        return [f"A is written as {a.latest.type}, B as {b.latest.type}"]
    try:
        shapes = [_untagged(shape_of_text(one.text, one.type)) for one in (a.latest, b.latest)]
    except Fatal as error:
        return [f"the schemas cannot be compared: {error.message}"]
    return [f"from A to B {change.what}" for change in changes(*shapes)]


def _untagged(shape: Shape) -> Shape:
    # here: what evolves is small, and only at the end
    from attrs import evolve

    return evolve(shape, columns={p: evolve(c, tags=frozenset()) for p, c in shape.columns.items()})
