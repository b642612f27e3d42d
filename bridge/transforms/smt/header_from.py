"""HeaderFrom: fields into headers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from bridge.config.property import HIGH, LIST, STRING
from bridge.java.exceptions import InvalidConfig, data_error, null_pointer
from bridge.model.schema import Kind, Schema
from bridge.transforms.record import ConnectRecord, Header
from bridge.transforms.spec import REPLACE_NULL, Key, Settings, Spec, non_empty_list, one_of, replaces_nulls
from bridge.transforms.step import Bound, Leak, OnSide, Side, Transform, tags_of
from bridge.transforms.structs import copier, described, read, require_map, require_struct, struct_like

SPEC: Final = Spec(
    "HeaderFrom",
    "Moves or copies fields into headers.",
    (
        Key(
            "fields",
            LIST,
            "The fields, parallel to headers.",
            importance=HIGH,
            validator=non_empty_list,
            valid="non-empty list",
        ),
        Key(
            "headers",
            LIST,
            "The headers' names, parallel to fields.",
            importance=HIGH,
            validator=non_empty_list,
            valid="non-empty list",
        ),
        Key(
            "operation",
            STRING,
            "move takes a field out of the record, copy leaves it.",
            importance=HIGH,
            validator=one_of("move", "copy"),
            valid="move, copy",
        ),
        REPLACE_NULL,
    ),
    {"fields": "EventUuid", "headers": "event-id", "operation": "copy"},
    "every record has a header `event-id`",
)


def make(settings: Settings, side: Side) -> Transform:
    """A HeaderFrom."""
    names, headers, operation = settings["fields"], settings["headers"], settings["operation"]
    if len(names) != len(headers):
        raise InvalidConfig("'fields' config must have the same number of elements as 'headers' config.")
    moves, purpose = operation == "move", f"header {operation}"
    defaults = replaces_nulls(settings)

    def schemaless(value: Any, record: ConnectRecord) -> Any:
        require_map(value, purpose)
        out = dict(value) if moves else value
        for name, header in zip(names, headers, strict=True):
            record.headers = (*record.headers, (header, None, value.get(name)))
            if moves:
                out.pop(name, None)
        return out

    def bind(schema: Schema | None) -> Bound:
        if schema is None:
            return Bound(None, schemaless)
        if schema.kind is not Kind.STRUCT:
            return Bound(schema, lambda value, _: require_struct(schema, value, purpose))
        kept = [f for f in schema.fields if f.name not in names]
        after = struct_like(schema, kept) if moves else schema
        copy = copier(kept, defaults=defaults)
        taken: list[tuple[str, Schema | None, Callable[[dict[str, Any]], Any] | None]] = []
        for name, header in zip(names, headers, strict=True):
            if field := schema.field_named(name):
                taken.append((header, field.schema, read(name, field.schema, defaults=defaults)))
            else:
                taken.append((header, None, None))

        def convert(value: Any, record: ConnectRecord) -> Any:
            if value is None:
                require_struct(schema, value, purpose)
            rest = copy({f.name: value[f.name] for f in kept}) if moves else value
            added: list[Header] = []
            for header, its_schema, get in taken:
                if get is None or its_schema is None:
                    raise null_pointer('the return value of "Schema.field(String)"')
                item = get(value)
                if item is None and not its_schema.optional:
                    raise data_error(
                        f"A null value requires an optional schema but was {described(its_schema)}"
                    )
                added.append((header, its_schema, item))
            record.headers = (*record.headers, *added)
            return rest

        leaks = tuple(Leak(f.name, tags_of(f), "a header") for f in schema.fields if f.name in names)
        return Bound(after, convert, leaks)

    return OnSide(side, bind)
