"""Confluent's Flatten: as Apache's, and a map inside a struct may be kept."""

from __future__ import annotations

from typing import Final

from bridge.config.property import STRING
from bridge.transforms.smt.flatten import flatten
from bridge.transforms.spec import Key, Settings, Spec, one_of
from bridge.transforms.step import Side, Transform


def _key(name: str, doc: str, default: str | None) -> Key:
    check = one_of("FAIL", "INCLUDE", *([None] if default is None else []))
    return Key(name, STRING, doc, default, validator=check, valid="FAIL, INCLUDE")


SPEC: Final = Spec(
    "Flatten",
    "Makes one level out of nested structs: names are joined. Arrays stay.",
    (
        Key("delimiter", STRING, "The text between the parts of a name.", "."),
        _key(
            "behaviour.on.nested.map", "A map in a record with schema: FAIL, or INCLUDE it as it is.", "FAIL"
        ),
        _key("behavior.on.nested.map", "Older spelling; goes before the other where it is given.", None),
    ),
    {"behaviour.on.nested.map": "INCLUDE"},
    "`user` with a map `attributes` becomes `user.attributes`, the same map",
)


def make(settings: Settings, side: Side) -> Transform:
    """A Flatten that may keep maps."""
    behaviour = settings["behavior.on.nested.map"] or settings["behaviour.on.nested.map"]
    return flatten(settings, side, keep_maps=behaviour == "INCLUDE")
