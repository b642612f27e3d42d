"""Characters to words, strings and numbers; comments are passed over. Faults are placed as ``:line:column``."""

from __future__ import annotations

import re
from typing import Final, NoReturn

_WORD: Final = re.compile(r"[A-Za-z0-9_.-]*")
_PART: Final = re.compile(r"[A-Za-z0-9_-]*")
_BLANK: Final = re.compile(r"[ \t\r\n]*")
_ESCAPES: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}

Place = tuple[int, int]


class InvalidProto(ValueError):
    """The text is not a Protobuf schema; the message says where and why."""


class Reader:
    """A cursor over the text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def exhausted(self) -> bool:
        """Whether only blanks and comments are left."""
        self._skip()
        return self._at >= len(self._text)

    def place(self) -> Place:
        """Line and column of the cursor, from 1."""
        line = self._text.count("\n", 0, self._at)
        return line + 1, self._at - (self._text.rfind("\n", 0, self._at) + 1) + 1

    def fail(self, message: str, place: Place | None = None) -> NoReturn:
        """Raise ``InvalidProto`` at a place, or where the cursor stands."""
        line, column = place or self.place()
        raise InvalidProto(f"Syntax error in :{line}:{column}: {message}")

    def expect(self, condition: bool, message: str, place: Place | None = None) -> None:
        """Fail unless the condition holds."""
        if not condition:
            self.fail(message, place)

    def peek(self) -> str:
        """The next character that is no blank."""
        self._skip()
        self.expect(self._at < len(self._text), "unexpected end of file")
        return self._text[self._at]

    def char(self) -> str:
        """The same, and go past it."""
        found = self.peek()
        self._at += 1
        return found

    def take(self, wanted: str) -> bool:
        """Go past the next character if it is this one."""
        if self.peek() != wanted:
            return False
        self._at += 1
        return True

    def back(self) -> None:
        """Step back over the character just taken."""
        self._at -= 1

    def require(self, wanted: str) -> None:
        """Go past this character."""
        found = self.char()
        self.expect(found == wanted, f"expected '{wanted}' but was '{found}'")

    def word(self, *, dots: bool = True, leading_digit: bool = True) -> str:
        """Letters, digits, ``_``, ``-`` and, unless excluded, dots."""
        self._skip()
        match = (_WORD if dots else _PART).match(self._text, self._at)
        found = match[0] if match else ""
        if found and not leading_digit and found[0].isdigit():
            self.fail("field and constant names cannot start with a digit")
        self._at += len(found)
        self.expect(bool(found), "expected a word")
        return found

    def name(self, *, dots: bool = True, leading_digit: bool = True, wrapping: bool = False) -> str:
        """A word, perhaps in parentheses or brackets, which are kept with ``wrapping``."""
        closing = {"(": ")", "[": "]"}.get(self.peek())
        if closing is None:
            return self.word(dots=dots, leading_digit=leading_digit)
        opening = self.char()
        found = self.word(leading_digit=leading_digit)
        self.expect(self.char() == closing, f"expected '{closing}'")
        return f"{opening}{found}{closing}" if wrapping else found

    def type_name(self, word: str | None = None) -> str:
        """A scalar's, message's or map's name, of which ``word`` may have been read."""
        word = word if word is not None else self.word()
        if word == "map":
            self.expect(self.char() == "<", "expected '<'")
            key = self.type_name()
            self.expect(self.char() == ",", "expected ','")
            value = self.type_name()
            self.expect(self.char() == ">", "expected '>'")
            return f"map<{key}, {value}>"
        while self.peek() == ".":
            self._at += 1
            word += f".{self.word()}"
        return word

    def integer(self) -> int:
        """A number, decimal or hexadecimal."""
        text = self.word()
        try:
            number = int(text[2:], 16) if text[:2] in ("0x", "0X") else int(text)
        except ValueError:
            number = 1 << 31
        if not -(1 << 31) <= number < 1 << 31 or "_" in text:
            self.fail(f"expected an integer but was {text.removeprefix('0x').removeprefix('0X')}")
        return number

    def quoted(self) -> str:
        """A string in quotes; adjacent ones are joined."""
        quote = self.char()
        self.expect(quote in "\"'", "expected quoted string")
        found: list[str] = []
        while self._at < len(self._text):
            character = self._text[self._at]
            self._at += 1
            if character == quote:
                if self.peek() not in "\"'":
                    return "".join(found)
                quote = self.char()
                continue
            found.append(self._escape() if character == "\\" else character)
        return self.fail("unterminated string")

    def _escape(self) -> str:
        self.expect(self._at < len(self._text), "unexpected end of file")
        character = self._text[self._at]
        self._at += 1
        if character in "xX":
            return self._numeric(r"[0-9A-Fa-f]{0,2}", 16)
        if character in "01234567":
            self._at -= 1
            return self._numeric(r"[0-7]{0,3}", 8)
        return _ESCAPES.get(character, character)

    def _numeric(self, pattern: str, base: int) -> str:
        match = re.compile(pattern).match(self._text, self._at)
        digits = match[0] if match else ""
        self.expect(bool(digits), "expected a digit after \\x or \\X")
        self._at += len(digits)
        return chr(int(digits, base))

    def _skip(self) -> None:
        while True:
            blank = _BLANK.match(self._text, self._at)
            self._at = blank.end() if blank else self._at
            if not self._text.startswith("/", self._at):
                return
            if self._text.startswith("//", self._at):
                end = self._text.find("\n", self._at)
                self._at = len(self._text) if end < 0 else end + 1
            elif self._text.startswith("/*", self._at):
                end = self._text.find("*/", self._at + 2)
                if end < 0:
                    self._at = len(self._text)
                    self.fail("unterminated comment")
                self._at = end + 2
            else:
                self._at += 2
                self.fail("unexpected '/'")
