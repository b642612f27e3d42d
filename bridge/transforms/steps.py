"""The settings of each transform and predicate as validation shows them, also those that were not sent: Kafka Connect's
``ConnectorConfig.enrich``, from which clients make their forms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from bridge.config.infos import Definition, Steps
from bridge.config.property import BOOLEAN, CLASS, HIGH, STRING, Importance
from bridge.model.schema import UNSET
from bridge.transforms.configuration import VERSION, spec_of_predicate, spec_of_transform
from bridge.transforms.own import transform_names
from bridge.transforms.predicates import PREDICATES
from bridge.transforms.spec import Key, Spec, split_list

_IMPORTANCES: Final = list(Importance)
_CONDITION: Final = (
    Key("predicate", STRING, "The alias of a predicate: the transform is applied where it is true.", None),
    Key("negate", BOOLEAN, "Whether the transform is applied where the predicate is false.", False),
)
_MOST: Final = 100
"""Aliases that are described; a body may list 500,000, and no form has that many."""
_VERSION: Final = "Support: accepted without effect: it concerns Kafka Connect's own runtime."


def definitions(given: Mapping[str, str]) -> Steps:
    """By key, in Kafka Connect's order, with the classes that a ``type`` may be.

    A step whose class is not known has nothing but its ``type``.
    """
    every: dict[str, tuple[Definition, Sequence[str]]] = {}
    for root, spec_of, more, classes in (
        ("transforms", spec_of_transform, _CONDITION, sorted(transform_names())),
        ("predicates", spec_of_predicate, (), sorted(PREDICATES)),
    ):
        for one in _steps(given, root, spec_of, more):
            of_classes = one["type"] == "CLASS"
            every.setdefault(one["name"], (one, classes if of_classes else ()))
    return every


def _steps(
    given: Mapping[str, str],
    root: str,
    spec_of: Callable[[str], Spec | None],
    more: tuple[Key, ...],
) -> Iterator[Definition]:
    aliases = dict.fromkeys(filter(None, split_list(given.get(root, ""))))
    for alias in list(aliases)[:_MOST]:
        prefix, group = f"{root}.{alias}.", f"{root.capitalize()}: {alias}"
        said = "transformation" if more else "predicate"
        type_ = Key("type", CLASS, f"Class for the '{alias}' {said}.", importance=HIGH)
        version = Key(VERSION, STRING, f"Version of the '{alias}' {said}. {_VERSION}", None, HIGH)
        yield _definition(prefix, group, type_, 0, "LONG", f"{said.capitalize()} type for {alias}")
        yield _definition(prefix, group, version, 1, "LONG", f"{said.capitalize()} version for {alias}")
        spec = spec_of(given.get(f"{prefix}type", ""))
        for order, key in enumerate([] if spec is None else _sorted((*spec.keys, *more)), start=2):
            yield _definition(prefix, group, key, order, "NONE", key.name)


def _sorted(keys: Iterable[Key]) -> list[Key]:
    """As ``ConfigDef.embed``: what is required first, then by importance, then by name."""
    return sorted(
        keys, key=lambda key: (key.default is not UNSET, _IMPORTANCES.index(key.importance), key.name)
    )


def _definition(prefix: str, group: str, key: Key, order: int, width: str, display: str) -> Definition:
    valid = f" Valid values: {key.valid}." if key.valid else ""
    return {
        "name": prefix + key.name,
        "type": key.type.upper(),
        "required": key.default is UNSET,
        "default_value": _text(key.default),
        "importance": key.importance.upper(),
        "documentation": f"{key.doc}{valid}",
        "group": group,
        "order": order,
        "order_in_group": order,
        "width": width,
        "display_name": display,
        "dependents": [],
    }


def _text(default: object) -> str | None:
    if default is None or default is UNSET:
        return None
    if isinstance(default, bool):
        return "true" if default else "false"
    return ",".join(map(str, default)) if isinstance(default, list | tuple) else str(default)
