"""Avro schemas normalized: what has no order of its own is sorted, so that equal schemas have one text."""

from __future__ import annotations

from typing import Any, Final

from bridge.languages.compatibility.avro_schema import Type

_LOGICAL: Final = frozenset(
    {
        "decimal",
        "big-decimal",
        "uuid",
        "date",
        "duration",
        "time-millis",
        "time-micros",
        *(f"{prefix}timestamp-{unit}" for prefix in ("", "local-") for unit in ("millis", "micros", "nanos")),
    }
)


def normalized(tree: Type) -> None:
    """Sort properties and aliases in place; a logical type's own properties come first."""
    seen: set[int] = set()
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        node.props = _props(node.props)
        node.aliases = sorted(node.aliases, key=node.full_alias)
        node.is_error = False
        node.doc = node.doc or None
        for entry in node.fields:
            entry.props = _sorted(entry.props)
            entry.aliases = sorted(entry.aliases)
            entry.default = [_sorted(value) for value in entry.default]
            waiting.append(entry.type)
        waiting += node.inner


def _props(props: dict[str, Any]) -> dict[str, Any]:
    if props.get("logicalType") not in _LOGICAL:
        return dict(_sorted(props))
    first = [key for key in ("logicalType", "precision", "scale") if key in props]
    return {**{key: props[key] for key in first}, **_sorted(props)}


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
