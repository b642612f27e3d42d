"""Patterns that users write, matched within a limit.

A pattern can take longer than the universe for forty characters (``(a+)+b``), and Python's engine holds every thread up
meanwhile. Where a pattern cannot be slow it is matched by ``re``; else by the ``regex`` package, which reads patterns
as ``re`` does, lets other threads run and gives up after ``SECONDS``.
"""

from __future__ import annotations

import math
import re
from re import _constants as sre  # what ``re`` is made of: there is no public way to a parsed pattern
from re import _parser
from typing import Any, Final

from bridge.java.exceptions import data_error

SECONDS: Final = 1.0
"""For one match; what takes longer makes a bad record of the event."""
_SHORT: Final = 300  # characters; a topic has at most 249
_FEW: Final = 1_000_000  # ways to match; as many take a tenth of a second
# A brace that is no repetition stands for itself in ``re``; for ``regex`` it begins an approximate match.
_TOKEN: Final = re.compile(
    r"\\[pP]\{[^}]*\}|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{(?!\d+(?:,\d*)?\}|,\d*\})", re.DOTALL
)
_LOOPS: Final = frozenset({sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT})


class Limited:
    """A compiled pattern. Raises ``re.error``; JavaError for a match that takes too long.

    ``wide``: it may be one that ``re`` does not read.
    """

    def __init__(self, pattern: str, flags: int = 0, *, wide: bool = False) -> None:
        self._pattern, self._flags = pattern, flags
        try:
            self._regex: re.Pattern[str] | None = re.compile(pattern, flags)
        except re.error:
            if not wide:
                raise
            self._regex = None
        self._slow = self._regex is None or not _is_simple(_parser.parse(pattern, flags))
        self._timed: Any = _timed(pattern, flags, alone=self._regex is None) if self._slow else None

    def fullmatch(self, text: str) -> re.Match[str] | None:
        """A match of the whole text."""
        if not self._slow and self._regex and len(text) <= _SHORT:
            return self._regex.fullmatch(text)
        return self._within(text, whole=True)

    def search(self, text: str) -> re.Match[str] | None:
        """The first match."""
        if not self._slow and self._regex and len(text) <= _SHORT:
            return self._regex.search(text)
        return self._within(text, whole=False)

    def _within(self, text: str, *, whole: bool) -> re.Match[str] | None:
        if self._timed is None:
            try:
                self._timed = _timed(self._pattern, self._flags)
            except re.error:
                shown = f"{self._pattern[:80]!r}"
                raise data_error(
                    f"the pattern {shown} cannot be matched within a limit: write it otherwise"
                ) from None
        match = self._timed.fullmatch if whole else self._timed.search
        try:
            matched: re.Match[str] | None = match(text, timeout=SECONDS, concurrent=True)
        except TimeoutError:
            raise data_error(
                f"the pattern {self._pattern[:80]!r} was matched for more than {SECONDS:.0f} s against a text of "
                f"{len(text)} characters: write it with fewer repetitions"
            ) from None
        return matched


def _timed(pattern: str, flags: int, *, alone: bool = False) -> Any:
    """``alone``: ``re`` does not read the pattern."""
    # here: the package is needed by few, and slow to load
    import regex  # type: ignore[import-untyped]  # it has no types of its own

    kept = {re.IGNORECASE: regex.IGNORECASE, re.ASCII: regex.ASCII}
    plain = _TOKEN.sub(lambda match: "\\{" if match[0] == "{" else match[0], pattern)
    try:
        return regex.compile(plain, sum(its for flag, its in kept.items() if flags & flag) | regex.VERSION0)
    except regex.error as error:
        raise re.error(f"{error.msg}{'' if alone else ', where a time limit needs it'}") from None


def _is_simple(parsed: Any) -> bool:
    """Whether a short text cannot take long: the ways to match it, counted too high, are few."""
    return _ways(parsed) <= _FEW


def _ways(parsed: Any) -> float:
    """In how many ways a pattern may try to match a short text, at most; infinite where ways multiply in a loop."""
    ways = 1.0
    for operation, argument in parsed:
        if operation in _LOOPS:
            least, most, body = argument
            inner = _ways(body)
            if inner > 1 and most > 1:
                return math.inf
            ways *= inner * (min(int(most), _SHORT) - least + 1)
        elif operation in (sre.GROUPREF, sre.GROUPREF_EXISTS, sre.GROUPREF_IGNORE):
            return math.inf
        elif operation is sre.BRANCH:
            ways *= sum(_ways(part) for part in argument[1])
        else:
            ways *= math.prod(_ways(part) for part in _parts(operation, argument))
        if ways > _FEW:
            return math.inf
    return ways


def _parts(operation: Any, argument: Any) -> list[Any]:
    """The patterns inside one that is neither loop nor choice."""
    if operation is sre.SUBPATTERN:
        return [argument[3]]
    if operation in (sre.ASSERT, sre.ASSERT_NOT):
        return [argument[1]]
    return [argument] if operation is sre.ATOMIC_GROUP else []
