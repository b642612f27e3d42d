"""Characters to words, strings and numbers; comments are passed over. Faults are placed by line and column."""

from __future__ import annotations

import re
from typing import Final, NoReturn

from bridge.errors import Fatal, Stage

# An atomic group, not a possessive one: Python 3.11.2, Debian's, takes half of a comment that has no end with that.
_GAP_TEXT: Final = r"(?>(?:[ \t\r\n]+|//[^\n]*|/\*(?s:.*?)\*/)*)"
_GAP: Final = re.compile(_GAP_TEXT)
_WORD: Final = re.compile(_GAP_TEXT + r"([A-Za-z0-9_.-]++)")
_PART: Final = re.compile(_GAP_TEXT + r"([A-Za-z0-9_-]++)")
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_INTEGER: Final = re.compile(r"(-?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)")
_CLOSING: Final = {"(": ")", "[": "]"}
_CHUNKS: Final = {quote: re.compile(rf"[^{quote}\\]*+") for quote in "\"'"}
_HEXADECIMAL: Final = re.compile(r"[0-9A-Fa-f]{0,2}")
_OCTAL: Final = re.compile(r"[0-7]{0,3}")
_ESCAPES: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
# Deeper than anybody nests, and what the parser, and those who walk its elements, can do by recursion.
_DEEPEST: Final = 60

Place = int


class InvalidProto(Fatal):
    """The text is not a Protobuf schema. ``fault`` says where and why in the registry's words."""

    def __init__(self, fault: str, message: str | None = None) -> None:
        super().__init__(message or fault, stage=Stage.SCHEMA)
        self.fault = fault


class Reader:
    """A cursor over the text. ``at`` is its place; what it has gone past, gaps excluded, ends there."""

    def __init__(self, text: str, *, like_registry: bool) -> None:
        self.text = text
        self.like_registry = like_registry
        self.at = 0
        self._depth = 0

    def exhausted(self) -> bool:
        """Whether only blanks and comments are left."""
        self._skip()
        return self.at >= len(self.text)

    def fail(self, problem: str, place: Place | None = None) -> NoReturn:
        """Raise ``InvalidProto`` at a place, or where the cursor stands."""
        at = self.at if place is None else place
        line, column = self.text.count("\n", 0, at) + 1, at - self.text.rfind("\n", 0, at)
        raise InvalidProto(
            f"Syntax error in :{line}:{column}: {problem}",
            f"the Protobuf schema cannot be parsed: line {line}, column {column}: {problem}",
        )

    def expect(self, condition: bool, problem: str, place: Place | None = None) -> None:
        """Fail unless the condition holds."""
        if not condition:
            self.fail(problem, place)

    def down(self) -> None:
        """One level deeper."""
        self._depth += 1
        self.expect(self._depth <= _DEEPEST, "nested too deeply")

    def up(self, closing: str) -> None:
        """Go past what closes the level."""
        self.require(closing)
        self._depth -= 1

    def peek(self) -> str:
        """The next character that is no blank."""
        self._skip()
        if self.at >= len(self.text):
            self.fail("unexpected end of file")
        return self.text[self.at]

    def char(self) -> str:
        """The same, and go past it."""
        char = self.peek()
        self.at += 1
        return char

    def take(self, wanted: str) -> bool:
        """Go past the next character if it is this one."""
        if self.peek() != wanted:
            return False
        self.at += 1
        return True

    def back(self) -> None:
        """Step back over the character just taken."""
        self.at -= 1

    def require(self, wanted: str) -> None:
        """Go past this character."""
        char = self.char()
        if char != wanted:
            self.fail(f"expected '{wanted}' but was '{char}'")

    def word(self, *, dots: bool = True, leading_digit: bool = True) -> str:
        """Letters, digits, ``_``, ``-`` and, unless excluded, dots."""
        match = (_WORD if dots else _PART).match(self.text, self.at)
        if match is None:
            self._skip()
            self.fail("expected a word")
        word = match[1]
        if not leading_digit and word[0].isdigit():
            self.fail("field and constant names cannot start with a digit", match.start(1))
        self.at = match.end()
        return word

    def name(self, *, dots: bool = True, leading_digit: bool = True, wrapping: bool = False) -> str:
        """A word, perhaps in parentheses or brackets, which are kept with ``wrapping``."""
        opening = self.peek()
        if opening not in _CLOSING:
            return self.word(dots=dots, leading_digit=leading_digit)
        self.at += 1
        name, closing = self.word(leading_digit=leading_digit), _CLOSING[opening]
        if opening == "[" and not self.like_registry and self.text.startswith("/", self.at):
            # the type in an Any: [type.googleapis.com/google.type.Date]
            self.at += 1
            name = f"{name}/{self.word()}"
        self.expect(self.char() == closing, f"expected '{closing}'")
        return f"{opening}{name}{closing}" if wrapping else name

    def own_name(self, *, leading_digit: bool = True) -> str:
        """The name of what is declared."""
        place, name = self.at, self.name(leading_digit=leading_digit)
        self.check_name(name, place)
        return name

    def check_name(self, name: str, place: Place) -> None:
        """Fail for what is no identifier; the registry does not look."""
        if not self.like_registry and not _IDENTIFIER.fullmatch(name):
            self.fail(f"{name} is not a valid identifier", place)

    def type_name(self, word: str | None = None) -> str:
        """A scalar's, message's or map's name, of which ``word`` may have been read."""
        word = word if word is not None else self.word()
        if word == "map":
            self.expect(self.char() == "<", "expected '<'")
            self.down()
            key = self.type_name()
            self.expect(self.char() == ",", "expected ','")
            value = self.type_name()
            self.expect(self.char() == ">", "expected '>'")
            self._depth -= 1
            return f"map<{key}, {value}>"
        while True:
            if self.peek() == ".":
                self.at += 1
                word += f".{self.word()}"
            elif word[-1] == "." and not self.like_registry:
                word += self.word()
            else:
                return word

    def integer(self) -> int:
        """A number, decimal or hexadecimal; also octal, but for the registry."""
        text = self.word()
        if text == "-" and not self.like_registry:
            text += self.word()
        number = self._lenient(text) if self.like_registry else _integer(text)
        if not -(1 << 31) <= number < 1 << 31 or "_" in text:
            self.fail(f"expected an integer but was {text.removeprefix('0x').removeprefix('0X')}")
        return number

    def _lenient(self, text: str) -> int:
        try:
            return int(text[2:], 16) if text[:2] in ("0x", "0X") else int(text)
        except ValueError:
            return 1 << 31

    def path(self) -> str:
        """A string that names something: without control characters, since it stands in sentences."""
        place, path = self.at, self.quoted()
        self.expect(self.like_registry or path.isprintable(), "a name or path is not printable", place)
        return path

    def quoted(self) -> str:
        """A string in quotes; adjacent ones are joined."""
        quote = self.char()
        self.expect(quote in "\"'", "expected quoted string")
        chunks: list[str] = []
        while self.at < len(self.text):
            chunk = _CHUNKS[quote].match(self.text, self.at)
            if chunk is not None and chunk[0]:
                self.expect(self.like_registry or "\n" not in chunk[0], "a string ends with its line")
                chunks.append(chunk[0])
                self.at = chunk.end()
                continue
            self.at += 1
            if self.text[self.at - 1] == "\\":
                chunks.append(self._escape())
            elif self.peek() in "\"'":
                quote = self.char()
            else:
                return "".join(chunks)
        return self.fail("unterminated string")

    def _escape(self) -> str:
        self.expect(self.at < len(self.text), "unexpected end of file")
        character = self.text[self.at]
        self.at += 1
        if character in "xX":
            return self._numeric(_HEXADECIMAL, 16)
        if character in "01234567":
            self.at -= 1
            return self._numeric(_OCTAL, 8)
        return _ESCAPES.get(character, character)

    def _numeric(self, pattern: re.Pattern[str], base: int) -> str:
        match = pattern.match(self.text, self.at)
        digits = match[0] if match else ""
        self.expect(bool(digits), "expected a digit after \\x or \\X")
        self.at += len(digits)
        return chr(int(digits, base))

    def _skip(self) -> None:
        gap = _GAP.match(self.text, self.at)
        self.at = gap.end() if gap else self.at
        if not self.text.startswith("/", self.at):
            return
        if self.text.startswith("/*", self.at):
            self.at = len(self.text)
            self.fail("unterminated comment")
        self.at += 2
        self.fail("unexpected '/'")


def _integer(text: str) -> int:
    parts = _INTEGER.fullmatch(text)
    if parts is None or len(text) > 20:
        return 1 << 31
    digits = parts[2]
    base = 16 if digits[:2] in ("0x", "0X") else 8 if digits[0] == "0" else 10
    return int(f"{parts[1]}{digits}", base)
