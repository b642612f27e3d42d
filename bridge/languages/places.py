"""Where in a registered schema a tag can stand: one place for each field, by the name that patterns are matched to.

Full names are the format's own, as Confluent's clients build them: Avro ``record's full name.field``, JSON Schema
``$.a.b`` with ``[0]`` for the items of an array, Protobuf the descriptor's full name. A tag anywhere else is
*stray*: some or all official clients pass over it, so what it means to protect would go out in plaintext.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Protocol

from attrs import field, frozen

from bridge.errors import fatal
from bridge.model.protection import TAGS

_READINGS = ((True, True), (True, False), (False, True))
"""Whether brackets are a class of characters, and whether a backslash takes the next character as it is: Java's
``WildcardMatcher`` up to 8.3, Python's ``wildcard_match`` (2.16), Java's since."""


Change = Callable[[str, str | bytes], str | bytes]
"""(full name, text or bytes) → what takes its place."""
Changer = Callable[[object, Change], object]
"""What makes of a decoded value the same value, changed at its leaves."""


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


class Node(Protocol):
    """The type of a value in a schema's text, seen as the records in it: those of every union branch, of an array's
    items, of a map's values, behind references."""

    def below(self) -> Iterable[Below]:
        """Their fields. One name may come several times. May go on without end where types are recursive."""


@frozen
class Below:
    """A field of a record: its name there, its full name, its type, and the object in the document that may hold tags
    (None in Protobuf)."""

    name: str
    full: str
    node: Node
    entry: dict[str, object] | None = field(default=None, eq=False, repr=False)


@frozen
class Nowhere:
    """A type without a record in it."""

    def below(self) -> Iterable[Below]:
        """Nothing."""
        return ()


@frozen
class Places:
    """What a schema has. ``root``: the type of the whole value; ``document``: the parsed text, None in Protobuf."""

    fields: tuple[Place, ...]
    stray: tuple[Stray, ...] = ()
    root: Node = field(factory=Nowhere, eq=False, repr=False)
    document: object = field(default=None, eq=False, repr=False)
    unfollowed: tuple[str, ...] = ()
    """References behind which there may be fields that are not among these."""


def tags_in(node: Mapping[str, object]) -> frozenset[str]:
    """The inline tags of an Avro or JSON Schema node."""
    listed = node.get(TAGS)
    return frozenset(map(str, listed)) if isinstance(listed, list) else frozenset()


def matches(pattern: str, name: str) -> bool:
    """Whether a pattern of ``metadata.tags`` means a full name for any of Confluent's clients.

    ``?`` and ``*`` stay within one dot level, ``**`` does not, and the whole name must match. Of brackets and
    backslashes the clients think differently (``_READINGS``), so what one of them would encrypt is protected here.
    """
    return any(_compiled(pattern, reading).fullmatch(name) is not None for reading in _READINGS)


def tags_of(place: Place, patterns: Mapping[str, Iterable[str]]) -> frozenset[str]:
    """Inline tags and those that patterns give it."""
    return place.tags.union(*(tags for pattern, tags in patterns.items() if matches(pattern, place.name)))


def out_of_sight(places: Places, pattern: str) -> bool:
    """Whether a pattern may mean fields behind references that are not followed: all do but full names of fields."""
    return bool(places.unfollowed) and all(exactly(place.name) != pattern for place in places.fields)


def exactly(name: str) -> str:
    """The narrowest pattern that every client reads as this full name."""
    return re.sub(r"[*?\\\[\]]", "?", name)


@lru_cache(maxsize=4096)
def _compiled(pattern: str, reading: tuple[bool, bool]) -> re.Pattern[str]:
    classes, escapes = reading
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
        elif c == "\\" and escapes:
            out += re.escape(source[at : at + 1] or "\\")
            at += 1
        elif c == "\\":
            out += "\\\\"
            if at + 1 < len(source):  # the Python client passes over all but the last character
                out += source[at]
                at += 1
        else:
            out += "\\" + c if c in ".+{}()|^$" or (c in "[]" and not classes) else c
    try:
        return re.compile(out)
    except re.error as error:
        raise fatal(f"the pattern {pattern!r} in metadata.tags cannot be used ({error})") from None
