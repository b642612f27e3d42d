"""THE GUARD OF DOCUMENTS: what others wrote is read here, and is what it claims to be or one sentence about itself.

Contract. A document of others (an answer of a registry or of Salesforce, a record of a topic, a schema's text) may have
any shape. ``read`` takes it in by a declared type; ``json_of`` where its shape is open. Both raise ``Broken`` and
nothing else; its text goes on after the document's name: ``f"{name} {broken}"`` is a sentence, and quotes no value.
What they return is bounded: ``LARGEST`` bytes, ``DEEPEST`` levels, numbers that a double can hold. Whoever walks such
a document may recurse without counting, and does so inside ``understood``: a shape that nobody thought of is one
sentence, too.

References between documents (imports, ``$ref``, names) are followed with a set of those that were visited; this module
cannot see them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Final, NoReturn, TypeVar

import msgspec

LARGEST: Final = 16_000_000
"""Bytes of one document."""
DEEPEST: Final = 100
"""Levels of one document. Ten are many for a schema; the innermost of 100 still leaves room for recursive code."""

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
T = TypeVar("T")


class Broken(ValueError):
    """What is wrong with a document, as the end of a sentence that begins with its name."""


def read(raw: bytes | str, type_: type[T]) -> T:
    """A JSON document as a type that msgspec knows: a Struct, ``dict[str, str]``, …; unknown fields are passed over."""
    _check_size(raw)
    try:
        return msgspec.json.decode(raw, type=type_)
    except msgspec.ValidationError as error:
        raise Broken(f"is not what was expected: {_lower(str(error))}") from None
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise _no_json(error) from None
    except RecursionError:
        raise _too_deep() from None


def fitting(value: object, type_: type[T]) -> T:
    """A value that was parsed already, as such a type."""
    try:
        return msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        raise Broken(f"is not what was expected: {_lower(str(error))}") from None
    except RecursionError:
        raise _too_deep() from None


def json_of(raw: bytes | str, *, pairs: Callable[[list[tuple[str, Json]]], Json] | None = None) -> Json:
    """A JSON document of any shape. ``pairs`` makes the objects, for whoever must see a name that stands twice."""
    _check_size(raw)
    try:
        text = raw if isinstance(raw, str) else raw.decode()
        value: Json = json.loads(
            text, parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=pairs
        )
    except Broken:
        raise
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:  # no JSON, no UTF-8, a number of 5,000 digits
        raise _no_json(error) from None
    if "\\u" in text and not _is_whole(value):
        raise Broken("holds half a character (a lone surrogate)")
    return bounded(value)


def _is_whole(value: Json) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    except RecursionError:
        raise _too_deep() from None
    return True


def bounded(value: Json) -> Json:
    """The same value, if it is no deeper than ``DEEPEST``. Broken."""
    level: list[Json] = [value]
    for _ in range(DEEPEST + 1):
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return value
    raise _too_deep()


@contextmanager
def understood(name: str, fatal: Callable[[str], Exception]) -> Iterator[None]:
    """Around code that walks what others wrote: what it does not understand is ``fatal``, a sentence that names it.

    Errors of ours pass; ``Broken`` completes the sentence; of any other exception class and line are told, since its
    text may quote a value.
    """
    try:
        yield
    except Broken as broken:
        raise fatal(f"{name} {broken}") from None
    except RecursionError:
        raise fatal(f"{name} refers to itself without an end, or is nested too deep") from None
    except Exception as error:
        if hasattr(error, "stage") or (isinstance(fatal, type) and isinstance(error, fatal)):
            raise  # an error of ours: a ``BridgeError``, which this module stands below, or ``fatal`` itself
        place = innermost(error.__traceback__)
        raise fatal(f"{name} cannot be understood ({type(error).__name__} in {place})") from None


def innermost(trace: TracebackType | None) -> str:
    """File and line of the innermost code of ours in a traceback."""
    place = "the bridge"
    while trace is not None:
        code = trace.tb_frame.f_code
        if str(trace.tb_frame.f_globals.get("__name__", "")).startswith(
            "bridge."
        ) or code.co_filename.startswith("<"):
            place = f"{code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


@dataclass
class Steps:
    """Counts the steps of a walk that may come to the same place by many ways, and ends it."""

    left: int = 100_000

    def take(self) -> None:
        """One more. Broken when there were too many."""
        self.left -= 1
        if self.left < 0:
            raise Broken("refers to itself in too many ways to be followed")


def object_of(value: Json) -> dict[str, Json]:
    """The same value, if it is an object. Broken."""
    if not isinstance(value, dict):
        raise Broken(f"is {kind_of(value)} where an object is expected")
    return value


def kind_of(value: object) -> str:
    """What a JSON value is, in words, without the value."""
    if value is None:
        return "null"
    names = {dict: "an object", list: "a list", str: "text", bool: "a boolean"}
    return names.get(type(value), "a number" if isinstance(value, int | float) else type(value).__name__)


def _inside(value: Json) -> list[Json]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _check_size(raw: bytes | str) -> None:
    if len(raw) > LARGEST:
        raise Broken(f"has {len(raw)} bytes; more than {LARGEST} are not read")


def _too_deep() -> Broken:
    return Broken(f"is nested more than {DEEPEST} deep")


def _no_json(error: Exception) -> Broken:
    if isinstance(error, UnicodeError):
        return Broken("is no UTF-8")
    if isinstance(error, json.JSONDecodeError) and error.doc and error.pos >= len(error.doc.rstrip()):
        return Broken("is no JSON: it ends too early; is it truncated?")
    if isinstance(error, json.JSONDecodeError):
        return Broken(f"is no JSON in line {error.lineno}, column {error.colno}: {_lower(error.msg)}")
    if isinstance(error, msgspec.MsgspecError):
        return Broken(f"is no JSON: {_lower(str(error).removeprefix('JSON is malformed: '))}")
    return Broken("is no JSON: it holds a number of thousands of digits")  # Python reads no longer ones


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _no_constant(name: str) -> NoReturn:
    raise Broken(f"is no JSON: it holds {name}")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise Broken(f"holds the number {text[:20]}, which is beyond a double's range")
    return value
