r"""The text of a Java regular expression in Python's syntax.

What differs: classes (union, intersection, POSIX and Unicode properties), ``\Q…\E``, named groups, flags in the
middle, what ``.`` and ``$`` take for a line's end. A class becomes an alternative of one character.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from attrs import frozen

from bridge.java.regex_properties import expression, posix

_LINE_END: Final = "\\n\\r\\x85\\u2028\\u2029"
_SETS: Final = {
    "d": "[0-9]", "D": "[^0-9]", "w": "[a-zA-Z_0-9]", "W": "[^a-zA-Z_0-9]", "s": "[ \\t\\n\\x0b\\f\\r]",
    "S": "[^ \\t\\n\\x0b\\f\\r]", "h": "[ \\t\\xa0\\u1680\\u180e\\u2000-\\u200a\\u202f\\u205f\\u3000]",
    "H": "[^ \\t\\xa0\\u1680\\u180e\\u2000-\\u200a\\u202f\\u205f\\u3000]",
    "v": f"[\\x0b\\f{_LINE_END}]", "V": f"[^\\x0b\\f{_LINE_END}]",
}  # fmt: skip
_CHARACTERS: Final = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "a": "\a", "e": "\x1b"}
_END: Final = f"(?=(?:\\r\\n|[{_LINE_END}])?\\Z)"
_ANY: Final = "[\\s\\S]"
_COUNT: Final = re.compile(r"\{([0-9]+)(,[0-9]*)?(\})?")
_LOW: Final = re.compile(r"\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_NAMED: Final = re.compile(r"\{([^}]+)\}")
_FLAGS: Final = re.compile(r"\(\?([idmsuxU]*)(?:-([idmsuxU]+))?([:)])")


class Unsupported(ValueError):
    """A construct that has no counterpart."""


@frozen
class Translated:
    """A pattern in Python's syntax. ``wide``: ``re`` may not read it, the ``regex`` package does; ``unicode``: with
    classes of all characters."""

    text: str
    wide: bool
    unicode: bool


def translate(pattern: str) -> Translated:
    """The pattern in Python's syntax. ValueError in Java's words, Unsupported."""
    translator = _Translator(pattern)
    text = translator.run()
    return Translated(text, translator.wide, translator.unicode)


class _Translator:
    def __init__(self, pattern: str) -> None:
        self.text = pattern
        self.place = 0
        self.out: list[str] = []
        self.flags = ""  # in force here
        # the flags outside each group, flag groups opened in it, and its number (0: it captures nothing)
        self.open: list[tuple[str, int, int]] = []
        self.wraps = 0
        self.groups = 0
        self.closed: set[int] = set()
        self.repeatable = False  # whether a quantifier may stand here
        self.wide = self.unicode = False

    def run(self) -> str:
        while self.place < len(self.text):
            char = self.text[self.place]
            if char == "\\":
                self.place += 1
                self.escape()
                self.repeatable = True
            elif char == "[":
                self.out.append(self.character_class())
                self.repeatable = True
            elif char == "(":
                self.group()
            elif char == ")":
                if not self.open:
                    raise ValueError(f"Unmatched closing ')' near index {self.place}")
                self.out.append(")" * self.wraps + ")")
                self.flags, self.wraps, number = self.open.pop()
                self.closed.add(number)
                self.place += 1
                self.repeatable = True
            elif char == "|":
                self.alternative()
            else:
                self.plain(char)
        if self.open:
            raise ValueError(f"Unclosed group near index {len(self.text)}")
        return "".join(self.out) + ")" * self.wraps

    def alternative(self) -> None:
        """Flags hold beyond an alternative, so their group is closed before it and opened again."""
        self.out.append(")" * self.wraps + "|")
        self.place += 1
        self.wraps = 0
        self.repeatable = False
        self.wrap()

    def wrap(self) -> None:
        if self.flags:
            self.out.append(f"(?{self.flags}:")
            self.wraps += 1

    def plain(self, char: str) -> None:
        if char in "*+?{":
            self.quantifier(char)
            return
        self.place += 1
        self.repeatable = True
        if char == ".":
            self.out.append(_ANY if "s" in self.flags else f"[^{_LINE_END}]")
        elif char == "$":
            self.out.append(f"(?=[{_LINE_END}]|\\Z)" if "m" in self.flags else _END)
        elif char == "^":
            self.out.append("(?:^)")
        else:
            self.out.append(re.escape(char))

    def quantifier(self, char: str) -> None:
        """With the ``?`` or ``+`` behind it. A count that has nothing to repeat repeats nothing."""
        if char != "{" and not self.repeatable:
            raise ValueError(f"Dangling meta character '{char}' near index {self.place}")
        text = self.count() if char == "{" else char
        self.place += len(text)
        if self.text[self.place : self.place + 1] in ("?", "+"):
            text += self.text[self.place]
            self.place += 1
        if self.repeatable:
            self.out.append(text)
        self.repeatable = False

    def count(self) -> str:
        match = _COUNT.match(self.text, self.place)
        if match is None:
            raise ValueError(f"Illegal repetition near index {self.place}")
        if not match[3]:
            raise ValueError(f"Unclosed counted closure near index {match.end()}")
        least = _bounded(match[1], self.place)
        if match[2] and match[2] != "," and _bounded(match[2][1:], self.place) < least:
            raise ValueError(f"Illegal repetition range near index {self.place}")
        return match[0]

    def group(self) -> None:
        rest = self.text[self.place :]
        flagged = _FLAGS.match(rest)
        if flagged:
            self.flag_group(flagged)
            return
        opening = re.match(r"\((?:\?(?:[=!>]|<[=!]|<([A-Za-z][A-Za-z0-9]*)>))?", rest)
        assert opening is not None
        self.place += opening.end()
        captures = opening[0] == "(" or bool(opening[1])
        self.groups += captures
        self.wide = self.wide or opening[0] in ("(?<=", "(?<!")
        self.open.append((self.flags, self.wraps, self.groups if captures else 0))
        self.wraps = 0
        self.repeatable = False
        self.out.append(f"(?P<{opening[1]}>" if opening[1] else opening[0])

    def flag_group(self, flagged: re.Match[str]) -> None:
        if set((flagged[1] or "") + (flagged[2] or "")) & set("xU"):
            raise Unsupported("the flags x and U are not supported")
        before = self.flags
        self.repeatable = False
        flags = (set(before) | set(flagged[1] or "")) - set(flagged[2] or "")
        self.place += flagged.end()
        if flagged[3] == ":":
            self.open.append((before, self.wraps, 0))
            self.wraps = 0
            self.out.append("(?:")
        self.flags = "".join(sorted(flags & set("imsu")))
        if gone := set(before) - set(self.flags):
            off = "".join(sorted(gone - {"u"}))
            self.out.append(f"(?{'a' if 'u' in gone else ''}{f'-{off}' if off else ''}:")
            self.wraps += 1
        self.wrap()

    def escape(self) -> None:
        if self.place >= len(self.text):
            raise ValueError(f"Unexpected internal error near index {self.place}")
        char = self.text[self.place]
        if char == "Q":
            self.out.append(re.escape(self.quotation()))
        elif char in "bB":
            self.place += 1
            if char == "b" and self.text.startswith("{g}", self.place):
                raise Unsupported("\\b{g} is not supported")
            self.out.append(f"(?u:\\{char})")  # letters of all scripts, as until Java 18
        elif char in "AGzZ":
            self.place += 1
            self.out.append({"A": "(?:\\A)", "G": "(?:\\A)", "z": "(?:\\Z)", "Z": _END}[char])
        elif char == "R":
            self.place += 1
            self.out.append(f"(?:\\r\\n|[\\x0b\\f{_LINE_END}])")
        elif char == "k":
            named = re.compile(r"k<([A-Za-z][A-Za-z0-9]*)>").match(self.text, self.place)
            if named is None:
                raise ValueError(
                    f"\\k is not followed by '<' for named capturing group near index {self.place}"
                )
            self.place = named.end()
            self.out.append(f"(?P={named[1]})")
        elif char in "123456789":
            self.reference()
        elif char == "X":
            self.place += 1
            self.wide = self.unicode = True
            self.out.append("\\X")
        else:
            self.out.append(self.one_escaped())

    def reference(self) -> None:
        """To a group: as many digits as there are groups so far. What is not closed yet has matched nothing."""
        number = int(self.text[self.place])
        self.place += 1
        while (digit := self.text[self.place : self.place + 1]) and digit in "0123456789":
            if number * 10 + int(digit) > self.groups:
                break
            number, self.place = number * 10 + int(digit), self.place + 1
        self.out.append(f"(?:\\{number})" if number in self.closed else "(?!)")

    def quotation(self) -> str:
        start = self.place + 1
        end = self.text.find("\\E", start)
        content = self.text[start:] if end < 0 else self.text[start:end]
        self.place = len(self.text) if end < 0 else end + 2
        return content

    def one_escaped(self) -> str:
        """A class or character behind a backslash."""
        char = self.text[self.place]
        if char in "pP":
            return self.property(negated=char == "P")
        if char in _SETS:
            self.place += 1
            return _SETS[char]
        return re.escape(self.character())

    def character(self) -> str:
        """The one character that is meant behind a backslash."""
        char = self.text[self.place]
        self.place += 1
        if char in _CHARACTERS:
            return _CHARACTERS[char]
        for opening, form in (("0", r"([0-3]?[0-7]{1,2})"), ("x", r"(?:\{([0-9a-fA-F]+)\}|([0-9a-fA-F]{2}))"),
                              ("u", r"([0-9a-fA-F]{4})")):  # fmt: skip
            if char == opening:
                digits = re.compile(form).match(self.text, self.place)
                if digits is None:
                    raise ValueError(f"Illegal escape sequence near index {self.place}")
                self.place = digits.end()
                return self.joined(chr(int(next(g for g in digits.groups() if g), 8 if char == "0" else 16)))
        if char == "N":
            return self.named()
        if char == "c":
            self.place += 1
            return chr(ord(self.text[self.place - 1]) ^ 64)
        if char.isascii() and char.isalpha():
            raise ValueError(f"Illegal/unsupported escape sequence near index {self.place - 1}")
        return char

    def joined(self, char: str) -> str:
        """With the second half of a pair, where this is the first."""
        low = _LOW.match(self.text, self.place) if "\ud800" <= char <= "\udbff" else None
        if low is None:
            return char
        self.place = low.end()
        return chr(0x10000 + (ord(char) - 0xD800 << 10) + int(low[1], 16) - 0xDC00)

    def named(self) -> str:
        match = _NAMED.match(self.text, self.place)
        if match is None:
            raise ValueError(f"Illegal character name escape sequence near index {self.place}")
        self.place = match.end()
        try:
            return unicodedata.lookup(match[1])
        except KeyError:
            raise ValueError(f"Unknown character name [{match[1]}] near index {self.place}") from None

    def property(self, *, negated: bool) -> str:
        match = re.compile(r"[pP](?:\{([^}]+)\}|(\w))").match(self.text, self.place)
        if match is None:
            raise ValueError(f"Unknown character property name near index {self.place}")
        self.place = match.end()
        name = match[1] or match[2]
        if (inside := posix(name)) is not None:
            return f"[{'^' if negated else ''}{inside}]"
        inner, self.wide = expression(name), True
        return f"(?:(?!{inner}){_ANY})" if negated else inner

    # --- classes ---------------------------------------------------------------------------------------------

    def character_class(self) -> str:
        """A class as an expression for one character."""
        opened = self.place
        self.place += 1
        negated = self.text[self.place : self.place + 1] == "^"
        self.place += negated
        intersected: list[str] = []
        members: list[str] = []
        first = True
        while True:
            if self.place >= len(self.text):
                raise ValueError(f"Unclosed character class near index {len(self.text) - 1 - (opened < 0)}")
            char = self.text[self.place]
            if char == "]" and not (first and not members):
                self.place += 1
                break
            if self.text.startswith("&&", self.place):
                self.place += 2
                intersected.append(_union(members))
                members = []
            elif char == "[":
                members.append(self.character_class())
            else:
                members.append(self.member())
            first = False
        if members or not intersected:
            intersected.append(_union(members))
        *others, last = intersected
        whole = "".join(f"(?={other})" for other in others) + last
        if negated:
            return _negated(last) if not others else f"(?:(?!{whole}){_ANY})"
        return f"(?:{whole})" if others else whole

    def member(self) -> str:
        """A character, a range, or a class behind a backslash."""
        low = self.atom()
        if len(low) > 1:
            return low
        after = self.text[self.place + 1 : self.place + 2]
        if self.text[self.place : self.place + 1] == "-" and after not in ("", "]", "["):
            self.place += 1
            high = self.atom()
            if len(high) != 1 or high < low:
                raise ValueError(f"Illegal character range near index {self.place - 1}")
            return f"[{_literal(low)}-{_literal(high)}]"
        return f"[{_literal(low)}]"

    def atom(self) -> str:
        char = self.text[self.place]
        if char != "\\":
            self.place += 1
            return char
        self.place += 1
        if self.place >= len(self.text):
            raise ValueError(f"Illegal escape sequence near index {self.place}")
        char = self.text[self.place]
        if char == "Q":
            content = self.quotation()
            return "[" + "".join(map(_literal, content)) + "]"
        return self.one_escaped() if char in "pP" or char in _SETS else self.character()


def _bounded(digits: str, place: int) -> int:
    if len(digits.lstrip("0")) > 10 or int(digits) >= 1 << 31:
        raise ValueError(f"Illegal repetition range near index {place}")
    return int(digits)


def _literal(char: str) -> str:
    return f"\\{char}" if char in "\\]^-[&~|" else char


def _simple(one: str) -> str | None:
    """The inside of a plain class, None for anything else."""
    if one.startswith("[") and not one.startswith("[^") and one.endswith("]"):
        return one[1:-1]
    return None


def _union(members: list[str]) -> str:
    simple = [inside for m in members if (inside := _simple(m)) is not None]
    others = [m for m in members if _simple(m) is None]
    if simple:
        others.insert(0, f"[{''.join(simple)}]")
    return others[0] if len(others) == 1 else f"(?:{'|'.join(others)})"


def _negated(union: str) -> str:
    inside = _simple(union)
    return f"(?:(?!{union}){_ANY})" if inside is None else f"[^{inside}]"
