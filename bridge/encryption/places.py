"""Where in a registered schema a tag can stand: one place for each field, by the name that patterns are matched to.

Full names are the format's own, as Confluent's clients build them: Avro ``record's full name.field``, JSON Schema
``$.a.b`` with ``[0]`` for the items of an array, Protobuf the descriptor's full name. A tag anywhere else is
*stray*: some or all official clients pass over it, so what it means to protect would go out in plaintext.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache

from attrs import frozen

from bridge.encryption.kms import fatal

TAGS = "confluent:tags"


@frozen
class Place:
    """A field. ``type`` is the format's word; ``fits``: encryption can be applied to values of it."""

    name: str
    tags: frozenset[str]
    type: str
    fits: bool
    container: bool = False
    """A record: it has no value of its own, its fields do."""
    parts: tuple[str, ...] = ()
    """Full names of the leaves directly below a field that is a record; Java encrypts some of these."""
    note: str = ""
    """What some official clients cannot do with it once it is encrypted."""


@frozen
class Stray:
    """A tag where it reaches no field."""

    where: str
    tags: frozenset[str]


@frozen
class Places:
    """What a schema has."""

    fields: tuple[Place, ...]
    stray: tuple[Stray, ...] = ()


def tags_in(node: Mapping[str, object]) -> frozenset[str]:
    """The inline tags of an Avro or JSON Schema node."""
    found = node.get(TAGS)
    return frozenset(map(str, found)) if isinstance(found, list) else frozenset()


def matches(pattern: str, name: str) -> bool:
    """Whether a pattern of ``metadata.tags`` means a full name; ``?`` and ``*`` stay within one dot level, ``**``
    does not, and the whole name must match (WildcardMatcher of Confluent's clients, brackets included)."""
    return _compiled(pattern).fullmatch(name) is not None


def tags_of(place: Place, patterns: Mapping[str, Iterable[str]]) -> frozenset[str]:
    """Inline tags and those that patterns give it."""
    return place.tags.union(*(tags for pattern, tags in patterns.items() if matches(pattern, place.name)))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    source = pattern.replace("**.*", "**")
    out, at = "", 0
    while at < len(source):
        c = source[at]
        at += 1
        if c == "*" and source[at : at + 1] == "*":
            out += ".*"
            at += 1
        elif c in "*?":
            out += "[^.]*" if c == "*" else "[^.]"
        elif c == "\\":
            out += re.escape(source[at : at + 1] or "\\")
            at += 1
        else:
            out += "\\" + c if c in ".+{}()|^$" else c
    try:
        return re.compile(out)
    except re.error as error:
        raise fatal(f"the pattern {pattern!r} in metadata.tags cannot be used ({error})") from None
