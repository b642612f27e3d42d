"""Formats: how a record becomes bytes. One module each, the same functions each, one line in
``config/declarations/formats.py``.

Three ways to the same bytes: fused (event → bytes in one generated function, the hot path), by row (what a
reader made), by values (a dict, what transforms make). A property test holds them equal.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, Protocol

from bridge.config.declarations.formats import FORMS, RAW
from bridge.event import Data
from bridge.formats.rows import Layout, Row
from bridge.model.protection import Protection
from bridge.model.schema import Schema

Settings = Mapping[str, str]
"""The converter's settings by their names in Kafka Connect, without ``value.converter.``."""


class Format(Protocol):
    """What a format's module offers. ``written`` is the registered schema's text, None where nothing is
    registered; ``frame`` the bytes before the value. Everything raises Fatal(stage=SCHEMA) naming the field
    that does not fit; what it compiles raises BadRecord. ``protection`` says what is encrypted, None that nobody
    looked: then a schema with tags is refused."""

    @property
    def NAME(self) -> str:  # noqa: N802 - a module's constant
        """As in ``output.data.format``."""

    def render(self, schema: Schema, settings: Settings) -> str:
        """The schema's text in the managed connector's layout."""

    def missing_fields(self, schema: Schema, written: str, settings: Settings) -> tuple[str, ...]:
        """Fields of ``schema`` that ``written`` lacks."""

    def with_fields(self, schema: Schema, written: str, settings: Settings) -> str:
        """``written`` and those fields."""

    def compile_rows(
        self,
        rows: Layout,
        written: str | None,
        frame: bytes,
        settings: Settings,
        protection: Protection | None = None,
    ) -> Callable[[Row], bytes]:
        """The encoder for rows in their final form."""

    def compile_values(
        self,
        schema: Schema,
        written: str | None,
        frame: bytes,
        settings: Settings,
        protection: Protection | None = None,
    ) -> Callable[[dict[str, object]], bytes]:
        """The encoder for values by field name, as transforms leave them."""

    def compile_fused(
        self,
        rows: Layout,
        written: str | None,
        frame: bytes,
        settings: Settings,
        protection: Protection | None = None,
    ) -> Callable[[Data], bytes]:
        """From the event to the value's bytes."""


FORMATS: Final[Mapping[str, Format]] = {form.name: importlib.import_module(form.module) for form in FORMS}


def form_of(name: str) -> Format:
    """The format of ``output.data.format``. What is written as it came has no format; where one is asked for all the
    same (keys, previews), it is JSON."""
    return FORMATS["JSON" if name == RAW else name]


if TYPE_CHECKING:  # the modules offer what the protocol says
    from bridge.formats import avro, json, json_schema, protobuf

    _ours: tuple[Format, ...] = (avro, json, json_schema, protobuf)
