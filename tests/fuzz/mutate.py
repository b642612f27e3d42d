"""Broken variants of good inputs: of their bytes, of their text, and, where they are JSON, of their shape."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from random import Random
from typing import Any, Final

LONG: Final = 5000
_NESTED: Final = 3000

HOSTILE: Final[tuple[Any, ...]] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2**31,
    2**63,
    -(2**63) - 1,
    10**400,
    0.5,
    -1.5,
    1e300,
    "",
    " ",
    "\0",
    "'",
    '"',
    "\\",
    "a'b\"c\\",
    "x\ny",
    "\u2028",
    "\ud800",
    "{",
    "${",
    "%s%n",
    "../../etc/passwd",
    "null",
    "string",
    "record",
    "a" * LONG,
    "é" * 50,
    [],
    {},
    [[]],
    [None],
    {"": None},
    {"type": "record"},
    {"$ref": "#"},
    ["null", "null"],
)
_RAW: Final = (
    "1e999",
    "-1e400",
    "NaN",
    "Infinity",
    "-Infinity",
    "9" * LONG,
    '"\\ud800"',
    "[" * _NESTED + "]" * _NESTED,
    '{"a":' * _NESTED + "1" + "}" * _NESTED,
)
_MARKER: Final = "\uf8ffraw"
_TOKENS: Final = (
    "${",
    "}",
    "{",
    "[",
    "]",
    "(",
    ")",
    "<",
    ">",
    "'",
    '"',
    "`",
    "\\",
    "/",
    "//",
    "/*",
    "*/",
    "#",
    "\n",
    "\r\n",
    "\t",
    "\0",
    ":",
    ";",
    ",",
    ".",
    "..",
    "=",
    "&a",
    "*a",
    "!!python/object:os.system",
    "<<: *a",
    "$",
    "^",
    "|",
    "+",
    "*",
    "?",
    "(?",
    "(?<",
    "\\p{",
    "\\Q",
    "%",
    "@",
    "-",
    "--",
    "0",
    "1e999",
    "NaN",
    "true",
    "null",
    "\ud7ff",
    "\uffff",
    "\u202e",
    "ÿ",
    "message",
    "repeated",
    "oneof",
    "extend",
    "import",
    "option",
    "record",
    "fixed",
)


def mutant(rnd: Random, seeds: list[bytes]) -> bytes:
    """One input: a seed, most of the time broken in one to four ways."""
    raw = rnd.choice(seeds)
    for _ in range(rnd.choice((0, 1, 1, 1, 2, 2, 3, 4))):
        raw = rnd.choice(_WAYS)(rnd, raw, seeds)
    return raw[:300_000]


def _bytes(rnd: Random, raw: bytes, seeds: list[bytes]) -> bytes:
    data = bytearray(raw or b"\0")
    for _ in range(rnd.randint(1, 4)):
        at = rnd.randrange(len(data) or 1)
        way = rnd.randrange(6)
        if way == 0:
            data[at : at + 1] = bytes([rnd.randrange(256)])
        elif way == 1:
            del data[at : at + rnd.randint(1, 20)]
        elif way == 2:
            data[at:at] = rnd.randbytes(rnd.randint(1, 8))
        elif way == 3:
            data[at:at] = data[at : at + rnd.randint(1, 60)] * rnd.choice((1, 2, 10, 200))
        elif way == 4:
            data = data[:at] or bytearray(b"\0")
        else:
            data[at : at + 4] = rnd.choice(
                (b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\0", b"\x80\0\0\0")
            )
    return bytes(data)


def _text(rnd: Random, raw: bytes, seeds: list[bytes]) -> bytes:
    text = raw.decode("utf-8", "replace")
    at = rnd.randint(0, len(text))
    token = rnd.choice(_TOKENS)
    repeated = token * rnd.choice((1, 1, 1, 2, 5, 100, LONG))
    if rnd.random() < 0.3 and at < len(text):
        text = text.replace(text[at], repeated if len(repeated) < 10 else token)
    else:
        text = text[:at] + repeated + text[at:]
    return text.encode("utf-8", "surrogatepass")


def _splice(rnd: Random, raw: bytes, seeds: list[bytes]) -> bytes:
    other = rnd.choice(seeds)
    return raw[: rnd.randint(0, len(raw))] + other[rnd.randint(0, len(other)) :]


def _shape(rnd: Random, raw: bytes, seeds: list[bytes]) -> bytes:
    """Another value somewhere in the tree; another name; a part of the tree elsewhere in it."""
    try:
        root = [json.loads(raw)]
    except (ValueError, RecursionError):
        return _text(rnd, raw, seeds)
    for _ in range(rnd.randint(1, 3)):
        places = list(_places(root))
        holder, key = rnd.choice(places)
        way = rnd.randrange(6)
        if way == 0 and isinstance(holder, dict):
            holder[rnd.choice((str(rnd.choice(HOSTILE))[:50], "type", "name", "fields"))] = holder.pop(key)
        elif way == 1 and isinstance(holder, dict):
            del holder[key]
        elif way == 2:
            other, where = rnd.choice(places)
            if not (isinstance(other, dict) and where not in other):
                holder[key] = json.loads(json.dumps(other[where] if _there(other, where) else None))
        elif way == 3:
            holder[key] = _MARKER + str(rnd.randrange(len(_RAW)))
        elif way == 4:
            holder[key] = rnd.choice(
                ([holder[key]], {"type": holder[key]}, [holder[key]] * 3, str(holder[key])[:LONG])
            )
        else:
            holder[key] = copy.deepcopy(rnd.choice(HOSTILE))
    text = json.dumps(root[0]) if root else ""
    for number, it in enumerate(_RAW):
        text = text.replace(json.dumps(f"{_MARKER}{number}"), it)
    return text.encode("utf-8", "surrogatepass")


def _there(holder: Any, key: Any) -> bool:
    return key in holder if isinstance(holder, dict) else key < len(holder)


def _places(node: Any) -> Any:
    if isinstance(node, dict):
        for key in list(node):
            yield node, key
            yield from _places(node[key])
    elif isinstance(node, list):
        for index in range(len(node)):
            yield node, index
            yield from _places(node[index])


_WAYS: Final[tuple[Callable[[Random, bytes, list[bytes]], bytes], ...]] = (
    _shape,
    _shape,
    _shape,
    _bytes,
    _text,
    _text,
    _splice,
)
