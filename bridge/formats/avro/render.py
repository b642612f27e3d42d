"""A neutral schema → Avro schema text in Kafka Connect's layout.

Follows ``AvroData.fromConnectSchema`` of Confluent's converters 8.3.1 as recorded in
``tests/vectors/connect-layout``: ``["null", T]`` with default null, ``connect.*`` properties, logical types,
an unnamed struct is ``io.confluent.connect.avro.ConnectDefault``. A struct that occurs again is a reference by name.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any, Final

from attrs import define, evolve, field, frozen

from bridge.errors import Fatal, Stage
from bridge.formats.options import flag
from bridge.languages.spelling import avro_name
from bridge.model.connect_json import decimal_to_bytes, scale_of
from bridge.model.schema import DATE, DECIMAL, TIME, TIMESTAMP, UNSET, Field, Kind, Schema

DEFAULT_NAMESPACE: Final = "io.confluent.connect.avro"
_VALID: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_LOGICAL: Final = {TIMESTAMP: "timestamp-millis", DATE: "date", TIME: "time-millis", DECIMAL: "decimal"}
_PRIMITIVES: Final = {
    Kind.INT8: "int",
    Kind.INT16: "int",
    Kind.INT32: "int",
    Kind.INT64: "long",
    Kind.FLOAT32: "float",
    Kind.FLOAT64: "double",
    Kind.BOOLEAN: "boolean",
    Kind.STRING: "string",
    Kind.BYTES: "bytes",
}
_NARROW: Final = {Kind.INT8: "int8", Kind.INT16: "int16"}


@frozen
class Options:
    """What the converter's settings say. ``enhanced.avro.schema.support``, ``generalized.sum.type.support`` and
    ``flatten.singleton.unions`` change nothing here: they are about enums and unions, which events have not."""

    meta_data: bool = True
    scrub: bool = False
    type_doc: bool = False
    ignore_null_defaults: bool = False
    optional_map_keys: bool = False
    strict: bool = True

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> Options:
        """Typed settings; ConfigurationError."""
        return cls(
            meta_data=flag(settings, "connect.meta.data", True),
            scrub=flag(settings, "scrub.invalid.names", False),
            type_doc=flag(settings, "discard.type.doc.default", False),
            ignore_null_defaults=flag(settings, "ignore.default.for.nullables", False),
            optional_map_keys=flag(settings, "allow.optional.map.keys", False),
            strict=flag(settings, "latest.compatibility.strict", True),
        )


@define
class Renderer:
    """Renders schemas of one document; named types keep their names apart.

    ``structs``: full names of the document's structs, each by its schema, which is not optional.
    """

    options: Options
    taken: set[str] = field(factory=set)
    structs: dict[str, Schema] = field(factory=dict)

    def document(self, schema: Schema, namespace: str = "") -> Any:
        """The parsed JSON of a schema's Avro form, as it stands inside ``namespace``."""
        base: Any = (
            self._struct(schema, namespace) if schema.kind is Kind.STRUCT else self._plain(schema, namespace)
        )
        if not schema.optional:
            return base
        turned = schema.default is not UNSET and schema.default is not None
        return [base, "null"] if turned else ["null", base]

    def record_field(self, column: Field, namespace: str) -> dict[str, Any]:
        """A field of a record."""
        schema, name = column.schema, self.name(column.name)
        out: dict[str, Any] = {"name": name, "type": self.document(schema, namespace)}
        if self.options.type_doc and schema.doc is not None:
            out["doc"] = schema.doc
        if schema.default is not UNSET and schema.default is not None:
            out["default"] = _default(schema, schema.default)
        elif schema.optional:
            out["default"] = None
        if column.tags:
            out["confluent:tags"] = sorted(column.tags)
        return out

    def name(self, name: str) -> str:
        """A field's name in Avro; Fatal(stage=SCHEMA) where it is not allowed there."""
        if self.options.scrub:
            return avro_name(name)
        if _VALID.fullmatch(name):
            return name
        raise Fatal(
            f"the name {name} is not allowed in an Avro schema; value.converter.scrub.invalid.names=true rewrites it",
            stage=Stage.SCHEMA,
        )

    def _plain(self, schema: Schema, namespace: str) -> Any:
        if schema.kind is Kind.ARRAY and schema.value_schema is not None:
            out: dict[str, Any] = {"type": "array", "items": self.document(schema.value_schema, namespace)}
        elif schema.kind is Kind.MAP and schema.value_schema is not None:
            self._check_keys(schema)
            out = {"type": "map", "values": self.document(schema.value_schema, namespace)}
        else:
            out = {"type": _PRIMITIVES[schema.kind]}
        if schema.name == DECIMAL:
            out["scale"] = scale_of(schema)
            out["precision"] = int(schema.parameters.get("connect.decimal.precision", "64"))
        self._annotate(schema, out)
        if schema.name in _LOGICAL:
            out["logicalType"] = _LOGICAL[schema.name]
        return out["type"] if len(out) == 1 else out

    def _check_keys(self, schema: Schema) -> None:
        keys = schema.key_schema
        if (
            keys is None
            or keys.kind is not Kind.STRING
            or (keys.optional and not self.options.optional_map_keys)
        ):
            raise Fatal(
                "a map whose keys are not plain strings cannot be written as AVRO", stage=Stage.SCHEMA
            )

    def _struct(self, schema: Schema, namespace: str) -> dict[str, Any] | str:
        required = evolve(schema, optional=False)
        for full, struct in self.structs.items():
            if struct == required:
                return full.rpartition(".")[2] if full.rpartition(".")[0] == namespace else full
        space, name = self._struct_name(schema)
        self.structs[f"{space}.{name}" if space else name] = required
        out: dict[str, Any] = {"type": "record", "name": name}
        if space != namespace:
            out["namespace"] = space
        out["fields"] = [self.record_field(f, space) for f in schema.fields]
        self._annotate(schema, out)
        return out

    def _struct_name(self, schema: Schema) -> tuple[str, str]:
        if schema.name is not None:
            space, _, name = schema.name.rpartition(".")
            parts = [self.name(part) for part in (*space.split("."), name) if part]
            full = ".".join(parts)
            if full in self.taken:
                raise Fatal(f"two different structs are both named {full}", stage=Stage.SCHEMA)
            self.taken.add(full)
            return ".".join(parts[:-1]), parts[-1]
        number, name = 1, "ConnectDefault"
        while f"{DEFAULT_NAMESPACE}.{name}" in self.taken:
            number += 1
            name = f"ConnectDefault{number}"
        self.taken.add(f"{DEFAULT_NAMESPACE}.{name}")
        return DEFAULT_NAMESPACE, name

    def _annotate(self, schema: Schema, out: dict[str, Any]) -> None:
        if not self.options.meta_data:
            return
        if schema.doc is not None:
            out["connect.doc"] = schema.doc
        if schema.version is not None:
            out["connect.version"] = schema.version
        if schema.parameters:
            out["connect.parameters"] = dict(schema.parameters)
        if schema.default is not UNSET and schema.default is not None:
            out["connect.default"] = _default(schema, schema.default)
        if schema.name is not None:
            out["connect.name"] = schema.name
        if schema.kind in _NARROW:
            out["connect.type"] = _NARROW[schema.kind]


def _default(schema: Schema, value: Any) -> Any:
    """A default as it stands in an Avro schema: bytes as ISO-8859-1 text."""
    if schema.name == DECIMAL:
        return decimal_to_bytes(value, scale_of(schema)).decode("latin-1")
    if schema.kind is Kind.BYTES:
        return (base64.b64decode(value) if isinstance(value, str) else value).decode("latin-1")
    return value
