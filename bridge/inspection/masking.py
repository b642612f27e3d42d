"""Records as they may be shown: protected values masked, moments and days as people write them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from attrs import field, frozen

from bridge.languages.tagging import Path, Tagged, every_field, struct_in
from bridge.model.schema import DATE, TIMESTAMP, Field, Kind, Schema
from bridge.reading.decode import plain as without_schema
from bridge.routing.following import MARK, Protects
from bridge.transforms.record import ConnectRecord

MASK: Final = "********"


@frozen
class Shown:
    """A record as it may be shown, after ``step`` (a transform's alias; empty: as it would be written)."""

    step: str
    topic: str
    key: object
    value: object
    headers: Mapping[str, object] = field(factory=dict)

    def document(self) -> dict[str, object]:
        """As JSON."""
        document = {"topic": self.topic, "key": self.key, "value": self.value, "headers": dict(self.headers)}
        return {"after": self.step, **document} if self.step else document


@frozen
class Protected:
    """What of a record may not be shown. ``reach``: the tags of the schema that writes it, None where none does.

    ``anything``: whether something is protected at all; ``everything``: the payload as a whole is.
    """

    protects: Protects
    reach: Tagged | None = None
    anything: bool = False
    everything: bool = False

    def paths(self, schema: Schema | None) -> frozenset[Path]:
        """The fields of a schema that are protected: by the mark that came along with their values, by their own
        tags, and by those that the written schema has for them."""
        if schema is None:
            return frozenset()
        names = {} if self.reach is None else self.reach.follow(schema)
        return frozenset(
            path for path, field in every_field(schema) if self._is(field, names.get(path, frozenset()))
        )

    def _is(self, field: Field, names: frozenset[str]) -> bool:
        if MARK in field.tags:
            return True
        tags = field.tags | (self.reach.tags(names) if self.reach is not None else frozenset())
        if struct_in(field.schema) is not None:
            # what protects any field protects those within; a tag on what holds them is another matter
            return (
                bool(tags) and not self.everything and self.protects(tags) and not self.protects(frozenset())
            )
        return self.everything or self.protects(tags)


def shown(step: str, record: ConnectRecord, protected: Protected, *, leaky: bool) -> Shown:
    """What of a record may be shown. ``leaky``: transforms may have moved a protected value to where it cannot be
    told any more, so nothing but the names of headers is shown."""
    opaque = (record.value_schema is None or record.value_schema.kind is not Kind.STRUCT) and (
        protected.everything or protected.anything
    )
    return Shown(
        step,
        MASK if leaky else record.topic or "",
        MASK if leaky and record.key is not None else plain(record.key_schema, record.key),
        MASK
        if leaky or (opaque and record.value is not None)
        else _value(record.value_schema, record.value, protected.paths(record.value_schema), ()),
        {name: MASK if leaky else plain(its, value) for name, its, value in record.headers},
    )


def _value(schema: Schema | None, value: Any, hidden: frozenset[Path], path: Path) -> Any:
    if value is not None and path in hidden:
        return MASK
    if schema is not None and struct_in(schema) is not None:
        if schema.kind is Kind.STRUCT and isinstance(value, Mapping):
            return {
                each.name: _value(each.schema, value.get(each.name), hidden, (*path, each.name))
                for each in schema.fields
            }
        if schema.kind is Kind.MAP and isinstance(value, Mapping):
            return {str(k): _value(schema.value_schema, each, hidden, path) for k, each in value.items()}
        if schema.kind is Kind.ARRAY and isinstance(value, list):
            return [_value(schema.value_schema, each, hidden, path) for each in value]
        if value is not None and any(each[: len(path)] == path for each in hidden):
            return MASK
    return plain(schema, value)


def masked(schema: Schema | None, protected: Protected) -> list[str]:
    """The paths of the fields that are masked; of a struct that is masked whole its own."""
    hidden = protected.paths(schema)
    within = {path for path in hidden for n in range(1, len(path)) if path[:n] in hidden}
    every = () if schema is None else every_field(schema)
    return [".".join(path) for path, _ in every if path in hidden and path not in within]


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
