"""Recorded outcomes of Kafka Connect's transforms: each vector's outcome, field by field."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bridge.java.exceptions import JavaError
from bridge.java.numbers import parse_float
from bridge.transforms.predicates import PREDICATES
from bridge.transforms.record import TEMPORAL, ConnectRecord
from bridge.transforms.table import TRANSFORMS
from tests.vectors.smt_values import Number, decode, decode_schema, encode, encode_schema

_NUMERAL = re.compile(r"-?(\d+\.\d+)(?:E-?\d+)?")
_FLOAT_DIGITS = 10  # and a point: what a 32-bit float may have as text


def check(path: Path) -> Iterator[tuple[str, str | None]]:
    """Name and difference, None if there is none. Sink records are passed over."""
    for line in filter(None, path.read_text(encoding="utf-8").split("\n")):  # U+2028 ends no line
        vector = json.loads(line)
        if "sinkOffset" not in vector["input"]:
            unlike = difference(vector)
            aside = unlike is not None and _like(outcome(vector), expected_of(vector))
            yield f"java-17-digits/{vector['id']}" if aside else vector["id"], unlike


def _like(one: Any, other: Any) -> bool:
    """Whether they differ in nothing but how many digits a number has as text."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_like(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_like, one, other))
    if isinstance(one, str) and isinstance(other, str) and one != other:
        numerals = [_NUMERAL.fullmatch(text) for text in (one, other)]
        single = all(numeral and len(numeral[1]) <= _FLOAT_DIGITS for numeral in numerals)
        return all(numerals) and parse_float(one, single=single) == parse_float(other, single=single)
    return _canonical(one) == _canonical(other)


def difference(vector: dict[str, Any]) -> str | None:
    """What is not as recorded."""
    found, expected = outcome(vector), expected_of(vector)
    for key in expected.keys() | found.keys():
        if _canonical(found.get(key)) != _canonical(expected.get(key)):
            return f"{key}: recorded {_text(expected.get(key))}, found {_text(found.get(key))}"
    return None


def expected_of(vector: dict[str, Any]) -> dict[str, Any]:
    """The recorded outcome in comparable form; the texts of a Java machine do not count."""
    output = vector["output"]
    if output is None:
        return {"dropped": True}
    if "error" not in output:
        return output if "result" in output else {**output, "headers": output.get("headers") or []}
    error = output["error"]
    out = {"class": error["class"], "phase": error["phase"]}
    if not error.get("jvmText"):
        out["message"] = error["message"]
    if "validate" in vector:
        out["validate"] = _faults(vector["validate"])
    return out


def _faults(faults: dict[str, Any]) -> dict[str, Any]:
    if "$throws" in faults:
        return {"$throws": faults["$throws"].split(":")[0]}
    return {
        key: ["Invalid regex" if "Invalid regex" in text else text for text in texts]
        for key, texts in faults.items()
    }


def outcome(vector: dict[str, Any]) -> dict[str, Any]:
    """What this implementation makes of the vector, in the same form."""
    name, config = vector["transform"], vector["config"]
    record = record_of(vector["input"])
    before = record.copy()
    untouched = _shown(before)
    phase = "configure"
    try:
        if name in PREDICATES:
            spec, make_predicate = PREDICATES[name]
            holds = make_predicate(spec.parse(config))
            phase = "apply"
            return {"result": holds(record)}
        entry = TRANSFORMS[name]
        spec = entry.spec
        transform = entry.make(entry.spec.parse(config), entry.side)
        phase = "apply"
        kept = transform.apply(record)
    except JavaError as error:
        return _failure(vector, spec, error, phase)
    assert _shown(before) == untouched, "the input was changed in place"
    return _shown(_cast(vector, record)) if kept else {"dropped": True}


def _cast(vector: dict[str, Any], record: ConnectRecord) -> ConnectRecord:
    """Where a whole instant was cast: its number, which Connect leaves under the name of the instant's schema."""
    if ".Cast$" in vector["transform"] and ":" not in vector["config"]["spec"]:
        for side in ("key", "value"):
            schema = getattr(record, f"{side}_schema")
            if schema is not None and schema.name in TEMPORAL and type(getattr(record, side)) is int:
                setattr(record, side, Number(getattr(record, side)))
    return record


def _failure(vector: dict[str, Any], spec: Any, error: JavaError, phase: str) -> dict[str, Any]:
    out: dict[str, Any] = {"class": error.java_class, "phase": phase}
    if not vector["output"] or not vector["output"].get("error", {}).get("jvmText"):
        out["message"] = error.message
    if phase == "configure":
        try:
            out["validate"] = _faults(spec.validate(vector["config"]))
        except JavaError as thrown:
            out["validate"] = {"$throws": thrown.java_class}
    return out


def record_of(given: dict[str, Any]) -> ConnectRecord:
    """A record out of its recorded form."""
    key_schema, value_schema = decode_schema(given["key"]["schema"]), decode_schema(given["value"]["schema"])
    headers = []
    for header in given.get("headers") or []:
        schema = decode_schema(header["schema"])
        headers.append((header["key"], schema, decode(header["value"], schema)))
    return ConnectRecord(
        given["topic"],
        value_schema,
        decode(given["value"]["value"], value_schema),
        key_schema=key_schema,
        key=decode(given["key"]["value"], key_schema),
        partition=given.get("partition"),
        timestamp=given.get("timestamp"),
        headers=tuple(headers),
    )


def _shown(record: ConnectRecord) -> dict[str, Any]:
    return {
        "topic": record.topic,
        "partition": record.partition,
        "key": {"schema": encode_schema(record.key_schema), "value": encode(record.key, record.key_schema)},
        "value": {
            "schema": encode_schema(record.value_schema),
            "value": encode(record.value, record.value_schema),
        },
        "timestamp": record.timestamp,
        "headers": [
            {"key": name, "schema": encode_schema(schema), "value": encode(value, schema)}
            for name, schema, value in record.headers
        ],
    }


def _canonical(value: Any) -> str:
    return json.dumps(_normal(value), sort_keys=True)


def _normal(value: Any) -> Any:
    if isinstance(value, dict):
        if "$bytebuffer" in value:
            return {"$bytes": value["$bytebuffer"]}
        if "$float32" in value or "$float64" in value:
            return {
                key: str(number) if isinstance(number, str) else repr(_rounded(key, number))
                for key, number in value.items()
            }
        if "$entries" in value:
            return {"$entries": sorted((_normal(pair) for pair in value["$entries"]), key=json.dumps)}
        return {key: _normal(inner) for key, inner in value.items()}
    return [_normal(inner) for inner in value] if isinstance(value, list) else value


def _rounded(key: str, number: float) -> float:
    import struct

    return float(struct.unpack("<f", struct.pack("<f", number))[0]) if key == "$float32" else float(number)


def _text(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) < 600 else text[:600] + "…"
