"""Runner ``layout``: what Connect's own converters made of a struct, against ours.

Form of the files: ``connect-layout/README.md``. Compared are the schema as a parsed document and each value:
Avro's bytes with their prefix, JSON's text parsed. A recorded refusal must be a refusal of ours.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from bridge.errors import BridgeError
from bridge.formats import FORMATS, Format
from bridge.languages.protobuf import Message, Option, parse
from bridge.model.schema import DECIMAL, UNSET, Kind, Schema
from bridge.model.wire import frame_of
from tests.support.formats import compile_encoder_for_values
from tests.vectors.connect_json import from_document, value_from_json

NAMES = {"AVRO": "AVRO", "CONNECT_JSON": "JSON", "JSON": "JSON_SR", "PROTOBUF": "PROTOBUF"}

Outcome = tuple[str, str | None]
"""What was compared, and the difference in words or None."""


def check(path: Path) -> Iterator[Outcome]:
    """Every comparison of one file."""
    recorded = json.loads(path.read_text(encoding="utf-8"))
    form = FORMATS.get(NAMES.get(recorded["format"], ""))
    if form is None:
        yield "format", f"{recorded['format']} is not written yet"
        return
    schema, settings = from_document(recorded["connectSchema"]), recorded["settings"]
    registered = recorded.get("registered")
    if registered is not None:
        yield "schema", _schema(form, schema, settings, registered["schema"])
    frame = b"" if registered is None else frame_of(registered["id"])
    if "nullValueIsNull" in recorded:  # Transforming writes a null value as null, in every format
        yield "null", None if recorded["nullValueIsNull"] else "a null value is not null there"
    for number, value in enumerate(recorded["values"]):
        yield f"values[{number}]", _value(form, schema, settings, frame, value)


def _schema(form: Format, schema: Schema, settings: dict[str, str], expected: str) -> str | None:
    made = _attempt(lambda: form.render(schema, settings))
    if isinstance(made, BridgeError):
        return f"refused: {made.message}"
    parsed = _parsed_proto if form.NAME == "PROTOBUF" else json.loads
    return None if parsed(made) == parsed(expected) else f"expected {expected}, made {made}"


def _parsed_proto(text: str) -> Any:
    """The file without the places in its text; the parameters of a field in any order."""
    file = parse(text)
    options = [_option(option) for option in file.options]
    return file.syntax, file.package, sorted(file.paths()), options, [_message(m) for m in file.messages]


def _message(message: Message) -> Any:
    fields = [
        (f.name, f.tag, f.type, f.label, f.json_name, f.default, [_option(option) for option in f.options])
        for f in message.every_field()
    ]
    return (
        message.name,
        fields,
        [_message(nested) for nested in message.messages],
        [(e.name, e.constants, e.options) for e in message.enums],
        [(o.name, [f.name for f in o.fields]) for o in message.one_ofs],
        [_option(option) for option in message.options],
        sorted(message.taken),
        sorted(message.reserved_names),
    )


def _option(option: Option) -> Any:
    if option.kind != "MAP":
        return option
    value = {key: sorted(v, key=repr) if isinstance(v, list) else v for key, v in option.value.items()}
    return option.name, value


def _value(
    form: Format, schema: Schema, settings: dict[str, str], frame: bytes, value: dict[str, Any]
) -> str | None:
    """JsonConverter's view does not tell a null from an explicit default: where both were written alike, both are
    tried; with ``ignore.default.for.nullables`` they were not."""
    exact = _exact(schema, value["connect"], _written(value))
    tried = [exact]
    if settings.get("ignore.default.for.nullables") != "true":
        tried.append(_nulled(schema, exact))
    return next(filter(None, (_encoded(form, schema, settings, frame, value, one) for one in tried)), None)


def _nulled(schema: Schema, value: Any) -> Any:
    """The value with null where it has an explicit default."""
    if schema.kind is Kind.STRUCT and isinstance(value, dict):
        return {f.name: _nulled(f.schema, value.get(f.name)) for f in schema.fields}
    return None if schema.optional and schema.default is not UNSET and value == schema.default else value


def _encoded(
    form: Format, schema: Schema, settings: dict[str, str], frame: bytes, value: dict[str, Any], exact: Any
) -> str | None:
    def encode() -> bytes:
        # a fresh value for each: an encoder must not depend on what an earlier one left behind
        encoder = compile_encoder_for_values(schema, form, None, frame, settings)
        return encoder(value_from_json(schema, exact))

    made = _attempt(encode)
    if isinstance(made, BridgeError):
        return None if "error" in value else f"refused: {made.message}"
    if "error" in value:
        return f"made {made.hex()} of what the converter refuses ({value['error']})"
    if "text" in value:
        expected, ours = json.loads(value["text"]), json.loads(made[len(frame) :])
        same = made.startswith(frame) and expected == ours
        return None if same else f"expected {value['text']}, made {made!r}"
    return None if made.hex() == value["value"] else f"expected {value['value']}, made {made.hex()}"


def _exact(schema: Schema, view: Any, written: Any) -> Any:
    """The recorded struct, from JsonConverter's view of it and from what was written.

    The view rounds decimals to doubles, so these are taken from what was written; and it shows a default where
    the struct has a null, which what was written may tell.
    """
    if schema.kind is Kind.STRUCT and view is not None:
        known = written if isinstance(written, dict) else {}
        return {f.name: _exact(f.schema, view.get(f.name), known.get(f.name)) for f in schema.fields}
    if schema.name == DECIMAL and written is not None:
        return written["value"] if isinstance(written, dict) else written
    return None if schema.optional and view == schema.default and written is None else view


def _written(value: dict[str, Any]) -> Any:
    if "text" not in value:
        return value.get("decoded")
    document = json.loads(value["text"], parse_float=Decimal)
    return document["payload"] if set(document) == {"schema", "payload"} else document


def _attempt(action: Callable[[], Any]) -> Any:
    try:
        return action()
    except BridgeError as error:
        return error
