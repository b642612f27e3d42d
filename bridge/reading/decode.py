"""Bytes of a record → something that can be printed: by schema id, as JSON, as text.

Confluent's wire format is a zero byte, the schema id (u4, big-endian), the payload. What cannot be decoded has no
value but a note that says why; nothing is guessed.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from attrs import define, field, frozen

from bridge.documents import understood
from bridge.errors import Fatal
from bridge.model.framing import VALUE_HEADER
from bridge.model.wire import unframed
from bridge.reading.bodies import Body, body_of
from bridge.reading.framed import Framed, Headers
from bridge.registry.client import Registry, schema_fatal
from bridge.registry.http import Caller, Refused


@frozen
class Decoded:
    """A value fit for JSON, the id of its schema, and what should be known about it.

    ``raw``: the bytes of what could not be decoded; ``value`` is None then, and ``note`` says why.
    """

    value: Any
    schema_id: int | None = None
    note: str | None = None
    raw: bytes | None = field(default=None, repr=False)


@frozen
class _Unusable:
    """A schema that decodes nothing, and why."""

    note: str


@define
class Decoder:
    """Decodes with schemas of one context of a registry, each fetched once. ``registry`` None: without."""

    registry: Caller | None = None
    context: str = ""
    """``:.name:``, or empty for the default context."""
    _schemas: dict[int, Body | _Unusable] = field(factory=dict)
    _framed: Framed = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._framed = Framed(self.registry, self.context)

    def prefixed(self, data: bytes | None, headers: Headers, name: str = VALUE_HEADER) -> bytes | None:
        """The value with its schema's id before it, wherever the record says which schema it is."""
        return self._framed.prefixed(data, headers, name)

    def decode(self, data: bytes | None, headers: Headers = None, name: str = VALUE_HEADER) -> Decoded:
        """Never raises for what is in ``data``; Retriable or Fatal when the registry cannot be asked.

        ``headers``: the record's, where one of that ``name`` may say which schema the value has.
        """
        data = self.prefixed(data, headers, name)
        if data is None:
            return Decoded(None)
        if (framed := unframed(data)) is not None:
            return self._by_schema(data, *framed)
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return undecoded(data, None, "it is neither text nor of a known format")
        try:
            return Decoded(json.loads(text, parse_constant=str))
        except (ValueError, RecursionError):
            return Decoded(text)

    def _by_schema(self, data: bytes, schema_id: int, body: bytes) -> Decoded:
        if self.registry is None:
            return undecoded(
                data,
                schema_id,
                f"it has schema {schema_id}, and no registry is named (schema.registry.url)",
            )
        schema = self._schemas.get(schema_id)
        if schema is None:
            schema = self._schemas[schema_id] = self._fetch(self.registry, schema_id)
        if isinstance(schema, _Unusable):
            return undecoded(data, schema_id, schema.note)
        try:
            return Decoded(plain(schema.value(body)), schema_id)
        except Exception as error:  # whatever a decoder says of bytes that do not fit
            return undecoded(data, schema_id, f"it does not fit schema {schema_id} ({type(error).__name__})")

    def _fetch(self, registry: Caller, schema_id: int) -> Body | _Unusable:
        try:
            answer = registry.call("GET", f"/schemas/ids/{schema_id}{self._query()}")
        except Refused as refusal:
            if refusal.status == 404:
                return _Unusable(f"the registry has no schema {schema_id}" + self._where())
            raise
        try:
            with understood(f"schema {schema_id}", schema_fatal):
                whole = Registry(registry).completed(answer, self.context, schema_id)  # type: ignore[arg-type]  # it only calls
                return body_of(whole)
        except Fatal as error:
            return _Unusable(f"schema {schema_id} cannot be used: {error.message}")

    def _query(self) -> str:
        return f"?subject={_quoted(self.context)}" if self.context else ""

    def _where(self) -> str:
        return f" in {self.context}" if self.context else " in the default context (see --context)"


def plain(value: object) -> object:
    """The same, fit for JSON: times as ISO 8601, bytes as base64, numbers that JSON lacks as text."""
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, datetime):
        return _iso(value.astimezone(UTC) if value.tzinfo else value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal | UUID):
        return str(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def iso_time(milliseconds: int) -> str:
    """A record's time as ISO 8601, UTC; the number itself where no calendar reaches."""
    try:
        return _iso(datetime.fromtimestamp(milliseconds / 1000, UTC))
    except (ValueError, OverflowError, OSError):
        return str(milliseconds)


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def undecoded(data: bytes, schema_id: int | None, why: str) -> Decoded:
    """Bytes that nobody here can read."""
    return Decoded(None, schema_id, f"cannot be decoded: {why}", data)


def _quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")
