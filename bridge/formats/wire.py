"""Code that reads an event out of Avro's binary form, written for one schema: a local variable for each field, in its
final form. No value passes through a dict or a text on its way to the output.

What occurs in nearly every event is straight-line code: texts, doubles, booleans, whole numbers, moments, each with or
without a null before it. Other types are read by a call, and what does not fit the record's schema raises, so that the
event goes the careful way, by its JSON.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cache
from itertools import product
from typing import Final

from bridge.formats.code import Code
from bridge.formats.rows import Form, Layout, Slot, attribute_name, nested_type
from bridge.formats.sources import Encoded, Source
from bridge.formats.times import MS_PER_DAY
from bridge.languages.avro.read import Read, double_at, length, reader, varint, whole
from bridge.languages.avro.types import AvroField, AvroType, parse
from bridge.languages.avro.wire import WORDS, Wire, number_text
from bridge.model.schema import DATE, TIMESTAMP, Kind, Schema

_WHOLE: Final = ("int", "long")
_FLAGS: Final = {0: False, 1: True}


def from_wire(code: Code, rows: Layout, wire: Wire, *, slices: bool = False) -> dict[str, Source]:
    """The lines that read ``data``; the fields by name. ``slices``: say where the bytes of each are, too."""
    code.line("p = data.payload")
    code.line("head = data.event")
    code.line("i = 0")
    slots = {s.name: s for s in rows.slots}
    beside = ("ReplayId", "EventUuid", *rows.constants)
    variables: dict[str, str] = {}
    encoded: dict[str, Encoded] = {}
    for number, entry in enumerate(parse(wire.text).fields):
        if slices:
            code.line(f"s{number} = i")
        slot = slots.get(entry.name)
        if slot is None or entry.name in beside:
            if slot is None and not rows.drops_unknown and entry.name not in rows.passed_over:
                code.line("raise ValueError('a field too many')")
            _read(code, entry.type, "_", lambda value, _kind: value)
        else:
            variables[entry.name] = variable = f"f{number}"
            if slices:
                encoded[entry.name] = Encoded(f"s{number}", f"s{number + 1}", entry.type)
            _read(code, entry.type, variable, _Into(code, slot, entry, wire, rows))
    if slices:
        code.line(f"s{number + 1} = i")
    code.indent("if i != len(p):")
    code.line("raise ValueError('bytes left over')")
    code.dedent()
    sources = {
        s.name: Source(variables.get(s.name, "None"), is_row=True, encoded=encoded.get(s.name))
        for s in rows.slots
    }
    sources |= {name: Source("", constant=value) for name, value in rows.constants.items()}
    sources["ReplayId"] = Source("head.replayId", count=True)
    sources["EventUuid"] = Source("head.EventUuid")
    return sources


def as_row(code: Code, rows: Layout, sources: dict[str, Source]) -> None:
    """The line that makes ``row`` of them."""
    values = []
    for slot in rows.slots:
        source = sources[slot.name]
        value = source.expression if source.constant is None else repr(source.constant)
        values.append(f"str({value})" if source.count else value)
    code.line(f"row = {code.use(rows.row, 'Row')}({', '.join(values)})")


Convert = Callable[[str, str], str | None]
"""An expression and the Avro kind of what it yields → the expression of its final form, None where it has none."""


def _read(code: Code, written: AvroType, into: str, convert: Convert) -> None:
    """Lines after which ``into`` is the value and ``i`` behind it."""
    branches = written.branches
    if len(branches) == 2 and branches[0].kind == "null" and branches[1].kind in _INLINE:
        code.line("b = p[i]")
        code.line("i += 1")
        code.indent("if b == 2:")
        _value(code, branches[1], into, convert)
        code.dedent()
        code.indent("elif b == 0:")
        code.line(f"{into} = None")
        code.dedent()
        code.indent("else:")
        code.line("raise ValueError('no such branch')")
        code.dedent()
    elif written.kind in _INLINE:
        _value(code, written, into, convert)
    else:
        _called(code, written, into, convert)


def _value(code: Code, written: AvroType, into: str, convert: Convert) -> None:
    kind = written.kind
    _INLINE[kind](code, into)
    final = convert(into, kind)
    if final is None:
        code.line("raise ValueError('another type')")
    elif final != into:
        code.line(f"{into} = {final}")


def _called(code: Code, written: AvroType, into: str, convert: Convert) -> None:
    read = convert.structure(written) if isinstance(convert, _Into) else None
    code.line(f"{into}, i = {code.use(read or reader(written), 'read')}(p, i)")
    if read is None and isinstance(convert, _Into):
        code.indent(f"if {into} is not None:")
        code.line("raise ValueError('another type')")
        code.dedent()


def _string(code: Code, into: str) -> None:
    """A length of one byte or two; a negative one, and a longer one, by the call."""
    code.line("n = p[i]")
    code.indent("if not n & 129:")
    code.line("i += 1")
    code.line("e = i + (n >> 1)")
    code.dedent()
    code.indent("elif (m := p[i + 1]) < 128 and not n & 1:")
    code.line("i += 2")
    code.line("e = i + ((n & 127 | m << 7) >> 1)")
    code.dedent()
    code.indent("else:")
    code.line(f"n, i = {code.use(length, 'length')}(p, i)")
    code.line("e = i + n")
    code.dedent()
    code.line(f"{into} = p[i:e].decode()")
    code.line("i = e")


def _double(code: Code, into: str) -> None:
    code.line(f"({into},) = {code.use(double_at, 'double_at')}(p, i)")
    code.line("i += 8")
    code.indent(f"if {into} - {into}:")  # neither infinite nor no number
    code.line("raise ValueError('not finite')")
    code.dedent()


def _boolean(code: Code, into: str) -> None:
    code.line(f"{into} = {code.use(_FLAGS, 'flags')}[p[i]]")
    code.line("i += 1")


def _long(code: Code, into: str) -> None:
    """Milliseconds from July 1970 to 2039 are six bytes and not negative: three tables. Others by the call."""
    low, middle, high = _tables()
    code.indent("try:")
    code.line(f"a, b, c = {code.use(_PAIRS, 'pairs')}(p, i)")
    code.line(
        f"{into} = {code.use(low, 'LOW')}[a] | {code.use(middle, 'MIDDLE')}[b] | {code.use(high, 'HIGH')}[c]"
    )
    code.line("i += 6")
    code.dedent()
    code.indent(f"except ({code.use(struct.error, 'Short')}, TypeError):")
    code.line(f"{into}, i = {code.use(whole, 'whole')}(p, i)")
    code.dedent()


_PAIRS: Final = struct.Struct("<HHH").unpack_from
_MORE: Final = 128  # of a byte of a number that is not its last


@cache
def _tables() -> tuple[list[int | None], ...]:
    """Two bytes of a number → what they add to it; None where they are not such bytes. The lowest bit is the sign."""
    low, middle, high = (list[int | None]([None] * (1 << 16)) for _ in range(3))
    for first, second in product(range(_MORE), repeat=2):
        value, open_ = first | second << 7, first | _MORE | second << 8
        low[open_ | _MORE << 8] = None if value & 1 else value >> 1
        middle[open_ | _MORE << 8] = value << 13
        high[open_] = value << 27
    return low, middle, high


def _int(code: Code, into: str) -> None:
    code.line(f"n, i = {code.use(varint, 'varint')}(p, i)")
    code.line(f"{into} = (n >> 1) ^ -(n & 1)")


_INLINE: Final[dict[str, Callable[[Code, str], None]]] = {
    "string": _string,
    "double": _double,
    "boolean": _boolean,
    "long": _long,
    "int": _int,
}


class _Into:
    """How a field's value becomes what its slot holds."""

    def __init__(self, code: Code, slot: Slot, entry: AvroField, wire: Wire, rows: Layout) -> None:
        self._code, self._slot, self._rows = code, slot, rows
        self._word = WORDS.get(wire.word(entry.name))

    def __call__(self, value: str, kind: str) -> str | None:
        schema, form = self._slot.schema, self._slot.form
        if schema.name == TIMESTAMP:
            return value if kind == "long" else None
        if schema.name == DATE:
            return f"{value} // {MS_PER_DAY}" if kind == "long" else None
        if schema.kind is Kind.STRING:
            return self._text(value, kind, form)
        if schema.kind is Kind.FLOAT64:
            return value if kind == "double" else f"float({value})" if kind in _WHOLE else None
        if schema.kind is Kind.BOOLEAN:
            return value if kind == "boolean" else None
        if schema.kind is Kind.INT64 or (schema.kind is Kind.INT32 and kind == "int"):
            return value if kind in _WHOLE else None
        return None

    def _text(self, value: str, kind: str, form: Form) -> str | None:
        if kind == "string":
            return value
        if kind == "long" and self._word is not None:
            return f"{self._code.use(self._word, 'word')}({value})"
        if form is Form.FINAL:
            return None
        if kind == "double":
            return f"{self._code.use(text_of_double, 'text_of_double')}({value})"
        if kind == "boolean":
            return f"'true' if {value} else 'false'"
        return f"str({value})"

    def structure(self, written: AvroType) -> Read | None:
        """The reader of a nested struct."""
        branches = [branch for branch in written.branches or (written,) if branch.kind != "null"]
        if self._slot.schema.kind is not Kind.STRUCT or [b.kind for b in branches] != ["record"]:
            return None
        drop = self._rows.drops_unknown
        made = _nested(branches[0], self._slot.schema, drop)
        if written.kind != "union":
            return made
        nulls = [branch.kind == "null" for branch in written.branches]

        def read(data: bytes, at: int) -> tuple[object, int]:
            index, at = varint(data, at)
            return (None, at) if nulls[index >> 1] else made(data, at)

        return read


def text_of_double(value: float) -> str:
    """As Salesforce's JSON has it."""
    found = number_text(value)
    return repr(found) if isinstance(found, float) else bytes(found).decode()  # type: ignore[call-overload]  # a Raw


def _nested(written: AvroType, schema: Schema, drop_unknown: bool) -> Read:
    """A row of the nested type; a part that the schema has no place for, or another, lets the event go the careful
    way."""
    row = nested_type(schema, drop_unknown)
    parts = {
        f.name: (attribute_name(f.name, i), _PARTS.get(f.schema.kind)) for i, f in enumerate(schema.fields)
    }
    steps = []
    for entry in written.fields:
        attribute, kind = parts.get(entry.name, (None, None))
        kinds = {branch.kind for branch in entry.type.branches or (entry.type,)} - {"null"}
        fits = drop_unknown if attribute is None else kinds == {kind}
        steps.append((attribute, reader(entry.type), fits))

    def read(data: bytes, at: int) -> tuple[object, int]:
        values = {}
        for attribute, step, fits in steps:
            value, at = step(data, at)
            if not fits:
                raise ValueError("another type")
            if attribute is not None:
                values[attribute] = value
        return row(**values), at

    return read


_PARTS: Final = {Kind.STRING: "string", Kind.FLOAT64: "double", Kind.BOOLEAN: "boolean"}
