"""``sasl.jaas.config``: one line of a JAAS login configuration, as Kafka's Java clients read it.

Grammar (``org.apache.kafka.common.security.JaasConfig``)::

    <login module class> required|requisite|sufficient|optional (<option>=<value>)* ;

A value is a word, or a text in double or single quotes with Java's escapes. The text holds a password:
no message of ours quotes any of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attrs import frozen

FLAGS: Final = frozenset({"required", "requisite", "sufficient", "optional"})
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "a": "\a", "v": "\v"}
_END: Final = frozenset(";=")


@frozen
class Jaas:
    """The login module's class and its options."""

    module: str
    options: dict[str, str]

    @property
    def simple_name(self) -> str:
        """The class without its package."""
        return self.module.rpartition(".")[2]

    def __repr__(self) -> str:
        return f"Jaas({self.module!r}, options={sorted(self.options)})"


@frozen
class _Token:
    text: str
    quoted: bool = False

    def is_mark(self, mark: str) -> bool:
        return self.text == mark and not self.quoted


def parse(text: str) -> Jaas:
    """Read the one login module in ``text``; ``ValueError`` says what is wrong without quoting values."""
    tokens = list(_tokens(text))
    if len(tokens) < 2 or tokens[1].text.lower() not in FLAGS:
        raise ValueError("must begin with a login module's class and the word required")
    if not any(token.is_mark(";") for token in tokens):
        raise ValueError("has no ';' at its end")
    end = next(i for i, token in enumerate(tokens) if token.is_mark(";"))
    if end != len(tokens) - 1:
        raise ValueError("holds more than one login module (or a ';' in a value without quotes)")
    return Jaas(tokens[0].text, dict(_options(tokens[2:end])))


def _options(tokens: list[_Token]) -> Iterator[tuple[str, str]]:
    for at in range(0, len(tokens), 3):
        option = tokens[at : at + 3]
        if option[0].is_mark("=") or option[0].quoted:
            raise ValueError("has a value without an option before it (is it in quotes as a whole?)")
        if len(option) < 3 or not option[1].is_mark("=") or option[2].is_mark("="):
            raise ValueError(f"has no value for {option[0].text}")
        yield option[0].text, option[2].text


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while at < len(text):
        char = text[at]
        if char.isspace():
            at += 1
        elif char in _END:
            yield _Token(char)
            at += 1
        elif char in "\"'":
            value, at = _quoted(text, at)
            yield _Token(value, quoted=True)
        elif text.startswith(("//", "/*"), at):
            at = _after_comment(text, at)
        else:
            start = at
            while at < len(text) and not text[at].isspace() and text[at] not in _END:
                at += 1
            yield _Token(text[start:at])


def _after_comment(text: str, at: int) -> int:
    mark = "\n" if text[at + 1] == "/" else "*/"
    end = text.find(mark, at + 2)
    return len(text) if end < 0 else end + len(mark)


def _quoted(text: str, at: int) -> tuple[str, int]:
    quote, at, out = text[at], at + 1, []
    while at < len(text) and text[at] != quote:
        if text[at] == "\\":
            char, at = _escape(text, at + 1)
        else:
            char, at = text[at], at + 1
        out.append(char)
    if at >= len(text):
        raise ValueError("has a value whose quotes are not closed")
    return "".join(out), at + 1


def _escape(text: str, at: int) -> tuple[str, int]:
    """As Java's StreamTokenizer: up to three octal digits (three only below 0400), or one character."""
    end = at
    limit = 3 if text[at : at + 1] in ("0", "1", "2", "3") else 2
    while end < len(text) and end - at < limit and text[end] in "01234567":
        end += 1
    if end > at:
        return chr(int(text[at:end], 8)), end
    if at >= len(text):
        raise ValueError("has a value whose quotes are not closed")
    return _ESCAPES.get(text[at], text[at]), at + 1
