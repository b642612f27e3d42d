"""A field's name or path (KIP-821): V1 a plain name, V2 steps between dots, backticks around names with dots."""

from __future__ import annotations

from bridge.java.exceptions import InvalidConfig, data_error, illegal_argument
from bridge.model.schema import Field, Kind, Schema
from bridge.transforms.record import Value
from bridge.transforms.structs import default_of, require_map


def steps_of(path: str, version: str) -> tuple[str, ...]:
    """The names along a path. InvalidConfig for a backtick without its pair."""
    return _split(path) if version.upper() == "V2" else (path,)


def _split(path: str) -> tuple[str, ...]:
    steps: list[str] = []
    place = 0
    while 0 <= place < len(path):
        if path[place] == "`":
            name, place = _quoted(path, place)
        else:
            dot = path.find(".", place)
            name, place = (path[place:], -1) if dot < 0 else (path[place:dot], dot + 1)
        steps.append(name)
    if path.endswith("."):
        steps.append("")
    return tuple(steps)


def _quoted(path: str, opening: int) -> tuple[str, int]:
    """The name between backticks and where to go on; only one before a dot or at the end closes."""
    name, start = "", opening + 1
    place = start
    while True:
        place = path.find("`", place)
        if place < 0:
            raise _unpaired(path, opening)
        escaped = path[place - 1] == "\\"
        if place >= len(path) - 1:
            if escaped:
                raise _unpaired(path, opening)
            return name + path[start:place], place + 1
        if path[place + 1] != ".":
            place += 1
        elif escaped:
            name += path[start : place - 1] + "`"
            place += 1
            start = place
        else:
            return name + path[start:place], place + 2


def _unpaired(path: str, opening: int) -> InvalidConfig:
    return InvalidConfig(
        f"Incomplete backtick pair in path: [{path}], consider adding a backslash before backtick at position "
        f"{opening} to escape it"
    )


def field_at(schema: Schema, steps: tuple[str, ...]) -> Field | None:
    """The field at the end of a path. DataException where the path goes through something else than a struct."""
    current, field = schema, None
    for step in steps:
        if current.kind is not Kind.STRUCT:
            raise data_error("Cannot look up fields on non-struct type")
        field = current.field_named(step)
        if field is None:
            return None
        current = field.schema
    return field


def value_at(schema: Schema, steps: tuple[str, ...], value: Value, *, defaults: bool) -> Value:
    """The value at the end of a path that exists; null below a null parent."""
    for step in steps:
        if value is None:
            return None
        field = schema.field_named(step)
        assert field is not None
        schema, value = field.schema, value[step]
        if value is None and defaults:
            value = default_of(schema)
    return value


def mapped_value_at(steps: tuple[str, ...], value: Value) -> Value:
    """The same without schema: null where a step is missing. DataException for a step through no map."""
    if not steps:
        raise illegal_argument("fromIndex(0) > toIndex(-1)", vague=True)
    for step in steps[:-1]:
        if (value := value.get(step)) is None:
            return None
        require_map(value, "nested field access")
    return value.get(steps[-1])
