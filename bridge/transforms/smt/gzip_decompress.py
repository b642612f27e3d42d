"""GzipDecompress: gzipped bytes, unzipped."""

from __future__ import annotations

import gzip
import zlib
from typing import Any, Final

from bridge.java.exceptions import data_error
from bridge.model.schema import Kind, Schema
from bridge.transforms.record import ConnectRecord, java_class
from bridge.transforms.spec import Settings, Spec
from bridge.transforms.step import Bound, OnSide, Side, Transform

SPEC: Final = Spec(
    "GzipDecompress",
    "Unzips a key or value that is bytes as a whole; nothing else is accepted, null stays null.",
    example_text="with `$Value` behind an ExtractField$Value of a bytes field",
)


def make(settings: Settings, side: Side) -> Transform:
    """A GzipDecompress."""

    def bind(schema: Schema | None) -> Bound:
        def convert(value: Any, _: ConnectRecord) -> Any:
            if not isinstance(value, bytes) or (schema is not None and schema.kind is not Kind.BYTES):
                raise data_error(f"Only bytes can be decompressed, found: {java_class(value, schema)}")
            try:
                return gzip.decompress(value)
            except (OSError, EOFError, zlib.error):
                raise data_error(f"the {side} holds no gzipped bytes") from None

        return Bound(schema, convert)

    return OnSide(side, bind, passes_null=True)
