"""Encoders as the data path compiles them, in one call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bridge.event import Data
from bridge.formats import Format, Settings
from bridge.formats.rows import layout
from bridge.model.protection import Protection
from bridge.model.schema import EventType, Schema


def compile_route(
    event: EventType,
    schema: Schema,
    form: Format,
    written: str | None,
    frame: bytes,
    settings: Settings,
    protection: Protection | None = None,
    *,
    drop_unknown: bool = False,
) -> Callable[[Data], bytes]:
    """The hot function of one event schema. For one thread at a time."""
    rows = layout(event, schema, drop_unknown=drop_unknown)
    return form.compile_fused(rows, written, frame, settings, protection)


def compile_encoder_for_values(
    schema: Schema,
    form: Format,
    written: str | None,
    frame: bytes,
    settings: Settings,
    protection: Protection | None = None,
) -> Callable[[dict[str, Any]], bytes]:
    """The encoder behind a chain of transforms: takes the values of ``schema`` by field name."""
    return form.compile_values(schema, written, frame, settings, protection)
