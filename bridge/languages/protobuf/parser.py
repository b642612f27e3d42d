"""The text of a .proto file to elements; faults are found at the places, and in the words, of the registry's parser.

Grammar: the language specifications of proto2, proto3 and editions (protobuf.dev/reference/protobuf). There is no such
parser in the Protobuf runtime, and protoc is a 10 MB binary.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bridge.languages.protobuf.elements import (
    MAX_TAG,
    Constant,
    Enum,
    Extend,
    Extensions,
    Field,
    File,
    Group,
    Import,
    Message,
    OneOf,
    Option,
    Range,
    Reserved,
    Rpc,
    Service,
)
from bridge.languages.protobuf.options import read_option, read_options
from bridge.languages.protobuf.reader import Place, Reader

_LABELS: Final = ("required", "optional", "repeated")


def parse(text: str, *, like_registry: bool = False) -> File:
    """The file's elements. Raises ``InvalidProto``, a Fatal(stage=SCHEMA), and nothing else.

    The registry's own parser knows groups, takes names that are none, and refuses editions, proto2 fields without a
    label and some forms of options; ``like_registry`` does the same. Without it, the language is what encoders are
    made for: all of it but groups.
    """
    return _Parser(Reader(text, like_registry=like_registry)).file()


class _Parser:
    def __init__(self, reader: Reader) -> None:
        self._r = reader
        self._like_registry = reader.like_registry
        self._file = File(text=reader.text)

    def file(self) -> File:
        first = True
        while not self._r.exhausted():
            if not self._r.take(";"):
                self._declaration(first)
            first = False
        return self._file

    def _declaration(self, first: bool) -> None:
        r, file, place = self._r, self._file, self._r.at
        match label := r.word():
            case "package":
                file.package = r.name() if self._like_registry else r.type_name()
                self._end_of_head()
            case "import":
                self._import(place)
            case "syntax":
                r.expect(file.syntax is None, "too many syntax definitions", place)
                r.require("=")
                r.expect(first, "'syntax' element must be the first declaration in a file", place)
                syntax = r.path()
                r.expect(syntax in ("proto2", "proto3"), f"unexpected syntax: {syntax}", place)
                file.syntax = syntax
                self._end_of_head()
            case "option":
                file.options.append(self._option())
            case "message" | "enum":
                declared = self._message() if label == "message" else self._enum()
                names = [kind.name for kind in file.types]
                r.expect(declared.name not in names, f"{declared.name} is already defined", place)
                file.types.append(declared)
            case "service":
                file.services.append(self._service())
            case "extend":
                file.extends.append(self._extend())
            case "reserved":
                self._reserved(place)
            case "edition":
                r.expect(not self._like_registry, "edition is not currently supported")
                r.expect(first, "'edition' element must be the first declaration in a file", place)
                r.require("=")
                file.syntax, file.edition = "editions", r.path()
                self._end_of_head()
            case _:
                r.fail(f"unexpected label: {label}", place)

    def _import(self, place: Place) -> None:
        r, kind = self._r, ""
        if r.peek() not in "\"'":
            kind = r.word()
            r.expect(kind in ("public", "weak"), "expected quoted string", place)
        self._file.imports.append(Import(r.path(), kind))
        self._end_of_head()

    def _end_of_head(self) -> None:
        self._r.require(";")
        self._file.import_place = self._r.at

    def _option(self) -> Option:
        option = read_option(self._r, "=")
        self._r.require(";")
        return option

    def _body(
        self, declare: Callable[[str, Place], None], *, leading_digit: bool = True
    ) -> tuple[Place, Place]:
        """Declarations in braces, each by its first word; the places of the braces."""
        r = self._r
        r.require("{")
        begin = r.at - 1
        r.down()
        while (following := r.peek()) != "}":
            if following == ";":
                r.char()
                continue
            place = r.at
            declare(r.word(leading_digit=leading_digit), place)
        r.up("}")
        return begin, r.at - 1

    def _message(self) -> Message:
        r, message = self._r, Message(self._r.own_name())

        def declare(word: str, place: Place) -> None:
            match word:
                case "option":
                    message.options.append(self._option())
                case "reserved":
                    message.reserved.append(self._reserved(place))
                case "message":
                    message.types.append(self._message())
                case "enum":
                    message.types.append(self._enum())
                case "extend":
                    message.extends.append(self._extend())
                case "oneof":
                    message.one_ofs.append(self._one_of())
                    message.last_field = r.at - 1
                case "extensions":
                    message.extensions.append(self._extensions(place))
                case _:
                    member = self._field(word, place)
                    message.last_field = r.at - 1
                    if isinstance(member, Field):
                        message.fields.append(member)
                    else:
                        message.groups.append(self._allowed(member, place))

        message.begin, message.end = self._body(declare)
        message.last_field = message.last_field or message.begin
        return message

    def _allowed(self, group: Group, place: Place) -> Group:
        """No encoder knows groups, and a field that is passed over is one that nobody protects."""
        self._r.expect(self._like_registry, "groups are not supported", place)
        return group

    def _extend(self) -> Extend:
        extend = Extend(self._r.name())

        def declare(word: str, place: Place) -> None:
            member = self._field(word, place)
            if isinstance(member, Field):
                extend.fields.append(member)

        self._body(declare)
        return extend

    def _enum(self) -> Enum:
        enum = Enum(self._r.own_name())

        def declare(word: str, place: Place) -> None:
            if word == "option":
                enum.options.append(self._option())
            elif word == "reserved":
                enum.reserved.append(self._reserved(place))
            else:
                self._r.check_name(word, place)
                self._r.require("=")
                tag = self._r.integer()
                enum.constants.append(Constant(word, tag, tuple(read_options(self._r))))
                self._r.require(";")

        self._body(declare, leading_digit=False)
        return enum

    def _service(self) -> Service:
        service = Service(self._r.name())

        def declare(word: str, place: Place) -> None:
            if word == "option":
                service.options.append(self._option())
            elif word == "rpc":
                service.rpcs.append(self._rpc(place))
            else:
                self._r.fail(f"unexpected label: {word}", place)

        self._body(declare)
        return service

    def _rpc(self, place: Place) -> Rpc:
        r, name = self._r, self._r.name()
        request, request_streaming = self._rpc_type()
        r.expect(r.word() == "returns", "expected 'returns'", place)
        response, response_streaming = self._rpc_type()
        options: list[Option] = []
        if r.peek() == "{":
            self._body(lambda word, where: options.append(self._rpc_option(word, where)))
        else:
            r.require(";")
        return Rpc(name, request, response, request_streaming, response_streaming, tuple(options))

    def _rpc_option(self, word: str, place: Place) -> Option:
        self._r.expect(word == "option", f"unexpected label: {word}", place)
        return self._option()

    def _rpc_type(self) -> tuple[str, bool]:
        self._r.require("(")
        word = self._r.word()
        streaming = word == "stream"
        type_name = self._r.type_name(None if streaming else word)
        self._r.require(")")
        return type_name, streaming

    def _one_of(self) -> OneOf:
        r, one_of = self._r, OneOf(self._r.own_name())
        r.require("{")
        while not r.take("}"):
            place = r.at
            match word := r.type_name():
                case "group":
                    one_of.groups.append(self._allowed(self._group(None), place))
                case "option":
                    one_of.options.append(self._option())
                case _:
                    one_of.fields.append(self._plain_field(None, word))
        return one_of

    def _field(self, word: str, place: Place) -> Field | Group:
        r, proto3 = self._r, self._file.syntax == "proto3"
        label = word if word in _LABELS else None
        if word == "required":
            r.expect(not proto3, "'required' label forbidden in proto3 field declarations", place)
        if label is None:
            is_map = word == "map" and r.peek() == "<"
            is_allowed = proto3 or is_map or not self._like_registry
            r.expect(is_allowed, f"unexpected label: {word}", place)
        kind = r.type_name(None if label else word)
        r.expect(label is None or not kind.startswith("map<"), "'map' type cannot have label", place)
        return self._group(label) if kind == "group" else self._plain_field(label, kind)

    def _plain_field(self, label: str | None, kind: str) -> Field:
        r = self._r
        name, at = r.own_name(leading_digit=False), r.at
        r.require("=")
        field = Field(label, kind, name, r.integer(), at=at)
        if r.peek() == "[":
            for option in read_options(r):
                if option.name == "default":
                    field.default = str(option.value)
                elif option.name == "json_name":
                    field.json_name = str(option.value)
                else:
                    field.options.append(option)
        r.require(";")
        return field

    def _group(self, label: str | None) -> Group:
        name = self._r.word()
        self._r.require("=")
        group = Group(label, name, self._r.integer())

        def declare(word: str, place: Place) -> None:
            member = self._field(word, place)
            if not isinstance(member, Field):
                self._r.fail("expected field declaration, was a group")
            group.fields.append(member)

        self._body(declare)
        return group

    def _reserved(self, place: Place) -> Reserved:
        values: list[str | int | Range] = []
        while True:
            first = self._r.peek()
            if first in "\"'":
                values.append(self._r.path())
            elif first.isalpha() and not self._like_registry:
                values.append(self._r.own_name())
            else:
                values.append(self._numbers(",;", place))
            if not self._more():
                return Reserved(tuple(values))

    def _extensions(self, place: Place) -> Extensions:
        values: list[int | Range] = []
        while True:
            values.append(self._numbers(",;[", place))
            if self._r.peek() == "[":
                options = read_options(self._r)
                self._r.require(";")
                return Extensions(tuple(values), tuple(options))
            if not self._more():
                return Extensions(tuple(values))

    def _more(self) -> bool:
        character = self._r.char()
        self._r.expect(character in ",;", "expected ',' or ';'")
        return character == ","

    def _numbers(self, ends: str, place: Place) -> int | Range:
        first = self._r.integer()
        if self._r.peek() in ends:
            return first
        last = "or 'to'" if len(ends) > 2 else ", or 'to'"
        self._r.expect(
            self._r.word() == "to", f"expected {_quoted(ends)}{' ' if len(ends) > 2 else ''}{last}", place
        )
        if self._r.peek() == "m":
            self._r.expect(self._r.word() == "max", "expected an integer or 'max'")
            return Range(first, MAX_TAG)
        return Range(first, self._r.integer())


def _quoted(characters: str) -> str:
    return ", ".join(f"'{character}'" for character in characters)
