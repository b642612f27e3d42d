"""Protobuf's schema language, parsed as far as an encoder and an evolving schema need it.

Grammar: the language specifications of proto2, proto3 and editions (protobuf.dev/reference/protobuf). Kept are
messages, fields, maps, oneofs, enums, reserved and extension ranges, and the places in the text where a field or an
import can be added, so that everything else (comments, options, tags) stays as it is. Options are kept as written;
services and extensions are passed over. There is no such parser in the Protobuf runtime, and protoc is a 10 MB binary.
"""

from __future__ import annotations

import re
from typing import Final

from attrs import define, field

from bridge.errors import Fatal, Stage

_TOKEN: Final = re.compile(
    r"""(?P<space>\s+|//[^\n]*|/\*.*?\*/)
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<number>0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fF]?)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<sign>[][{}()<>=;,.:/+-])""",
    re.VERBOSE | re.DOTALL,
)
_LABELS: Final = ("optional", "required", "repeated")
_DEPTH: Final = 60
MAX_NUMBER: Final = 536_870_911


@define
class ProtoField:
    """A field. ``key`` is the key's type of a map; ``oneof`` the name of the real oneof it is in."""

    name: str
    number: int
    type: str
    label: str | None = None
    key: str | None = None
    oneof: str | None = None
    options: dict[str, str] = field(factory=dict)


@define
class ProtoEnum:
    """An enum and its values, in order."""

    name: str
    values: list[tuple[str, int]] = field(factory=list)
    options: dict[str, str] = field(factory=dict)


@define
class ProtoMessage:
    """A message; ``begin`` and ``end`` are where its braces stand in the text."""

    name: str
    fields: list[ProtoField] = field(factory=list)
    messages: list[ProtoMessage] = field(factory=list)
    enums: list[ProtoEnum] = field(factory=list)
    oneofs: list[str] = field(factory=list)
    taken: list[tuple[int, int]] = field(factory=list)
    """Reserved and extension ranges, both ends included."""
    reserved_names: set[str] = field(factory=set)
    options: dict[str, str] = field(factory=dict)
    begin: int = 0
    end: int = 0
    last_field: int = 0
    """Where the last field's semicolon stands."""

    def field_named(self, name: str) -> ProtoField | None:
        """The field of that name."""
        return next((f for f in self.fields if f.name == name), None)

    def message_named(self, name: str) -> ProtoMessage | None:
        """The nested message of that simple name."""
        return next((m for m in self.messages if m.name == name), None)


@define
class ProtoFile:
    """A file; ``imports`` by path, ``import_place`` is where another one can be added."""

    text: str
    syntax: str = "proto2"
    edition: str | None = None
    package: str = ""
    imports: list[str] = field(factory=list)
    messages: list[ProtoMessage] = field(factory=list)
    enums: list[ProtoEnum] = field(factory=list)
    import_place: int = 0


def parse(text: str) -> ProtoFile:
    """The parsed file. Fatal(stage=SCHEMA) naming line and token of what is no Protobuf schema."""
    return _Parser(text).file()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str, int]] = []
        position = 0
        while position < len(text):
            found = _TOKEN.match(text, position)
            if found is None:
                raise self.error(f"{text[position]!r} is not expected", position)
            if found.lastgroup != "space":
                self.tokens.append((found.lastgroup or "", found[0], position))
            position = found.end()
        self.tokens.append(("end", "the end", len(text)))
        self.at = 0
        self.depth = 0

    # --- tokens -----------------------------------------------------------------------------------------------

    def error(self, problem: str, position: int) -> Fatal:
        line = self.text.count("\n", 0, position) + 1
        return Fatal(f"the Protobuf schema cannot be parsed: line {line}: {problem}", stage=Stage.SCHEMA)

    def peek(self, *words: str) -> bool:
        return self.tokens[self.at][1] in words and self.tokens[self.at][0] in ("name", "sign")

    def take(self) -> tuple[str, str, int]:
        token = self.tokens[self.at]
        if token[0] == "end":
            raise self.error("the text ends too early", token[2])
        self.at += 1
        return token

    def given(self, *words: str) -> bool:
        if self.peek(*words):
            self.at += 1
            return True
        return False

    def expect(self, word: str) -> int:
        kind, found, position = self.take()
        if found != word or kind == "text":
            raise self.error(f"{found} stands where {word} is expected", position)
        return position

    def name(self) -> str:
        kind, found, position = self.take()
        if kind != "name":
            raise self.error(f"{found} is not a valid identifier", position)
        return found

    def full_name(self) -> str:
        out = "." if self.given(".") else ""
        out += self.name()
        while self.given("."):
            out += "." + self.name()
        return out

    def string(self) -> str:
        kind, found, position = self.take()
        if kind != "text":
            raise self.error(f"{found} stands where a text is expected", position)
        pieces = [found]
        while self.tokens[self.at][0] == "text":
            pieces.append(self.take()[1])
        out = "".join(piece[1:-1] for piece in pieces)
        if "\\" in out:
            raise self.error("escapes are not supported in a name or path", position)
        return out

    def integer(self) -> int:
        sign = -1 if self.given("-") else 1
        kind, found, position = self.take()
        try:
            if kind == "number":
                octal = len(found) > 1 and found.isdigit() and found[0] == "0"
                return sign * int(found, 8 if octal else 0)
        except ValueError:
            pass
        raise self.error(f"{found} stands where a number is expected", position)

    # --- the file ---------------------------------------------------------------------------------------------

    def file(self) -> ProtoFile:
        out = ProtoFile(self.text)
        while self.tokens[self.at][0] != "end":
            self._top(out)
        return out

    def _top(self, out: ProtoFile) -> None:
        if self.given("syntax", "edition"):
            edition = self.tokens[self.at - 1][1] == "edition"
            self.expect("=")
            out.syntax, out.edition = ("editions", self.string()) if edition else (self.string(), None)
            out.import_place = self.expect(";") + 1
        elif self.given("package"):
            out.package = self.full_name()
            out.import_place = self.expect(";") + 1
        elif self.given("import"):
            self.given("public", "weak")
            out.imports.append(self.string())
            out.import_place = self.expect(";") + 1
        elif self.given("option"):
            self._option({})
        elif self.given("message"):
            out.messages.append(self._message())
        elif self.given("enum"):
            out.enums.append(self._enum())
        elif self.given("extend", "service"):
            self.full_name()
            self._skip("{", "}")
        elif not self.given(";"):
            _, found, position = self.take()
            raise self.error(f"{found} is not expected here", position)

    def _message(self) -> ProtoMessage:
        out = ProtoMessage(self.name())
        self.depth += 1
        if self.depth > _DEPTH:
            raise self.error("messages are nested too deeply", self.tokens[self.at][2])
        out.begin = self.expect("{")
        out.last_field = out.begin
        while not self.peek("}"):
            self._member(out)
        out.end = self.expect("}")
        self.depth -= 1
        return out

    def _member(self, out: ProtoMessage) -> None:
        following = self.tokens[self.at + 1] if self.at + 1 < len(self.tokens) else ("end", "", 0)
        third = self.tokens[self.at + 2][1] if self.at + 2 < len(self.tokens) else ""
        block = following[0] == "name" and third == "{"
        if block and self.given("message"):
            out.messages.append(self._message())
        elif block and self.given("enum"):
            out.enums.append(self._enum())
        elif block and self.given("oneof"):
            self._oneof(out)
        elif self.peek("extend") and following[1] not in ("=",) and self._opens_block():
            self.take()
            self.full_name()
            self._skip("{", "}")
        elif (self.peek("option") and third in ("=", ".")) or (self.peek("option") and following[1] == "("):
            self.take()
            self._option(out.options)
        elif (self.peek("reserved", "extensions") and following[0] in ("number", "text")) or (
            self.peek("reserved") and following[0] == "name" and third in (",", ";")
        ):
            self._ranges(out, self.take()[1])
        elif not self.given(";"):
            out.fields.append(self._field(None))
            out.last_field = self.tokens[self.at - 1][2]

    def _opens_block(self) -> bool:
        at = self.at + 1
        while self.tokens[at][1] == "." or self.tokens[at][0] == "name":
            at += 1
        return self.tokens[at][1] == "{"

    def _field(self, oneof: str | None) -> ProtoField:
        label, key = None, None
        if self.peek(*_LABELS) and self.tokens[self.at + 1][1] not in ("=", "."):
            label = self.take()[1]
        position = self.tokens[self.at][2]
        if self.peek("group") and self.tokens[self.at + 1][0] == "name" and label is not None:
            raise self.error("groups are not supported", position)
        if self.peek("map") and self.tokens[self.at + 1][1] == "<":
            self.take()
            self.expect("<")
            key = self.name()
            self.expect(",")
            kind = self.full_name()
            self.expect(">")
        else:
            kind = self.full_name()
        name, _ = self.name(), self.expect("=")
        out = ProtoField(name, self.integer(), kind, label, key, oneof)
        if self.given("["):
            while True:
                self._assignment(out.options, ",", "]")
                if not self.given(","):
                    break
            self.expect("]")
        self.expect(";")
        return out

    def _oneof(self, out: ProtoMessage) -> None:
        name = self.name()
        out.oneofs.append(name)
        self.expect("{")
        while not self.peek("}"):
            if self.peek("option") and self.tokens[self.at + 2][1] in ("=", "."):
                self.take()
                self._option({})
            elif not self.given(";"):
                out.fields.append(self._field(name))
        out.last_field = self.expect("}")

    def _enum(self) -> ProtoEnum:
        out = ProtoEnum(self.name())
        self.expect("{")
        while not self.given("}"):
            if self.peek("option") and self.tokens[self.at + 1][1] != "=":
                self.take()
                self._option(out.options)
            elif self.peek("reserved") and self.tokens[self.at + 1][1] != "=":
                while self.take()[1] != ";":
                    pass
            elif not self.given(";"):
                name, _ = self.name(), self.expect("=")
                out.values.append((name, self.integer()))
                if self.peek("["):
                    self._skip("[", "]")
                self.expect(";")
        return out

    def _ranges(self, out: ProtoMessage, word: str) -> None:
        while True:
            kind = self.tokens[self.at][0]
            if kind in ("text", "name"):
                out.reserved_names.add(self.string() if kind == "text" else self.name())
            else:
                first = self.integer()
                last = first
                if self.given("to"):
                    last = MAX_NUMBER if self.given("max") else self.integer()
                out.taken.append((first, last))
            if not self.given(","):
                break
        if word == "extensions" and self.peek("["):
            self._skip("[", "]")
        self.expect(";")

    def _option(self, options: dict[str, str]) -> None:
        self._assignment(options, ";")
        self.expect(";")

    def _assignment(self, options: dict[str, str], *ends: str) -> None:
        """``name = value``; the value as written, up to one of ``ends``."""
        name = ""
        while not self.given("="):
            name += self.take()[1]
        start = self.tokens[self.at][2]
        depth = 0
        while depth or not self.peek(*ends):
            kind, found, _ = self.take()
            if kind == "sign":
                depth += (found in "{[<") - (found in "}]>")
        last = self.tokens[self.at - 1]
        text = self.text[start : last[2] + len(last[1])]
        # a repeated option (tags) may be given several times
        options[name] = f"{options[name]}, {text}" if name in options else text

    def _skip(self, opening: str, closing: str) -> None:
        self.expect(opening)
        depth = 1
        while depth:
            kind, found, _ = self.take()
            if kind == "sign":
                depth += (found == opening) - (found == closing)
