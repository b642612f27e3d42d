"""JSON paths, as far as Jayway's JsonPath is used in transforms: names, indexes, wildcards, descent, filters."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from bridge.java.limited import Limited

Step = Callable[[Any], Iterator[Any]]
Test = Callable[[Any], bool]

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<op>==|!=|<=|>=|=~|&&|\|\||[<>!()])|(?P<path>[@$](?:\.\.?[\w*]+|\[(?:'[^']*'|"[^"]*"|\d+|\*)\])*)"""
    r"""|(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(?P<regex>/(?:[^/\\]|\\.)*/i?)"""
    r"""|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<word>true|false|null|in|nin)"""
    r"""|(?P<list>\[(?:[^\]'"]|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")*\]))"""
)
_ITEM: Final = re.compile(
    r"""\s*(?:(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"""
    r"""|(?P<word>true|false|null))\s*(?:,|$)""",
    re.ASCII,
)
_STEP: Final = re.compile(
    r"""\.\.(?P<deep>[\w-]+)|\.(?P<name>[^.\[\s]+)|\[\s*(?:'(?P<single>[^']*)'|"(?P<double>[^"]*)"|(?P<index>-?\d+)|(?P<all>\*))\s*\]"""
)
_ABSENT: Final = object()


class Path:
    """A compiled path. ValueError for one that cannot be read. ``filters``: whether it tests with ``[?(…)]``."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.filters = False
        self._steps = list(self._parse(text.strip()))

    def find(self, root: Any) -> list[Any]:
        """Everything the path leads to; nulls are values."""
        nodes = [root]
        for step in self._steps:
            nodes = [inner for outer in nodes for inner in step(outer)]
        return nodes

    def _parse(self, text: str) -> Iterator[Step]:
        if not text.startswith(("$", "@")):
            raise ValueError(f"the path {text!r} does not begin with $")
        place = 1
        while place < len(text):
            if text.startswith("[?", place):
                end = _closing(text, place)
                test = _Filter(text[place + 2 : end]).test
                self.filters = True
                yield _filtered(test)
                place = end + 1
                continue
            match = _STEP.match(text, place)
            if match is None:
                raise ValueError(f"the path {text!r} cannot be read at position {place}")
            yield _step(match)
            place = match.end()


def _closing(text: str, start: int) -> int:
    depth, quote = 0, ""
    for place in range(start, len(text)):
        char = text[place]
        if quote:
            quote = "" if char == quote and text[place - 1] != "\\" else quote
        elif char in "'\"":
            quote = char
        else:
            depth += (char == "[") - (char == "]")
            if depth == 0:
                return place
    raise ValueError(f"the path {text!r} has an unclosed [")


def _step(match: re.Match[str]) -> Step:
    name = match["name"] or match["single"] or match["double"]
    if match["deep"]:
        return lambda value: _descend(value, match["deep"])
    if match["all"] or name == "*":
        return lambda value: iter(
            value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        )
    if match["index"]:
        index = int(match["index"])
        return lambda value: iter(value[index : index + 1 or None] if isinstance(value, list) else ())
    return lambda value: iter((value[name],) if isinstance(value, dict) and name in value else ())


def _descend(value: Any, name: str) -> Iterator[Any]:
    if isinstance(value, dict):
        if name in value:
            yield value[name]
        for inner in value.values():
            yield from _descend(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _descend(inner, name)


def _filtered(test: Test) -> Step:
    """A list's elements that pass; an object that passes."""

    def passes(one: Any) -> bool:
        try:
            return test(one)
        except _NoList:
            return False

    def step(value: Any) -> Iterator[Any]:
        for one in value if isinstance(value, list) else [value] if isinstance(value, dict) else ():
            if passes(one):
                yield one

    return step


class _NoList(Exception):
    """What a path behind ``in`` leads to is no list; the whole test fails then, as in Jayway's JsonPath."""


class _Filter:
    """The test inside ``[?(…)]``: or, and, not, comparisons, existence."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str]] = []
        place = 0
        while text[place:].strip():
            match = _TOKEN.match(text, place)
            if match is None:
                raise ValueError(f"the filter {text!r} cannot be read at position {place}")
            self._tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
            place = match.end()
        self.test = self._any()
        if self._tokens:
            raise ValueError(f"the filter {text!r} has more than one expression")

    def _next(self, *wanted: str) -> str | None:
        if self._tokens and self._tokens[0][1] in wanted and self._tokens[0][0] in ("op", "word"):
            return self._tokens.pop(0)[1]
        return None

    def _any(self) -> Test:
        tests = [self._all()]
        while self._next("||"):
            tests.append(self._all())
        return lambda value: any(test(value) for test in tests)

    def _all(self) -> Test:
        tests = [self._one()]
        while self._next("&&"):
            tests.append(self._one())
        return lambda value: all(test(value) for test in tests)

    def _one(self) -> Test:
        if self._next("!"):
            inner = self._one()
            return lambda value: not inner(value)
        if self._next("("):
            inner = self._any()
            if not self._next(")"):
                raise ValueError(f"the filter {self._text!r} has an unclosed parenthesis")
            return inner
        left = self._operand()
        operator = self._next("==", "!=", "<=", ">=", "<", ">", "=~", "in", "nin")
        if operator is None:
            return lambda value: left(value) is not _ABSENT
        if operator in _RIGHT and (not self._tokens or self._tokens[0][0] not in _RIGHT[operator]):
            raise ValueError(f"the filter {self._text!r} has no {_RIGHT[operator][0]} behind {operator}")
        right, compare = self._operand(), _OPERATORS[operator]
        return lambda value: compare(left(value), right(value))

    def _operand(self) -> Callable[[Any], Any]:
        if not self._tokens:
            raise ValueError(f"the filter {self._text!r} ends too early")
        kind, text = self._tokens.pop(0)
        if kind == "path":
            path = Path(text)
            return lambda value: nodes[0] if (nodes := path.find(value)) else _ABSENT
        constant = _constant(kind, text)
        return lambda value: constant


def _constant(kind: str, text: str) -> Any:
    if kind == "text":
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    if kind == "number":
        return float(text)
    if kind == "list":
        return list(_items(text))
    if kind == "regex":
        insensitive = text.endswith("i")
        pattern = text[1 : -2 if insensitive else -1]
        try:
            return Limited(pattern, re.IGNORECASE if insensitive else 0)
        except (re.error, OverflowError) as error:
            raise ValueError(f"the pattern {pattern[:80]!r} is none: {error}") from None
        except RecursionError:
            raise ValueError("the pattern is nested too deeply") from None
    if text in ("true", "false", "null"):
        return {"true": True, "false": False, "null": None}[text]
    raise ValueError(f"{text!r} is no value")


def _items(text: str) -> Iterator[Any]:
    inside = text[1:-1].strip()
    place = 0
    while place < len(inside):
        match = _ITEM.match(inside, place)
        if match is None:
            raise ValueError(f"the list {text!r} cannot be read at position {place + 1}")
        yield _constant(str(match.lastgroup), match[str(match.lastgroup)])
        place = match.end()


def _among(one: Any, values: Any) -> bool:
    if not isinstance(values, list):
        raise _NoList
    return any(_equal(one, value) for value in values)


def _equal(one: Any, other: Any) -> bool:
    if one is _ABSENT or other is _ABSENT:
        return False
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def both(one: Any, other: Any) -> bool:
        numbers = isinstance(one, int | float) and isinstance(other, int | float)
        return (numbers or (isinstance(one, str) and isinstance(other, str))) and compare(one, other)

    return both


_OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "==": _equal,
    "!=": lambda one, other: one is not _ABSENT and not _equal(one, other),
    "<": _ordered(lambda one, other: one < other),
    "<=": _ordered(lambda one, other: one <= other),
    ">": _ordered(lambda one, other: one > other),
    ">=": _ordered(lambda one, other: one >= other),
    "=~": lambda one, other: isinstance(one, str) and other.fullmatch(one) is not None,
    "in": lambda one, other: one is not _ABSENT and _among(one, other),
    "nin": lambda one, other: one is not _ABSENT and not _among(one, other),
}
_RIGHT: Final = {"=~": ("regex",), "in": ("list", "path"), "nin": ("list", "path")}
"""What may stand behind an operator, where not everything may."""
