"""Java's regular expressions, translated to Python's (``java.util.regex.Pattern``, Java 17)."""

from __future__ import annotations

import re
from typing import Final

from bridge.java.exceptions import JavaError, illegal_argument
from bridge.java.limited import Limited
from bridge.java.regex_translate import Unsupported, translate

__all__ = ["Pattern", "Unsupported"]


class Pattern:
    """A compiled pattern. ValueError for one that is wrong, Unsupported for one that cannot be translated."""

    def __init__(self, pattern: str) -> None:
        try:
            translated = translate(pattern)
            flags = 0 if translated.unicode else re.ASCII
            self._regex = Limited(translated.text, flags, wide=translated.wide)
        except (re.error, OverflowError) as error:
            raise ValueError(str(error).capitalize()) from None
        except RecursionError:
            raise ValueError("It is nested too deeply") from None
        except IndexError:  # the translator looks one character ahead
            raise ValueError("It ends in the middle of an escape") from None

    def matches(self, text: str) -> bool:
        """Whether the whole text matches. JavaError for a match that takes too long."""
        return self._regex.fullmatch(text) is not None

    def replace_first(self, text: str, replacement: str) -> str:
        """The first find replaced, groups filled in. JavaError for a replacement that is wrong, and as ``matches``."""
        match = self._regex.search(text)
        if match is None:
            return text
        return text[: match.start()] + expand(replacement, match) + text[match.end() :]


_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*")


def expand(replacement: str, match: re.Match[str]) -> str:
    """``$1``, ``${name}`` and backslashes of a replacement. JavaError."""
    out: list[str] = []
    place = 0
    while place < len(replacement):
        char = replacement[place]
        place += 1
        if char == "\\":
            if place >= len(replacement):
                raise illegal_argument("character to be escaped is missing", vague=True)
            out.append(replacement[place])
            place += 1
        elif char == "$":
            text, place = _group(replacement, place, match)
            out.append(text)
        else:
            out.append(char)
    return "".join(out)


def _group(replacement: str, place: int, match: re.Match[str]) -> tuple[str, int]:
    if place >= len(replacement):
        raise illegal_argument("Illegal group reference: group index is missing", vague=True)
    if replacement[place] == "{":
        name = _NAME.match(replacement, place + 1)
        if name is None or replacement[name.end() : name.end() + 1] != "}":
            raise illegal_argument("named capturing group is missing trailing '}'", vague=True)
        if name.group() not in match.re.groupindex:
            raise illegal_argument(f"No group with name {{{name.group()}}}", vague=True)
        return match.group(name.group()) or "", name.end() + 1
    if not (replacement[place].isascii() and replacement[place].isdigit()):
        raise illegal_argument("Illegal group reference", vague=True)
    number = int(replacement[place])
    place += 1
    if number > match.re.groups:
        raise JavaError("java.lang.IndexOutOfBoundsException", f"No group {number}", vague=True)
    while place < len(replacement) and replacement[place].isascii() and replacement[place].isdigit():
        longer = number * 10 + int(replacement[place])
        if longer > match.re.groups:
            break
        number, place = longer, place + 1
    return match.group(number) or "", place
