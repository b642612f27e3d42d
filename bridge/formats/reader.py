"""Reading: an event's payload → a row of its schema, by a generated function, and carefully where that fails."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from bridge.changes import HEADER
from bridge.errors import BadRecord, Stage
from bridge.event import Data
from bridge.formats.bad_values import UnknownField, unreadable
from bridge.formats.changes import diff_in
from bridge.formats.code import Code
from bridge.formats.rows import Form, Layout, Row, Slot, layout
from bridge.formats.sources import Source, moved_sources, of_json
from bridge.formats.times import EPOCH, MS_PER_DAY, Days, parse_day, parse_moment
from bridge.formats.wire import as_row, from_wire
from bridge.model.schema import EventType, Kind, Schema

Reader = Callable[[Data], Row]


def compile_reader(event: EventType, schema: Schema, *, drop_unknown: bool = False) -> Reader:
    """The reader for events of one schema. It raises BadRecord(stage=PARSE), UnknownField for a field too many.

    Not for use by several threads at once.
    """
    return read_with(layout(event, schema, drop_unknown=drop_unknown))


def read_with(rows: Layout) -> Reader:
    """``compile_reader`` for a layout that is there already."""
    code = Code("read", "data")
    code.indent("try:")
    finalise(code, rows)
    code.line("return row")
    code.dedent()
    code.fall_back(careful_reader(rows), "data")
    return code.build()


def finalise(code: Code, rows: Layout) -> None:
    """The lines that decode ``data`` into ``row`` and bring every field into its final form."""
    if rows.wire is not None and rows.settle is None:
        as_row(code, rows, from_wire(code, rows, rows.wire))
        return
    _decoded(code, rows)
    for slot in rows.slots:
        place = f"row.{slot.attribute}"
        if slot.name == "ReplayId":
            code.line(f"{place} = str(head.replayId)")
        elif slot.name == "EventUuid":
            code.line(f"{place} = head.EventUuid")
        elif slot.form is Form.MOMENT:
            code.indent(f"if (value := {place}) is not None:")
            moment(code, place)
            code.dedent()
        elif slot.form is Form.DAY:
            code.indent(f"if (value := {place}) is not None:")
            code.line(f"{place} = {code.use(Days(), 'days')}[value]")
            code.dedent()
        elif slot.form in TEXTS:
            code.indent(f"if (value := {place}) is not None:")
            code.line(f"{place} = {code.use(TEXTS[slot.form], 'text_of')}(value)")
            code.dedent()


def of_event(code: Code, rows: Layout, *, slices: bool = False) -> Mapping[str, Source]:
    """The lines that decode ``data``; where what is written is, in whatever form it has then. ``slices``: of an event
    in Avro also where its bytes are."""
    if rows.wire is not None and rows.settle is None:
        return moved_sources(rows, from_wire(code, rows, rows.wire, slices=slices))
    _decoded(code, rows)
    return moved_sources(rows, of_json(rows))


def _decoded(code: Code, rows: Layout) -> None:
    code.decoded(rows.decode, "data.payload" if rows.wire is None else "data.json()")


def moment(code: Code, into: str) -> None:
    """Lines that put the datetime ``value`` into ``into`` as milliseconds: ``times.ms_of``, without the call."""
    code.line(f"passed = value - {code.use(EPOCH, 'EPOCH')}")
    code.line(f"{into} = passed.days * {MS_PER_DAY} + passed.seconds * 1000 + passed.microseconds // 1000")


def text_of_number(raw: Any) -> str | None:
    """A JSON string's content, or the very text of a number. ValueError for anything else but null."""
    text = text_of_json(raw)
    if text is not None and bytes(raw)[:1] != b'"' and not _NUMBER.fullmatch(text):
        raise ValueError("neither text nor a number")
    return text


def text_of_json(raw: Any) -> str | None:
    """A JSON string's content, None for null, the text itself of anything else."""
    text = bytes(raw).decode()
    if text.startswith('"'):
        return str(msgspec.json.decode(text, type=str))
    return None if text == "null" else text


TEXTS: Final = {Form.NUMBER: text_of_number, Form.JSON: text_of_json}


# --- the careful way -------------------------------------------------------------------------------------------

_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_FOUND: Final = {'"': "a string", "{": "an object", "[": "an array", "t": "a boolean", "f": "a boolean"}
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def careful_reader(rows: Layout) -> Reader:
    """Field by field: what the quick way refuses is read leniently, or refused with the field's name."""
    wire = {s.name: s for s in rows.slots if s.name not in ("ReplayId", "EventUuid", *rows.constants)}
    beside = {s.name: s.attribute for s in rows.slots}

    def read(data: Data) -> Row:
        event, position = rows.event.name, data.event.replayId
        try:
            given = _fields(data.json())
        except (ValueError, RecursionError) as error:  # msgspec's errors, no UTF-8, no Avro of its schema
            problem = _PROBLEMS.get(type(error)) or str(error).split(" - ")[0]
            raise BadRecord(
                f"the payload of an event {event} cannot be parsed: {problem}",
                stage=Stage.PARSE,
                position=position,
            ) from None
        row, changes = rows.row(), rows.settle is not None
        for name, raw in given.items():
            slot = wire.get(name)
            if slot is not None:
                text = _text(event, name, raw, position)
                if slot.schema.kind is Kind.STRUCT and not rows.drops_unknown and name != HEADER:
                    _refuse_unknown_part(event, slot, text, position)
                if changes and text.startswith("{") and slot.schema.kind is Kind.STRING:
                    text = _text_of_change(event, slot, text, position)
                setattr(row, slot.attribute, _careful(event, slot, text, position))
            elif name not in beside and not rows.drops_unknown and name not in rows.passed_over:
                raise UnknownField(event, name, position)
        for name, value in (("ReplayId", str(position)), ("EventUuid", data.event.EventUuid)):
            if name in beside:
                setattr(row, beside[name], value)
        if rows.settle is not None:
            _settle(event, rows.settle, row, position)
        return row

    return read


def _settle(event: str, settle: Callable[[Row], None], row: Row, position: int) -> None:
    try:
        settle(row)
    except ValueError as lacking:
        raise BadRecord(
            f"an event {event} has {lacking} (ChangeEventHeader.recordIds)",
            stage=Stage.PARSE,
            position=position,
        ) from None


def _text_of_change(event: str, slot: Slot, text: str, position: int) -> str:
    """A text field of a change event may hold the difference to what it was."""
    if slot.parts or slot.form is not Form.FINAL:
        return text
    try:
        return msgspec.json.encode(diff_in(text)).decode()
    except (ValueError, RecursionError):
        raise unreadable(event, slot.name, "an object", "text", position) from None


_PROBLEMS: Final[dict[type[Exception], str]] = {
    UnicodeDecodeError: "it is no UTF-8",
    RecursionError: "it is nested too deep",
}


def _text(event: str, name: str, raw: msgspec.Raw, position: int) -> str:
    try:
        return bytes(raw).decode()
    except UnicodeDecodeError:
        raise unreadable(event, name, "not UTF-8", "JSON text", position) from None


def _careful(event: str, slot: Slot, text: str, position: int) -> Any:
    if text == "null":
        return None
    expected, read = _LENIENT[slot.form] if slot.form is not Form.FINAL else _lenient(slot.schema)
    if slot.parts and text.startswith("{"):
        expected, read = "text or its parts", lambda text: _person(slot.parts, text)
    try:
        return read(text)
    except (ValueError, OverflowError, RecursionError, msgspec.MsgspecError):
        actual = _FOUND.get(text[:1], "a number")
        if actual == "a string" and expected != "text":
            actual = "text"
        raise unreadable(event, slot.name, actual, expected, position) from None


def _person(parts: tuple[str, ...], text: str) -> dict[str, str | None]:
    given = msgspec.json.decode(text, type=dict[str, str | None])
    if not set(given) <= set(parts):
        raise ValueError("parts that no name has")
    return {part: given.get(part) for part in parts}


def _lenient(schema: Schema) -> tuple[str, Callable[[str], Any]]:
    if schema.kind is Kind.STRUCT:
        return "an object", lambda text: _object(schema, text)
    if schema.kind is Kind.ARRAY:
        return "a list of texts", msgspec.json.Decoder(list[str]).decode
    return _BY_KIND[schema.kind]


def _object(schema: Schema, text: str) -> dict[str, Any]:
    given = {name: bytes(raw).decode() for name, raw in _fields(text).items()}
    return {
        f.name: None if given.get(f.name, "null") == "null" else _lenient(f.schema)[1](given[f.name])
        for f in schema.fields
    }


def _refuse_unknown_part(event: str, slot: Slot, text: str, position: int) -> None:
    for name in _fields(text) if text.startswith("{") else ():
        if slot.schema.field_named(name) is None:
            raise UnknownField(event, f"{slot.name}.{name}", position)


def _unquoted(text: str) -> str:
    return str(msgspec.json.decode(text, type=str)) if text.startswith('"') else text


def _number(text: str) -> str:
    content = _unquoted(text).strip()
    if not _NUMBER.fullmatch(content):
        raise ValueError("no number")
    return content


def _float(text: str) -> float:
    value = float(_number(text))
    if value in (float("inf"), float("-inf")):
        raise ValueError("beyond a double's range")
    return value


def _int(bits: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        content = _number(text)
        value = int(content) if content.lstrip("-").isdigit() else int(_whole(float(content)))
        if not -(1 << bits - 1) <= value < 1 << bits - 1:
            raise ValueError("beyond the integer's range")
        return value

    return read


def _whole(value: float) -> float:
    if not value.is_integer():
        raise ValueError("not a whole number")
    return value


def _boolean(text: str) -> bool:
    return (
        {"true": True, "false": False}[content]
        if (content := _unquoted(text)) in ("true", "false")
        else _no()
    )


def _no() -> bool:
    raise ValueError("no boolean")


def _moment(text: str) -> int:
    return parse_moment(_unquoted(text)) if text.startswith('"') else _int(64)(text)


def _day(text: str) -> int:
    return parse_day(_unquoted(text)) if text.startswith('"') else _int(64)(text) // MS_PER_DAY


def _string(text: str) -> str:
    if not text.startswith('"'):
        raise ValueError("no text")
    return _unquoted(text)


_LENIENT: Final[dict[Form, tuple[str, Callable[[str], Any]]]] = {
    Form.MOMENT: ("a date-time", _moment),
    Form.DAY: ("a date", _day),
    Form.NUMBER: ("text or a number", lambda text: text_of_number(text.encode())),
    Form.JSON: ("any value", lambda text: text_of_json(text.encode())),
}
_BY_KIND: Final[dict[Kind, tuple[str, Callable[[str], Any]]]] = {
    Kind.STRING: ("text", _string),
    Kind.BOOLEAN: ("a boolean", _boolean),
    Kind.FLOAT64: ("a number", _float),
    Kind.INT32: ("a 32-bit integer", _int(32)),
    Kind.INT64: ("a 64-bit integer", _int(64)),
}
