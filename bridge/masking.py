"""Records as they may be shown: protected values masked, moments and days as people write them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from attrs import field, frozen

from bridge.kafka.decode import plain as without_schema
from bridge.schema.model import DATE, TIMESTAMP, Kind, Schema
from bridge.transforms.record import ConnectRecord
from bridge.transforms.step import tags_of

MASK: Final = "********"


@frozen
class Shown:
    """A record as it may be shown, after ``step`` (a transform's alias; empty: as it would be written)."""

    step: str
    topic: str
    key: Any
    value: Any
    headers: Mapping[str, Any] = field(factory=dict)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        found = {"topic": self.topic, "key": self.key, "value": self.value, "headers": dict(self.headers)}
        return {"after": self.step, **found} if self.step else found


@frozen
class Protected:
    """Which tags are met by a rule; ``everything``: the payload, or every field."""

    tags: frozenset[str]
    everything: bool
    by_name: Mapping[str, Mapping[str, str]]

    def meets(self, name: str, tags: frozenset[str]) -> bool:
        """Whether a field of that name and those tags is protected."""
        return self.everything or bool(self.tags & (tags | set(self.by_name.get(name, ()))))


def shown(step: str, record: ConnectRecord, protected: Protected, *, leaky: bool) -> Shown:
    """What of a record may be shown. ``leaky``: transforms may have moved a protected value to where it cannot be
    told any more, so nothing but the names of headers is shown."""
    opaque = record.value_schema is None and (protected.everything or bool(protected.tags))
    return Shown(
        step,
        MASK if leaky else record.topic or "",
        MASK if leaky and record.key is not None else plain(record.key_schema, record.key),
        MASK if leaky or opaque else _value(record.value_schema, record.value, protected),
        {name: MASK if leaky else plain(its, value) for name, its, value in record.headers},
    )


def _value(schema: Schema | None, value: Any, protected: Protected) -> Any:
    if schema is None or schema.kind is not Kind.STRUCT or not isinstance(value, Mapping):
        return plain(schema, value)
    shown = {}
    for each in schema.fields:
        inner = value.get(each.name)
        if inner is not None and protected.meets(each.name, tags_of(each)):
            shown[each.name] = MASK
        else:
            shown[each.name] = _value(each.schema, inner, protected)
    return shown


def masked(schema: Schema | None, protected: Protected, path: str = "") -> Iterator[str]:
    """The paths of the fields that are masked."""
    for each in () if schema is None else schema.fields:
        if protected.meets(each.name, tags_of(each)):
            yield f"{path}{each.name}"
        elif each.schema.kind is Kind.STRUCT:
            yield from masked(each.schema, protected, f"{path}{each.name}.")


def plain(schema: Schema | None, value: Any) -> Any:
    """A value fit for JSON: moments and days as people write them."""
    if isinstance(value, int) and not isinstance(value, bool) and schema is not None:
        try:
            if schema.name == TIMESTAMP:
                moment = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=value)
                return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            if schema.name == DATE:
                return (date(1970, 1, 1) + timedelta(days=value)).isoformat()
        except OverflowError:
            return value
    return without_schema(value)
