"""The generated Avro encoder: straight-line code for the columns of one written schema.

Each function below writes the lines for one kind of field and returns the pieces these lines leave behind;
the message is the pieces joined. Texts, numbers, dates and nulls are done here; for everything else, and for
every surprise, the function falls back to the careful way, which also words the errors.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final

from attrs import frozen

from bridge.formats.avro.defaults import unsigned, varint
from bridge.formats.avro.write import INTEGERS, Column, columns, nullable, writer
from bridge.formats.code import Code
from bridge.formats.reader import TEXTS, moment
from bridge.formats.rows import Form, attribute_name
from bridge.formats.sources import Source
from bridge.formats.times import Days, ms_of
from bridge.model.protection import Seal
from bridge.model.schema import TIMESTAMP, Kind


@frozen
class Slice:
    """Bytes of the event that are written as they came, from one variable to another."""

    begin: str
    end: str


Piece = bytes | str | Slice
"""A constant, the expression of what was computed, or what is taken over."""


def generate(
    name: str,
    parameter: str,
    record: Sequence[Column],
    start: bytes,
    arrive: Callable[[Code], Mapping[str, Source]],
    carefully: Callable[[Any], bytes],
) -> Callable[[Any], bytes]:
    """The function ``name(parameter)``. ``arrive`` writes the lines it begins with, and says where the fields are
    then."""
    code = Code(name, parameter)
    pieces: list[Piece] = [start]
    code.indent("try:")
    sources = arrive(code)
    for number, column in enumerate(record):
        source = sources.get(column.source or "")
        pieces += [column.constant] if source is None else _field(_Place(code, column, source, number))
    code.line(f"return {code.use(b''.join, 'join')}(({', '.join(_merged(pieces))},))")
    code.dedent()
    code.fall_back(carefully, parameter)
    return code.build()


def _merged(pieces: Sequence[Piece]) -> list[str]:
    """Pieces as expressions, constants that meet made one."""
    out: list[Piece] = []
    for piece in pieces:
        last = out[-1] if out else None
        if isinstance(piece, bytes) and isinstance(last, bytes):
            out[-1] = last + piece
        elif isinstance(piece, Slice) and isinstance(last, Slice) and last.end == piece.begin:
            out[-1] = Slice(last.begin, piece.end)
        elif piece != b"":
            out.append(piece)
    return [_expression(piece) for piece in out]


def _expression(piece: Piece) -> str:
    if isinstance(piece, Slice):
        return f"p[{piece.begin}:{piece.end}]"
    return repr(piece) if isinstance(piece, bytes) else piece


class _Place:
    """One field while its lines are written."""

    def __init__(self, code: Code, column: Column, source: Source, number: int) -> None:
        assert column.schema is not None
        assert column.target is not None
        self.code, self.source, self.name = code, source, column.name
        self.schema, self.target = column.schema, column.target
        self.head, self.null = column.target.head, column.target.null
        self.pieces = [f"{letter}{number}" for letter in "abc"]

    def begin(self, expression: str, pieces: int) -> list[str]:
        """Lines for null, up to where those for ``value`` begin; the names of the pieces to be made."""
        code, names = self.code, self.pieces[:pieces]
        code.line(f"value = {expression}")
        if self.null is None:
            code.indent("if value is None:")
            code.line("raise ValueError")
        else:
            rest = [f"{name} = b''" for name in names[1:]]
            code.indent("if value is None:")
            code.line("; ".join([f"{names[0]} = {self.null!r}", *rest]))
        code.dedent()
        code.indent("else:")
        return names

    def table(self, table: Any, name: str) -> list[Piece]:
        """The piece that is looked up by the value itself, null included."""
        return [f"{self.code.use(table, name + self.pieces[0][1:])}[{self.source.expression}]"]


def _field(at: _Place) -> Sequence[Piece]:
    kind, schema, form = at.target.type.kind, at.schema, at.source.form
    whole = kind in ("int", "long") and at.target.factor == 1
    if at.source.constant is not None and at.target.seal is None:
        return [at.head + writer(schema, at.target, at.name)(at.source.constant)]
    if at.target.seal is not None:
        return _sealed(at, at.target.seal)
    if (taken := _taken_over(at)) is not None:
        return taken
    if schema.kind is Kind.STRING and kind == "string":
        return _count(at) if at.source.count else _string(at)
    if schema.kind is Kind.BOOLEAN:
        return _boolean(at)
    if schema.kind is Kind.FLOAT64 and kind == "double":
        return _double(at)
    if form is Form.MOMENT and kind == "long" and whole:
        return _moment(at)
    if form is Form.DAY and whole:
        return at.table(_DayBytes(at.head, at.null), "days_")
    if form is Form.FINAL and whole and schema.name == TIMESTAMP and kind == "long":
        return _long(at)
    if form is Form.FINAL and whole and schema.kind in INTEGERS:
        return _integer(at, 32 if kind == "int" else 64)
    if schema.kind is Kind.STRUCT and kind == "record" and at.source.is_row:
        return _struct(at)
    return _called(at)


_ALIKE: Final = {
    Kind.STRING: "string",
    Kind.BOOLEAN: "boolean",
    Kind.FLOAT64: "double",
    Kind.INT32: "int",
    Kind.INT64: "long",
}
"""Kinds of values that an event in Avro may have as they are written."""


def _taken_over(at: _Place) -> Sequence[Piece] | None:
    """The event's own bytes, where they are those that would be written: checked by then, and not made anew."""
    found, kind = at.source.encoded, _ALIKE.get(at.schema.kind)
    if found is None or at.schema.name not in (None, TIMESTAMP) or at.target.factor != 1:
        return None
    nullable_ = found.type.branches and found.type.branches[0].kind == "null"
    given = found.type.branches[-1] if nullable_ else found.type
    if not given.kind == at.target.type.kind == kind or len(found.type.branches) > 2:
        return None
    if not nullable_:
        return [at.head, Slice(found.begin, found.end)]
    same = (at.head, at.null) == (varint(1), varint(0))
    return [Slice(found.begin, found.end)] if same else None


def _count(at: _Place) -> Sequence[Piece]:
    b = at.pieces[1]
    at.code.line(f"{b} = b'%d' % {at.source.expression}")
    return [f"{at.code.use(_lengths(at.head), 'lengths')}[len({b})]", b]


def _boolean(at: _Place) -> Sequence[Piece]:
    table: dict[bool | None, bytes] = {True: at.head + b"\x01", False: at.head + b"\x00"}
    if at.null is not None:
        table[None] = at.null
    return at.table(table, "flags_")


def _string(at: _Place) -> Sequence[Piece]:
    a, b = at.begin(_final(at.code, at.source), 2)
    at.code.line(f"{b} = value.encode()")
    _length(at, a, b)
    at.code.dedent()
    return [a, b]


def _sealed(at: _Place, seal: Seal) -> Sequence[Piece]:
    """A protected field: its text goes through the seal before anything else sees it."""
    expression = _final(at.code, at.source) if at.source.constant is None else repr(at.source.constant)
    if at.schema.kind is not Kind.STRING or at.target.type.kind != "string":
        a = at.pieces[0]
        write = nullable(at.schema, at.target, "the record")
        at.code.line(f"{a} = {at.code.use(write, 'write_' + a[1:])}({expression})")
        return [a]
    a, b = at.begin(expression, 2)
    at.code.line(f"{b} = {at.code.use(seal.text, 'encrypt_' + a[1:])}(value.encode())")
    _length(at, a, b)
    at.code.dedent()
    return [a, b]


def _length(at: _Place, into: str, of: str) -> None:
    """The line that puts branch and length of the bytes ``of`` into ``into``."""
    lengths, longer = at.code.use(_lengths(at.head), "lengths"), at.code.use(varint, "varint")
    at.code.line(
        f"{into} = {lengths}[size] if (size := len({of})) < {_SHORT} else {at.head!r} + {longer}(size)"
    )


def _double(at: _Place) -> Sequence[Piece]:
    (a,) = at.begin(at.source.expression, 1)
    if len(at.head) == 1:
        at.code.line(f"{a} = {at.code.use(_branch_and_double, 'branch_and_double')}({at.head[0]}, value)")
    else:
        at.code.line(f"{a} = {at.head!r} + {at.code.use(_plain_double, 'double')}(value)")
    at.code.dedent()
    return [a]


def _moment(at: _Place) -> Sequence[Piece]:
    names = at.begin(at.source.expression, 3)
    moment(at.code, "value")
    return _milliseconds(at, names)


def _long(at: _Place) -> Sequence[Piece]:
    return _milliseconds(at, at.begin(at.source.expression, 3))


def _milliseconds(at: _Place, names: list[str]) -> Sequence[Piece]:
    """The lines for ``value`` in milliseconds: by tables, but for the two days after 1970-01-01 and what is before."""
    (a, b, c), code = names, at.code
    code.indent(f"if value >= {_LONGER}:")
    code.line(f"{a} = {code.use(_low_bits(at.head), 'low_bits')}[value & 8191]")
    code.line("value >>= 13")
    code.line(f"{b} = {code.use(_next_bits(), 'next_bits')}[value & 16383]")
    code.line(f"{c} = {code.use(_LAST, 'last_bytes')}[value >> 14]")
    code.dedent()
    code.indent("else:")
    code.line(f"{a} = {at.head!r} + {code.use(varint, 'varint')}(value)")
    code.line(f"{b} = {c} = b''")
    code.dedent()
    code.dedent()
    return names


def _integer(at: _Place, bits: int) -> Sequence[Piece]:
    (a,) = at.begin(at.source.expression, 1)
    limit = 1 << bits - 1
    at.code.line(f"if not {-limit} <= value < {limit}: raise ValueError")
    at.code.line(f"{a} = {at.code.use(_Short(at.head), 'short_' + a[1:])}[value]")
    at.code.dedent()
    return [a]


def _struct(at: _Place) -> Sequence[Piece]:
    """A nested row: a function of its own, for the columns of its record."""
    record, head = columns(at.schema, at.target.type, {}, path=f"{at.target.path}."), at.head
    write = writer(at.schema, at.target, "the record")
    sources = {
        each.name: Source(f"part.{attribute_name(each.name, position)}", is_row=True)
        for position, each in enumerate(at.schema.fields)
    }
    encode = generate("part", "part", record, head, lambda _: sources, lambda part: head + write(part))
    (a,) = at.begin(at.source.expression, 1)
    at.code.line(f"{a} = {at.code.use(encode, 'part_' + a[1:])}(value)")
    at.code.dedent()
    return [a]


def _called(at: _Place) -> Sequence[Piece]:
    """Everything else: the closure of the complete way, on the value's final form."""
    a = at.pieces[0]
    write = nullable(at.schema, at.target, "the record")
    at.code.line(f"{a} = {at.code.use(write, 'write_' + a[1:])}({_final(at.code, at.source)})")
    return [a]


def _final(code: Code, source: Source) -> str:
    """The expression of the value in its final form."""
    if source.count:
        return f"str({source.expression})"
    if source.form is Form.FINAL:
        return source.expression
    final: Callable[[Any], Any] = TEXTS.get(source.form) or (
        ms_of if source.form is Form.MOMENT else Days().__getitem__
    )
    return f"None if (raw := {source.expression}) is None else {code.use(final, 'final')}(raw)"


# --- tables ----------------------------------------------------------------------------------------------------

_branch_and_double: Final = struct.Struct("<Bd").pack
_plain_double: Final = struct.Struct("<d").pack


_SHORT: Final = 4096
"""Bytes; the length of a longer text is worked out."""


@cache
def _lengths(head: bytes) -> tuple[bytes, ...]:
    """Branch and length of a text that is not long, by length."""
    return tuple(head + varint(length) for length in range(_SHORT))


@cache
def _low_bits(head: bytes) -> tuple[bytes, ...]:
    """Branch and the first two bytes of a longer varint of a number ≥ 0, by its lowest 13 bits."""
    return tuple(head + bytes((n << 1 & 127 | 128, n >> 6 | 128)) for n in range(1 << 13))


@cache
def _next_bits() -> tuple[bytes, ...]:
    """The third and fourth byte of a longer varint, by the next 14 bits."""
    return tuple(bytes((n & 127 | 128, n >> 7 | 128)) for n in range(1 << 14))


_LONGER: Final = 1 << 27
"""From here on a varint has more than four bytes."""


class _LastBytes(dict[int, bytes]):
    """The bytes after the fourth, by what is left of the number: one entry for each day and a half."""

    def __missing__(self, rest: int) -> bytes:
        if len(self) > 32_768:
            self.clear()
        out = self[rest] = unsigned(rest)
        return out


_LAST: Final = _LastBytes()


class _Short(dict[int, bytes]):
    """Branch and varint of small numbers; of others as they come."""

    def __init__(self, head: bytes) -> None:
        super().__init__({n: head + varint(n) for n in range(-64, 1024)})
        self._head = head

    def __missing__(self, number: int) -> bytes:
        return self._head + varint(number)


class _DayBytes(dict["str | None", bytes]):
    """Branch and varint of a date, by its text."""

    def __init__(self, head: bytes, null: bytes | None) -> None:
        super().__init__({} if null is None else {None: null})
        self._head, self._null, self._days = head, null, Days()

    def __missing__(self, text: str | None) -> bytes:
        if text is None:
            raise ValueError("null")
        if len(self) > 8192:
            self.clear()
            if self._null is not None:
                self[None] = self._null
        out = self[text] = self._head + varint(self._days[text] or 0)
        return out
