"""Protected values followed through transforms: each field of the event, by a mark of its own.

The registered schema speaks of fields as they are called after the chain, a contract of those before it. So every
leaf of the schema before the chain gets a mark, the chain is traced, and a leaf is protected if a rule meets the
tags that it has by itself, or any of those that the registered schema has where its mark comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from attrs import evolve, frozen

from bridge.languages.tagging import Path, Tagged, every_field, struct_in
from bridge.model.schema import Field, Schema
from bridge.transforms.chain import Chain, Found
from bridge.transforms.step import tags_of

Tags = frozenset[str]
Protects = Callable[[Tags], bool]
"""Whether a field with these tags is protected."""
REMEMBERED: Final = "encrypted before"
"""The tag of a field that was encrypted before; words for people, and if a registry says it, that is heeded."""
MARK: Final = "\0protected"
"""No registry and no contract can have this tag."""


@frozen
class Followed:
    """``origins``: leaves of the schema before the chain that are protected. ``leaks``: where they get out.

    ``out``: all leaves whose values get anywhere, protected or not; ``exposed``: anywhere but into the value.
    """

    origins: frozenset[Path]
    leaks: tuple[Found, ...] = ()
    out: frozenset[Path] = frozenset()
    exposed: frozenset[Path] = frozenset()


def follow(chain: Chain, before: Schema, reach: Tagged | None, protects: Protects) -> Followed:
    """``reach``: the tags of the schema that writes; None where there is none, and only the fields' own count.

    Fatal for a chain with too many predicates to follow.
    """
    own = _own_tags(before, frozenset(), ())
    marks = {str(number): path for number, path in enumerate(own)}
    by_path = {path: frozenset({mark}) for mark, path in marks.items()}
    marked = _marked(before, by_path, ())
    ends, leaks = chain.ends(marked)
    tags = {mark: own[path] for mark, path in marks.items()}
    values = [end.value for end in ends if end.value is not None]
    came_out = {mark for schema in values for _, field in every_field(schema) for mark in tags_of(field)}
    leaked = {mark for one in leaks for mark in one.leak.tags}
    if reach is not None:
        for schema in (marked, *values):
            names = reach.follow(schema)
            for path, field in every_field(schema):
                for mark in tags_of(field):
                    tags[mark] |= reach.tags(names[path])
        for mark in marks.keys() - came_out:
            # it is in no value any more: a tag on a field of its name, wherever that stands now, means it
            tags[mark] |= _by_name(reach, marks[mark][-1])
    protected = frozenset(mark for mark, its in tags.items() if protects(its))
    return Followed(
        frozenset(marks[mark] for mark in protected),
        tuple(
            evolve(one, leak=evolve(one.leak, tags=frozenset().union(*(tags[mark] for mark in exposed))))
            for one in leaks
            if (exposed := one.leak.tags & protected)
        ),
        frozenset(marks[mark] for mark in came_out | leaked),
        frozenset(marks[mark] for mark in leaked),
    )


def marked(schema: Schema, paths: frozenset[Path], mark: str = MARK) -> Schema:
    """The schema with a mark on these leaves, so that transforms carry it along."""
    return _marked(schema, dict.fromkeys(paths, frozenset({mark})), (), keep=True)


def _marked(schema: Schema, marks: Mapping[Path, Tags], path: Path, *, keep: bool = False) -> Schema:
    """``keep``: beside the tags that are there."""
    fields = []
    for each in schema.fields:
        here = (*path, each.name)
        tags = marks.get(here, frozenset()) | (each.tags if keep else frozenset())
        fields.append(Field(each.name, _within(each.schema, marks, here, keep=keep), tags))
    return evolve(schema, fields=tuple(fields))


def _within(schema: Schema, marks: Mapping[Path, Tags], path: Path, *, keep: bool) -> Schema:
    if schema.fields:
        return _marked(schema, marks, path, keep=keep)
    if schema.value_schema is None or struct_in(schema) is None:
        return schema
    return evolve(schema, value_schema=_within(schema.value_schema, marks, path, keep=keep))


def _own_tags(schema: Schema, around: Tags, path: Path) -> dict[Path, Tags]:
    """Each leaf with its tags and those of the structs around it."""
    out: dict[Path, Tags] = {}
    for each in schema.fields:
        inner, here = struct_in(each.schema), (*path, each.name)
        if inner is not None and inner.fields:
            out |= _own_tags(inner, around | each.tags, here)
        else:
            out[here] = around | each.tags
    return out


def _by_name(reach: Tagged, name: str) -> Tags:
    dotted = (tags for field, tags in reach.fields.items() if field.rpartition(".")[2] == name)
    return frozenset(tag for tags in dotted for tag in tags)
