"""Transforms of one's own, in Python: classes that packages offer as entry points of the group ``sfbridge.transforms``.

The entry point's name is what ``transforms.<alias>.type`` says (``org.example.Shout``); what it loads is a subclass of
``OwnTransform``. It works on the fields of a record's value, as a mapping.

**What it declares decides what it is given.** With ``reads`` and ``writes`` it gets only those fields, and gives only
those back; whatever it writes has the tags of all that it reads, so that it is sealed, or refused where it cannot be.
Without them it gets everything and gives everything back, and encryption is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, ClassVar, Final

from attrs import evolve

from bridge.errors import words
from bridge.java.exceptions import JavaError, data_error
from bridge.model.schema import Field, Kind, Schema
from bridge.transforms.record import ConnectRecord
from bridge.transforms.spec import Key, Settings, Spec
from bridge.transforms.step import Bound, Leak, OnSide, Side, Transform, tags_of
from bridge.transforms.table import TRANSFORMS, Entry

GROUP: Final = "sfbridge.transforms"
TYPES: Final[Mapping[str, Kind]] = {
    "string": Kind.STRING, "boolean": Kind.BOOLEAN, "int32": Kind.INT32, "int64": Kind.INT64,
    "float64": Kind.FLOAT64, "bytes": Kind.BYTES,
}  # fmt: skip
"""What a field that is written may be."""
_PYTHON: Final[Mapping[Kind, tuple[type, ...]]] = {
    Kind.STRING: (str,), Kind.BOOLEAN: (bool,), Kind.INT32: (int,), Kind.INT64: (int,),
    Kind.FLOAT64: (float, int), Kind.BYTES: (bytes,),
}  # fmt: skip
_BITS: Final = {Kind.INT32: 31, Kind.INT64: 63}


class OwnTransform:
    """To be subclassed. One is made for each start of a connector; its calls come from one thread, one for an event.
    Events that come again after an interruption are shown again."""

    reads: ClassVar[tuple[str, ...] | None] = None
    """Fields of the value that it is given; None: all of them, and not with encryption."""
    writes: ClassVar[Mapping[str, str] | None] = None
    """Fields that it gives back → their type, one of ``TYPES``; added, or in place of fields of that name."""
    keys: ClassVar[tuple[Key, ...]] = ()
    """Its settings, below ``transforms.<alias>.``"""

    def __init__(self, settings: Settings) -> None:
        """``settings``: by their names, of their types. Raise ValueError for some that do not go together."""
        self.settings = settings

    def transform(self, fields: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The fields that are written; None drops the record. What it raises puts the event aside; its text may end
        in a log and must quote no value, so only the exception's type is told."""
        raise NotImplementedError


def transform_names() -> tuple[str, ...]:
    """Every class that can be named, one's own included."""
    return (*TRANSFORMS, *(name for name in _offered() if name not in TRANSFORMS))


def entry_of(name: str) -> Entry | None:
    """What a class name stands for; None for none. JavaError for one's own that cannot be loaded or is none."""
    entry = TRANSFORMS.get(name)
    if entry is not None or name not in _offered():
        return entry
    return _loaded(_offered()[name])


@cache
def _offered() -> Mapping[str, EntryPoint]:
    return {one.name: one for one in entry_points(group=GROUP)}


@cache
def _loaded(point: EntryPoint) -> Entry:
    try:
        own = point.load()
    except Exception as error:  # somebody else's module may raise anything
        raise data_error(f"{point.value} cannot be loaded ({type(error).__name__})") from None
    if not (isinstance(own, type) and issubclass(own, OwnTransform)):
        raise data_error(f"{point.value} is no subclass of bridge.transforms.own.OwnTransform")
    if (own.reads is None) is not (own.writes is None):
        raise data_error(f"{point.value} declares reads or writes, and not both")
    if unknown := sorted(set((own.writes or {}).values()) - set(TYPES)):
        raise data_error(f"{point.value} writes the type {unknown[0]}; there are {', '.join(TYPES)}")
    doc = (own.__doc__ or point.name).strip().partition("\n")[0]
    return Entry(Spec(point.name, doc, own.keys), _maker(point.name, own))


def _maker(name: str, own: type[OwnTransform]) -> Callable[[Settings, Side], Transform]:
    def make(settings: Settings, side: Side) -> Transform:
        try:
            made = own(settings)
        except ValueError as error:
            raise data_error(f"{name}: {words.words(str(error))}") from None
        bind = _declared(name, made) if own.reads is not None else _undeclared(name, made)
        return OwnLink(side, bind, declares=own.reads is not None)

    return make


class _Dropped(Exception):
    """The transform gave nothing back."""


class OwnLink(OnSide):
    """As the built-in ones, and a record for which nothing is given back is dropped. ``declares``: what it reads and
    writes."""

    own = True

    def __init__(self, side: Side, bind: Callable[[Schema | None], Bound], *, declares: bool) -> None:
        super().__init__(side, bind)
        self.declares: Final = declares
        apply = self.apply

        def kept(record: ConnectRecord) -> bool:
            try:
                return apply(record)
            except _Dropped:
                return False

        self.apply = kept


def _declared(name: str, own: OwnTransform) -> Callable[[Schema | None], Bound]:
    reads, writes = own.reads or (), own.writes or {}

    def bind(schema: Schema | None) -> Bound:
        if schema is None:

            def loosely(value: Any, _: ConnectRecord) -> Any:
                return value | _result(name, own, {key: value.get(key) for key in reads}, writes)

            return Bound(None, loosely)
        given = {field.name: field for field in schema.fields}
        if missing := [key for key in reads if key not in given]:
            raise data_error(f"{name} reads {missing[0]}, which the record has not")
        tags = frozenset[str]().union(*(tags_of(given[key]) for key in reads))
        fresh = {
            key: Field(
                key,
                Schema(TYPES[kind], optional=True),
                tags | (tags_of(given[key]) if key in given else tags),
            )
            for key, kind in writes.items()
        }
        fields = [fresh.pop(field.name, field) for field in schema.fields]
        after = evolve(schema, fields=(*fields, *fresh.values()))

        def convert(value: Any, _: ConnectRecord) -> Any:
            return {**value, **_result(name, own, {key: value[key] for key in reads}, writes)}

        return Bound(after, convert)

    return bind


def _undeclared(name: str, own: OwnTransform) -> Callable[[Schema | None], Bound]:
    def bind(schema: Schema | None) -> Bound:
        fields = () if schema is None else schema.fields
        known = frozenset(field.name for field in fields)
        into = f"{name}, which does not say what it reads and writes"
        told = tuple(Leak(field.name, tags, into) for field in fields if (tags := tags_of(field)))

        def convert(value: Any, _: ConnectRecord) -> Any:
            back = _called(name, own, dict(value))
            if schema is not None and (strange := sorted(set(back) - known)):
                raise data_error(
                    f"{name} gave back {strange[0]}, which the record has not: declare it in writes"
                )
            return back if schema is None else {key: back.get(key, value[key]) for key in known}

        return Bound(schema, convert, told)

    return bind


def _result(
    name: str, own: OwnTransform, given: Mapping[str, Any], writes: Mapping[str, str]
) -> dict[str, Any]:
    back = _called(name, own, given)
    if strange := sorted(set(back) - set(writes)):
        raise data_error(f"{name} gave back {str(strange[0])[:60]}, which it does not declare in writes")
    return {key: _checked(name, key, TYPES[kind], back.get(key)) for key, kind in writes.items()}


def _called(name: str, own: OwnTransform, given: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        back = own.transform(given)
    except JavaError:
        raise
    except Exception as error:  # its text may quote a value
        raise data_error(f"{name} raised {type(error).__name__}") from None
    if back is None:
        raise _Dropped
    if not isinstance(back, Mapping):
        raise data_error(f"{name} gave back no mapping of fields")
    return back


def _checked(name: str, key: str, kind: Kind, value: Any) -> Any:
    fits = value is None or (
        isinstance(value, _PYTHON[kind]) and (kind is Kind.BOOLEAN or not isinstance(value, bool))
    )
    if not fits or (
        kind in _BITS and value is not None and not -(1 << _BITS[kind]) <= value < 1 << _BITS[kind]
    ):
        raise data_error(f"{name} gave back a {type(value).__name__} as {key}, which is no {kind.value}")
    if kind is not Kind.FLOAT64 or value is None:
        return value
    try:
        return float(value)
    except OverflowError:
        raise data_error(f"{name} gave back an integer as {key} that no float64 holds") from None
