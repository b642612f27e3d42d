"""Avro's binary form, read by fastavro; the values of a schema that somebody else registered.

A value of a recursive schema may be nested as deep as it is long, and fastavro's compiled reader then ends the whole
process (at 20 kB of ``["null", "R"]``). Such schemas are read by its reader in Python, which raises ``RecursionError``.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

from attrs import frozen

from bridge.documents import Json, json_of


@frozen
class Reading:
    """A schema, ready to read values. ``parsed``: fastavro's form of it."""

    parsed: str | list[Json] | dict[str, Json]
    recursive: bool

    def value(self, body: bytes) -> object:
        """The one value that the bytes are. ValueError for bytes left over, and whatever fastavro has against them."""
        # here: fastavro is slow to load
        if self.recursive:
            from fastavro._read_py import schemaless_reader
        else:
            from fastavro import schemaless_reader
        stream = io.BytesIO(body)
        value = schemaless_reader(stream, self.parsed, None)
        if stream.read(1):
            raise ValueError("bytes left over")
        return value


def reading(text: str, imports: Iterable[str] = (), *, logical: bool = True) -> Reading:
    """For a schema's text, given the texts that it refers to, each after those it needs itself.

    ``logical``: dates and decimals are read as such. Raises Broken and whatever fastavro has against a text.
    """
    from fastavro import parse_schema

    named: dict[str, Any] = {}
    documents = [json_of(str(one)) for one in (*imports, text)]
    if not logical:
        documents = [without_logical(one) for one in documents]
    for document in documents[:-1]:
        parse_schema(document, named_schemas=named)  # type: ignore[arg-type]  # it checks what it is given
    parsed = parse_schema(documents[-1], named_schemas=named)  # type: ignore[arg-type]  # as above
    return Reading(parsed, _recursive(documents))


def without_logical(node: Json) -> Json:
    """The schema without logical types, whose values are read as they stand, nor defaults, which go with them."""
    if isinstance(node, list):
        return [without_logical(branch) for branch in node]
    if isinstance(node, dict):
        return {
            key: without_logical(value)
            for key, value in node.items()
            if key not in ("logicalType", "default")
        }
    return node


def _recursive(documents: list[Json]) -> bool:
    """Whether a named type is spoken of inside itself; by the last part of its name, to be on the safe side."""
    return any(_inside(document, frozenset()) for document in documents)


def _inside(node: Json, within: frozenset[str]) -> bool:
    if isinstance(node, str):
        return node.rpartition(".")[2] in within
    if isinstance(node, list):
        return any(_inside(branch, within) for branch in node)
    if not isinstance(node, dict):
        return False
    name = node.get("name")
    if "fields" in node and isinstance(name, str):
        within = within | {name.rpartition(".")[2]}
    fields = node.get("fields")
    parts = [node.get(key) for key in ("type", "items", "values")]
    parts += [one.get("type") for one in fields if isinstance(one, dict)] if isinstance(fields, list) else []
    return any(_inside(part, within) for part in parts)
