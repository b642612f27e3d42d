"""A record's body, walked by its schema: every text and bytes value shown by its field's full name.

One class for each format. Nothing is decoded further than that needs: logical types are left away, because an
encrypted uuid or decimal is none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Protocol

from attrs import define, field

from bridge.languages.avro import places as avro_places
from bridge.languages.avro.binary import Reading, reading
from bridge.languages.json_schema import places as json_places
from bridge.languages.places import Change, Changer
from bridge.languages.protobuf import places as protobuf_places
from bridge.model.registered import Registered
from bridge.model.texts import imports_of


class Body(Protocol):
    """Bodies of one schema."""

    def frame(self, body: bytes) -> int:
        """How many bytes stand before what an ENCRYPT_PAYLOAD rule encrypts."""
        ...

    def walk(self, body: bytes, see: Change, unfit: frozenset[str], fit: frozenset[str]) -> set[str]:
        """Show every text and bytes value; return those of ``unfit`` that have a value, and those of ``fit`` that have
        one of another type. Raises anything for bytes that do not belong to the schema."""
        ...


def body_of(version: Registered) -> Body:
    """The walker for a schema. Raises whatever a parser has against its text."""
    return _BODIES[version.type](version.text)


@define
class _Avro:
    text: str
    _reader: Reading = field(init=False)
    _changed: Changer = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._changed = avro_places.changer(self.text)
        self._reader = reading(self.text, imports_of(self.text).values(), logical=False)

    def frame(self, body: bytes) -> int:
        return 0

    def walk(self, body: bytes, see: Change, unfit: frozenset[str], fit: frozenset[str]) -> set[str]:
        value = self._reader.value(body)
        self._changed(value, see)
        return _present(value, unfit) | _present(value, fit, (bool, int, float))


@define
class _Json:
    text: str
    _changed: Changer = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._changed = json_places.changer(self.text)

    def frame(self, body: bytes) -> int:
        return 0

    def walk(self, body: bytes, see: Change, unfit: frozenset[str], fit: frozenset[str]) -> set[str]:
        value = json.loads(body)
        self._changed(value, see)
        return _present(value, unfit) | _present(value, fit, (bool, int, float))


@define
class _Protobuf:
    text: str
    _pool: Any = field(init=False)

    def __attrs_post_init__(self) -> None:
        # here: the Protobuf library is slow to load
        from bridge.languages.protobuf import parse
        from bridge.languages.protobuf.descriptors import load

        self._pool = load(self.text, imports_of(self.text)), parse(self.text)

    def frame(self, body: bytes) -> int:
        # here: the Protobuf library is slow to load
        from bridge.formats.protobuf.read import indexes

        return indexes(body)[1]

    def walk(self, body: bytes, see: Change, unfit: frozenset[str], fit: frozenset[str]) -> set[str]:
        # here: the Protobuf library is slow to load
        from bridge.formats.protobuf.read import full_name, indexes
        from bridge.languages.protobuf.descriptors import message_class

        pool, file = self._pool
        path, start = indexes(body)
        message = message_class(pool, full_name(file, path))()
        message.ParseFromString(body[start:])
        protobuf_places.change(message, see)
        return {name for name in _set(message) if name in unfit}


def _present(value: Any, names: frozenset[str], kinds: tuple[type, ...] = (object,)) -> set[str]:
    """Which of the full names end in a key that has a value (of some kinds) somewhere: in doubt it is plaintext."""
    if not names:
        return set()
    keys = {key for key, content in _pairs(value) if content is not None and isinstance(content, kinds)}
    return {name for name in names if name.rpartition(".")[2] in keys}


def _pairs(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, content in value.items():
            yield str(key), content
            yield from _pairs(content)
    elif isinstance(value, list):
        for item in value:
            yield from _pairs(item)


def _set(message: Any) -> Iterator[str]:
    """Full names of the fields that are set, those of messages within, too."""
    for column, value in message.ListFields():
        yield column.full_name
        if column.message_type is not None and not column.message_type.GetOptions().map_entry:
            for part in value if protobuf_places.is_repeated(column) else (value,):
                yield from _set(part)


_BODIES: Final[Mapping[str, Callable[[str], Body]]] = {"AVRO": _Avro, "JSON": _Json, "PROTOBUF": _Protobuf}
