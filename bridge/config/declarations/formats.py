"""The output formats: a line each, from which everything else that must know of a format is derived.

``formats/`` imports the module, ``output.data.format`` and ``value.converter`` take the names, files get the endings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from attrs import frozen


@frozen
class Form:
    """One format. ``language`` is the registry's word for its schemas (``schemaType``), None where it has none."""

    name: str
    """As in ``output.data.format``."""
    converter: str
    """The class of Kafka Connect that writes it."""
    module: str
    """What offers the functions of ``formats.Format``."""
    language: str | None = None
    ending: str = ""
    """How the file of a schema ends."""


FORMS: Final[tuple[Form, ...]] = (
    Form("AVRO", "io.confluent.connect.avro.AvroConverter", "bridge.formats.avro", "AVRO", ".avsc"),
    Form(
        "JSON_SR",
        "io.confluent.connect.json.JsonSchemaConverter",
        "bridge.formats.json_schema",
        "JSON",
        ".schema.json",
    ),
    Form(
        "PROTOBUF",
        "io.confluent.connect.protobuf.ProtobufConverter",
        "bridge.formats.protobuf",
        "PROTOBUF",
        ".proto",
    ),
    Form("JSON", "org.apache.kafka.connect.json.JsonConverter", "bridge.formats.json"),
)

NAMES: Final = tuple(sorted(form.name for form in FORMS))
CONVERTERS: Final[Mapping[str, str]] = {form.converter: form.name for form in FORMS}
"""Converter class → output format."""
REGISTRY_TYPES: Final[Mapping[str, str]] = {form.name: form.language for form in FORMS if form.language}
"""The formats whose schemas are registered → the registry's word for them."""
SUFFIXES: Final[Mapping[str, str]] = {form.name: form.ending for form in FORMS if form.ending}
"""Output format → how the files of its schemas end."""

RAW: Final = "SF_API"
"""The output format of change events that is no conversion: the message as the Streaming API sends it."""
