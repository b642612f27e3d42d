"""Connect's ``Values.parseString``: the type that a header's text has by itself."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from bridge.java import numbers as numbers
from bridge.java.texts import trimmed
from bridge.model.schema import DATE, DECIMAL, Kind, Schema
from bridge.transforms.record import TEMPORAL, Float32, Instant, Int8, Int16, Int32, as_key
from bridge.transforms.temporal import DAY_MS, parse_iso, to_ms

Typed = tuple[Schema | None, Any]
_STRING: Final = Schema(Kind.STRING)
_NULL: Final[Typed] = (None, None)
_WIDTHS: Final = (
    (8, Kind.INT8, Int8),
    (16, Kind.INT16, Int16),
    (32, Kind.INT32, Int32),
    (64, Kind.INT64, int),
)
_ORDER: Final = (Kind.INT8, Kind.INT16, Kind.INT32, Kind.INT64, Kind.FLOAT32, Kind.FLOAT64)
_BOXES: Final[dict[Kind, Any]] = {
    Kind.INT8: Int8, Kind.INT16: Int16, Kind.INT32: Int32, Kind.INT64: int, Kind.FLOAT32: Float32, Kind.FLOAT64: float,
}  # fmt: skip


class _NotParsed(Exception):
    """What began like an array or map is none."""


def parse_string(text: str) -> Typed:
    """Schema and value; no schema for ``null``."""
    if not text:
        return _STRING, text
    return _parse(_Tokens(text), embedded=False) or (None, None)


class _Tokens:
    """Texts between the delimiters ``: , { } [ ] "``, and those."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0

    def more(self) -> bool:
        return self.place < len(self.text)

    def next(self) -> str:
        start, escaped = self.place, False
        while self.place < len(self.text):
            char = self.text[self.place]
            if char == "\\":
                escaped = not escaped
            else:
                if char in ':,{}[]"' and not escaped:
                    if start == self.place:
                        self.place += 1
                    break
                escaped = False
            self.place += 1
        return self.text[start : self.place]

    def take(self, expected: str) -> bool:
        """Consume the next token if it is that one, blanks around it or not."""
        start = self.place
        token = self.next() if self.more() else ""
        while not trimmed(token) and self.more():
            token = self.next()
        if trimmed(token) == expected:
            return True
        self.place = start
        return False

    def literal(self, expected: str, *, embedded: bool) -> bool:
        start = self.place
        if self.take(expected) and (embedded or not self.more()):
            return True
        self.place = start
        return False


def _parse(tokens: _Tokens, *, embedded: bool) -> Typed | None:
    if not tokens.more():
        return None
    if embedded and tokens.take('"'):
        return _quoted(tokens)
    if tokens.literal("null", embedded=embedded):
        return None
    for word, value in (("true", True), ("false", False)):
        if tokens.literal(word, embedded=embedded):
            return Schema(Kind.BOOLEAN), value
    start = tokens.place
    try:
        if tokens.take("["):
            return _array(tokens)
        if tokens.take("{"):
            return _map(tokens)
    except _NotParsed:
        tokens.place = start
    token = tokens.next()
    if not trimmed(token) and not embedded:
        return _STRING, token
    scalar = _scalar(tokens, trimmed(token)) if trimmed(token) else None
    if scalar is not None:
        return scalar
    if embedded:
        raise _NotParsed
    return _STRING, tokens.text


def _scalar(tokens: _Tokens, token: str) -> Typed | None:
    if token[0].isdecimal():
        place = tokens.place
        rest = [tokens.next() for _ in range(4) if tokens.more()]
        moment = parse_iso(token + "".join(rest)) if len(rest) == 4 else None
        if moment is not None:
            return moment
        tokens.place = place
        if (moment := parse_iso(token)) is not None:
            return moment
    if token[0].isdecimal() or token[0] in "+-":
        try:
            return _number(numbers.parse_decimal(token))
        except ValueError:
            return None
    return None


def _quoted(tokens: _Tokens) -> Typed:
    content = ""
    while tokens.more() and not tokens.take('"'):
        content += tokens.next()
    return parse_iso(content) or (_STRING, content)


def _array(tokens: _Tokens) -> Typed:
    common = _Common()
    items: list[Typed] = []
    while tokens.more():
        if tokens.take("]"):
            return Schema(Kind.ARRAY, value_schema=common.schema), [common.aligned(item) for item in items]
        if tokens.take(","):
            raise _NotParsed
        item = _parse(tokens, embedded=True) or _NULL
        common.add(item)
        items.append(item)
        place = tokens.place
        if tokens.take("]"):
            tokens.place = place
        elif not tokens.take(","):
            raise _NotParsed
    raise _NotParsed


def _map(tokens: _Tokens) -> Typed:
    keys, values = _Common(), _Common()
    entries: dict[tuple[type, Any], tuple[Typed, Typed]] = {}
    while tokens.more():
        if tokens.take("}"):
            # what is no map of one type of keys is left as it was read
            inner = values if keys.schema else _Common()
            aligned = {as_key(keys.aligned(key)): inner.aligned(value) for key, value in entries.values()}
            return Schema(Kind.MAP, key_schema=keys.schema, value_schema=inner.schema), aligned
        if tokens.take(","):
            raise _NotParsed
        key = _parse(tokens, embedded=True)
        if key is None or key[1] is None or not tokens.take(":"):
            raise _NotParsed
        value = _parse(tokens, embedded=True) or _NULL
        entries[type(key[1]), as_key(key[1])] = (key, value)
        tokens.take(",")
        keys.add(key)
        values.add(value)
    raise _NotParsed


class _Common:
    """The schema that all elements share; None where there is none."""

    def __init__(self) -> None:
        self.schema: Schema | None = None
        self._compatible = True

    def add(self, element: Typed) -> None:
        if element[0] is None or not self._compatible:
            return
        self.schema = element[0] if self.schema is None else _merged(self.schema, element[0])
        self._compatible = self.schema is not None

    def aligned(self, element: Typed) -> Any:
        """An element's value under the shared schema; an instant keeps to itself which it is."""
        its, value = element
        moment = its is not None and its.name in TEMPORAL
        if self.schema is None or (its != self.schema and isinstance(value, list | dict)):
            return _free(its, value)
        if value is None:
            raise _NotParsed
        if moment and its:
            return _instant(to_ms(its, value), self.schema)
        kind = self.schema.kind
        if self.schema.name in TEMPORAL:
            return int(value)
        if kind in _BOXES and not self.schema.name:
            number = _single(value) if kind is Kind.FLOAT32 else value
            return _BOXES[kind](number)
        return value


def _free(its: Schema | None, value: Any) -> Any:
    """A value that says by itself what it is."""
    if its is None or value is None:
        return value
    if isinstance(value, list):
        return [_free(its.value_schema, item) for item in value]
    if isinstance(value, dict):
        return {
            as_key(_free(its.key_schema, key)): _free(its.value_schema, item) for key, item in value.items()
        }
    return Instant(to_ms(its, value)) if its.name in TEMPORAL else value


def _single(value: int | float) -> float:
    return numbers.float32(value if isinstance(value, float) else Fraction(value))


def _instant(ms: int, into: Schema) -> int:
    """An instant under another's schema: an ``Instant`` where that has no value for it."""
    if into.name not in TEMPORAL:
        raise _NotParsed
    if into.name == DATE:
        return Instant(ms) if ms % DAY_MS else ms // DAY_MS
    return ms


def _merged(one: Schema, other: Schema) -> Schema | None:
    if one.kind is other.kind:
        return other
    if one.kind in _ORDER and other.kind in _ORDER:
        return max(one, other, key=lambda schema: _ORDER.index(schema.kind))
    return None


def _number(value: Decimal) -> Typed:
    """The narrowest integer that holds a whole number. Beyond 64 bits a Decimal where the text has scale 0
    (``9223372036854775808``), else the narrowest float (``1e20``): Kafka Connect 4.3.1, ``Values.parseString``."""
    exponent = int(value.as_tuple().exponent)
    if value == value.to_integral_value() if abs(exponent) < 400 else exponent >= 0:
        if not value or value.adjusted() < 20:
            whole = int(value)
            for bits, kind, box in _WIDTHS:
                if -(1 << bits - 1) <= whole < 1 << bits - 1:
                    return Schema(kind), box(whole)
        if exponent == 0:
            return _decimal(value, exponent)
    single = numbers.float32(value)
    if single not in (float("inf"), float("-inf")):
        return Schema(Kind.FLOAT32), Float32(single)
    double = float(value)
    if double not in (float("inf"), float("-inf")):
        return Schema(Kind.FLOAT64), double
    return _decimal(value, exponent)


def _decimal(value: Decimal, exponent: int) -> Typed:
    return Schema(Kind.BYTES, name=DECIMAL, version=1, parameters={"scale": str(-exponent)}), value
