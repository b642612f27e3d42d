"""The generated Protobuf encoder: straight-line code that builds one message of the runtime and serialises it.

Scalars, dates and nested structs are arguments of the constructor, which passes over None; date-times and wrappers are
set afterwards. For every surprise the function falls back to the careful way, which also words the errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor as Of
from google.protobuf.message_factory import GetMessageClass

from bridge.formats.code import Code
from bridge.formats.protobuf.logical import FIRST_MS, LAST_MS, civil
from bridge.formats.protobuf.write import ALONE, FLOATS, INTEGERS, WHOLE, WRAPPERS, Column, scalar
from bridge.formats.reader import TEXTS
from bridge.formats.rows import Form, attribute_name
from bridge.formats.sources import Source
from bridge.formats.times import EPOCH, Days, ms_of
from bridge.model.protection import Seal
from bridge.model.schema import DATE, TIMESTAMP, Kind, Schema

_ABSENT: Final = Source("None")


def generate(
    name: str,
    parameter: str,
    message: Any,
    record: Sequence[Column],
    start: bytes,
    arrive: Callable[[Code], Mapping[str, Source]],
    carefully: Callable[[Any], bytes],
) -> Callable[[Any], bytes]:
    """The function ``name(parameter)``. ``arrive`` writes the lines it begins with, and says where the fields are
    then."""
    code = Code(name, parameter)
    code.indent("try:")
    sources = arrive(code)
    arguments, later = [], []
    for column in record:
        source = _ABSENT if column.source.startswith(ALONE) else sources[column.source]
        argument = _argument(code, column, source)
        if argument is None:
            later.append((column, source))
        else:
            arguments.append(f"{column.attribute}={argument}")
    code.line(f"message = {code.use(message, 'Message')}({', '.join(arguments)})")
    for column, source in later:
        _set(code, column, source)
    code.line(f"return {start!r} + message.SerializeToString()")
    code.dedent()
    code.fall_back(carefully, parameter)
    return code.build()


def _argument(code: Code, column: Column, source: Source) -> str | None:
    """The constructor's argument, None where the field is set afterwards."""
    schema, field = column.schema, column.field
    sealed_empty = column.seal is not None and column.default == ""
    if (column.default is not None and not sealed_empty) or column.required or field.is_repeated:
        return None
    if field.type == Of.TYPE_MESSAGE:
        if schema.name == DATE and field.message_type.full_name == "google.type.Date":
            return _date(code, field, source)
        if schema.kind is Kind.STRUCT and source.is_row:
            return _struct(code, column, source)
        return None
    if not _direct(schema, field.type):
        return None
    if column.seal is not None:
        return _sealed(code, column, column.seal, source)
    if source.constant is not None:
        return repr(source.constant)
    return _final(code, source)


def _sealed(code: Code, column: Column, seal: Seal, source: Source) -> str | None:
    """A protected text goes through the seal before anything else sees it; other values through ``put``."""
    if column.field.type != Of.TYPE_STRING:
        return None
    expression = _final(code, source) if source.constant is None else repr(source.constant)
    encrypt = code.use(seal.text, f"encrypt_{column.field.number}")
    if column.default == "":
        return f"{encrypt}((({expression}) or '').encode()).decode()"
    return f"None if (value := ({expression})) is None else {encrypt}(value.encode()).decode()"


def _direct(schema: Schema, kind: int) -> bool:
    """Whether the runtime takes the value as it is, and checks it as the careful way does."""
    if schema.name in (TIMESTAMP, DATE):
        return kind in WHOLE and scalar(schema, kind, "", "") is not None
    if schema.name is not None:
        return False
    if schema.kind in INTEGERS:
        return kind in WHOLE
    own = {Kind.STRING: Of.TYPE_STRING, Kind.BOOLEAN: Of.TYPE_BOOL, Kind.BYTES: Of.TYPE_BYTES}
    return own.get(schema.kind) == kind or (schema.kind is Kind.FLOAT64 and kind in FLOATS)


def _date(code: Code, field: Of, source: Source) -> str | None:
    if source.form not in (Form.DAY, Form.FINAL) or source.constant is not None:
        return None
    cls = GetMessageClass(field.message_type)
    table = _Dates(cls, Days() if source.form is Form.DAY else None)
    return f"{code.use(table, f'dates_{field.number}')}[{source.expression}]"


def _struct(code: Code, column: Column, source: Source) -> str | None:
    """A nested row whose fields are all plain."""
    kind = column.field.message_type
    names = [f.name for f in column.schema.fields]
    fields = [kind.fields_by_number.get(number) for number in column.nested]
    if None in fields or len(fields) != len(names):
        return None
    arguments = []
    for position, (inner, field) in enumerate(zip(column.schema.fields, fields, strict=True)):
        if field.is_repeated or field.is_required or field.type == Of.TYPE_MESSAGE:
            return None
        if not _direct(inner.schema, field.type) or inner.schema.name is not None:
            return None
        arguments.append(f"{field.name}=part.{attribute_name(inner.name, position)}")
    part = f"{code.use(GetMessageClass(kind), f'Part{column.field.number}')}({', '.join(arguments)})"
    return f"None if (part := {source.expression}) is None else {part}"


def _set(code: Code, column: Column, source: Source) -> None:
    """Lines that set a field after the message was made."""
    field, schema = column.field, column.schema
    expression = repr(source.constant) if source.constant is not None else source.expression
    message = field.type == Of.TYPE_MESSAGE and not field.is_repeated and column.default is None
    kind = field.message_type.full_name if message else ""
    moment = kind == "google.protobuf.Timestamp" and schema.name == TIMESTAMP
    if moment and source.form is Form.MOMENT:
        code.indent(f"if (value := {expression}) is not None:")
        code.line(f"value -= {code.use(EPOCH, 'EPOCH')}")
        code.line(f"part = message.{column.attribute}")
        code.line("part.seconds = value.days * 86400 + value.seconds")
        code.line("part.nanos = value.microseconds // 1000 * 1000000")
    elif moment and source.form is Form.FINAL:
        code.indent(f"if (value := {expression}) is not None:")
        code.line(f"if not {FIRST_MS} <= value <= {LAST_MS}: raise ValueError")
        code.line(f"part = message.{column.attribute}")
        code.line("part.seconds = value // 1000")
        code.line("part.nanos = value % 1000 * 1000000")
    else:
        expression = expression if source.constant is not None else _final(code, source)
        code.indent(f"if (value := ({expression})) is not None:")
        wrapped = kind in WRAPPERS and _direct(schema, field.message_type.fields_by_name["value"].type)
        if wrapped:
            code.line(f"message.{column.attribute}.value = value")
        else:
            code.line(f"{code.use(column.put, f'put_{field.number}')}(message, value)")
        code.dedent()
        if column.default is not None or column.required:
            code.indent("else:")
            if column.default is None:
                code.line("raise ValueError")
            else:
                put, default = (
                    code.use(column.put, f"put_{field.number}"),
                    code.use(column.default, "default"),
                )
                code.line(f"{put}(message, {default})")
            code.dedent()
        return
    code.dedent()


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


class _Dates(dict[Any, Any]):
    """Dates seen, as texts or days → messages. Few different dates occur together."""

    def __init__(self, cls: Any, days: Days | None) -> None:
        super().__init__({None: None})
        self._cls, self._days = cls, days

    def __missing__(self, key: Any) -> Any:
        if len(self) > 8192:
            self.clear()
            self[None] = None
        year, month, day = civil(key if self._days is None else self._days[key] or 0)
        out = self[key] = self._cls(year=year, month=month, day=day)
        return out
