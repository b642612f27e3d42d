"""A record's body by its schema: decoded, decrypted, or walked value by value.

One class for each of the registry's languages; who reads records asks here and need not know which it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Protocol

from attrs import define, field

from bridge.languages.avro import places as avro_places
from bridge.languages.avro.binary import Reading, reading
from bridge.languages.json_schema import places as json_places
from bridge.languages.places import Change, Changer
from bridge.languages.protobuf import places as protobuf_places
from bridge.model.registered import Registered
from bridge.model.texts import imports_of
from bridge.reading.opener import Opener
from bridge.registry.client import schema_fatal

if TYPE_CHECKING:
    from google.protobuf.descriptor_pool import DescriptorPool
    from google.protobuf.message import Message

    from bridge.formats.protobuf.read import Reader
    from bridge.languages.protobuf import File


class Body(Protocol):
    """Bodies of one schema. Everything raises anything for bytes that do not belong to the schema. Not for several
    threads at once."""

    def value(self, body: bytes) -> object:
        """Decoded, logical types included."""
        ...

    def opened(self, body: bytes, opener: Opener) -> object:
        """The same, decrypted. NotDecryptedError; Retriable, Fatal of registry and KMS."""
        ...

    def frame(self, body: bytes) -> int:
        """How many bytes stand before what an ENCRYPT_PAYLOAD rule encrypts."""
        ...

    def walk(self, body: bytes, see: Change, unfit: frozenset[str], fit: frozenset[str]) -> set[str]:
        """Show every text and bytes value; return those of ``unfit`` that have a value, and those of ``fit`` that have
        one of another type. Logical types are left away, because an encrypted uuid or decimal is none."""
        ...


def body_of(version: Registered) -> Body:
    """The reader of a schema's bodies. Raises whatever a parser has against its text, Fatal for a language that is not
    known here."""
    kind = _BODIES.get(version.type)
    if kind is None:
        raise schema_fatal(f"it is of type {version.type}, which is not known here")
    return kind(version.text)


@define
class _Avro:
    text: str
    _logical: Reading = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._logical = reading(self.text, imports_of(self.text).values())

    @cached_property
    def _raw(self) -> Reading:
        return reading(self.text, imports_of(self.text).values(), logical=False)

    @cached_property
    def _changed(self) -> Changer:
        return avro_places.changer(self.text)

    def value(self, body: bytes) -> object:
        return self._logical.value(body)

    def opened(self, body: bytes, opener: Opener) -> object:
        return opener.avro(body, self._logical)

    def frame(self, body: bytes) -> int:
        return 0

    def walk(self, body: bytes, see: Change, unfit: frozenset[str], fit: frozenset[str]) -> set[str]:
        value = self._raw.value(body)
        self._changed(value, see)
        return _present(value, unfit) | _present(value, fit, (bool, int, float))


@define
class _Json:
    text: str

    @cached_property
    def _changed(self) -> Changer:
        return json_places.changer(self.text)

    def value(self, body: bytes) -> object:
        return json.loads(body, parse_constant=str)

    def opened(self, body: bytes, opener: Opener) -> object:
        return opener.json(body)

    def frame(self, body: bytes) -> int:
        return 0

    def walk(self, body: bytes, see: Change, unfit: frozenset[str], fit: frozenset[str]) -> set[str]:
        value = json.loads(body)
        self._changed(value, see)
        return _present(value, unfit) | _present(value, fit, (bool, int, float))


@define
class _Protobuf:
    text: str
    _reader: Reader = field(init=False)

    def __attrs_post_init__(self) -> None:
        # here: the Protobuf library is slow to load
        from bridge.formats.protobuf.read import Reader

        self._reader = Reader(self.text, imports_of(self.text))

    @cached_property
    def _file(self) -> tuple[DescriptorPool, File]:
        # here: the Protobuf library is slow to load
        from bridge.languages.protobuf import parse
        from bridge.languages.protobuf.descriptors import load

        return load(self.text, imports_of(self.text)), parse(self.text)

    def value(self, body: bytes) -> object:
        return self._reader.read(body)

    def opened(self, body: bytes, opener: Opener) -> object:
        message, start = self._empty(body)
        return self._reader.read(body[:start] + opener.protobuf(body[start:], message).SerializeToString())

    def _empty(self, body: bytes) -> tuple[Message, int]:
        """An empty message of the body's type, and where the message begins in it."""
        # here: the Protobuf library is slow to load
        from bridge.formats.protobuf.read import full_name, indexes
        from bridge.languages.protobuf.descriptors import message_class

        (pool, file), (path, start) = self._file, indexes(body)
        return message_class(pool, full_name(file, path))(), start

    def frame(self, body: bytes) -> int:
        # here: the Protobuf library is slow to load
        from bridge.formats.protobuf.read import indexes

        return indexes(body)[1]

    def walk(self, body: bytes, see: Change, unfit: frozenset[str], fit: frozenset[str]) -> set[str]:
        message, start = self._empty(body)
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
