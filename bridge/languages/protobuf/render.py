"""Elements to text: canonical (as written, comments gone), or normalized (names resolved, everything sorted).

The form is the registry's: messages before enums, two spaces, one field a line. Normalized text is the same for any
two schemas that mean the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from bridge.languages.protobuf.elements import (
    MAX_TAG,
    SCALARS,
    Constant,
    Enum,
    Extend,
    Extensions,
    Field,
    File,
    Group,
    Message,
    OneOf,
    Option,
    Range,
    Reserved,
    Rpc,
    Service,
    is_map_entry,
    map_parts,
)
from bridge.languages.protobuf.names import Names
from bridge.languages.protobuf.option_text import OptionText, indented
from bridge.languages.protobuf.reader import InvalidProto

_NUMBERS: Final = SCALARS - {"bool", "string"}


def render(file: File, names: Names | None = None, *, extensions: bool = True) -> str:
    """The file's text; normalized where ``names`` resolve its types, then raising ``InvalidProto`` for unknown ones.

    ``extensions=False`` leaves out ``extend`` and ``extensions``.
    """
    return _Writer(names, extensions).file(file)


class _Writer:
    def __init__(self, names: Names | None, extensions: bool) -> None:
        self._names = names
        self._normal = names is not None
        self._extensions = extensions
        self._scope: list[str] = []
        self._text = OptionText(names, self._scope, extensions=extensions)

    def file(self, file: File) -> str:
        text = ""
        if file.edition is not None:
            text += f'edition = "{file.edition}";\n'
        elif file.syntax and not (self._normal and file.syntax == "proto2"):
            text += f'syntax = "{file.syntax}";\n'
        if file.package:
            text += f"package {file.package};\n"
        plain, public = file.paths(""), file.paths("public")
        if plain or public:
            text += "\n"
            text += "".join(f'import "{name}";\n' for name in self._unique(plain))
            text += "".join(f'import public "{name}";\n' for name in self._unique(public))
        if file.options:
            text += "\n" + self._text.declared(file.options)
        text += self._types(file.types)
        text += self._extends(file.extends)
        if file.services:
            text += "\n" + "".join(self._service(service) for service in file.services)
        return text

    def _types(self, types: list[Message | Enum]) -> str:
        shown = [t for t in types if not (self._normal and isinstance(t, Message) and is_map_entry(t))]
        if not shown:
            return ""
        messages = "".join(self._message(t) for t in shown if isinstance(t, Message))
        return "\n" + messages + "".join(self._enum(t) for t in shown if isinstance(t, Enum))

    def _message(self, message: Message) -> str:
        self._scope.append(message.name)
        text = f"message {message.name} {{"
        text += self._block(self._reserved, self._split(message.reserved, Reserved))
        if message.options:
            text += "\n" + indented(self._text.declared(message.options))
        text += self._block(self._field, self._by_tag(message.fields))
        text += self._block(self._one_of, self._sorted_one_ofs(message.one_ofs))
        text += self._block(self._group, self._by_tag(message.groups))
        if self._extensions:
            text += self._block(self._range, self._split(message.extensions, Extensions))
        for within in (self._extends(message.extends), self._types(message.types)):
            # the blank line before them belongs to this level
            text += "\n" + indented(within.removeprefix("\n")) if within else ""
        self._scope.pop()
        return text + "}\n"

    def _block(self, write: Callable[[Any], str], items: Iterable[Any]) -> str:
        text = "".join(indented(write(item)) for item in items)
        return "\n" + text if text else ""

    def _by_tag(self, items: list[Any]) -> list[Any]:
        return sorted(items, key=lambda item: item.tag) if self._normal else items

    def _sorted_one_ofs(self, one_ofs: list[OneOf]) -> list[OneOf]:
        if not self._normal:
            return one_ofs
        ordered = [
            OneOf(one_of.name, self._by_tag(one_of.fields), one_of.groups, one_of.options)
            for one_of in one_ofs
            if one_of.fields
        ]
        return sorted(ordered, key=lambda one_of: one_of.fields[0].tag)

    def _split(self, items: list[Any], kind: Any) -> list[Any]:
        """One value each, sorted, in the normalized form."""
        if not self._normal:
            return items
        options = {"options": ()} if kind is Extensions else {}
        single = [
            kind((value,), **({"options": item.options} if options else {}))
            for item in items
            for value in item.values
        ]
        return sorted(single, key=lambda item: (_first(item.values[0]), _shown(item.values[0])))

    def _one_of(self, one_of: OneOf) -> str:
        text = f"oneof {one_of.name} {{"
        if one_of.options:
            text += "\n" + indented(self._text.declared(one_of.options))
        text += self._block(self._field, one_of.fields)
        text += self._block(self._group, self._by_tag(one_of.groups))
        return text + "}\n"

    def _group(self, group: Group) -> str:
        label = f"{group.label} " if group.label else ""
        fields = self._block(self._field, self._by_tag(group.fields))
        return f"{label}group {group.name} = {group.tag} {{{fields}}}\n"

    def _extends(self, extends: list[Extend]) -> str:
        if not self._extensions or not extends:
            return ""
        if self._normal:
            grouped: dict[str, list[Field]] = {}
            for extend in extends:
                grouped.setdefault(self._resolved(extend.name), []).extend(extend.fields)
            extends = [Extend(name, fields) for name, fields in grouped.items()]
        return "\n" + "".join(
            f"extend {e.name} {{{self._block(self._field, self._by_tag(e.fields))}}}\n" for e in extends
        )

    def _enum(self, enum: Enum) -> str:
        text = f"enum {enum.name} {{" + self._block(self._reserved, self._split(enum.reserved, Reserved))
        if not enum.reserved and (enum.options or enum.constants):
            text += "\n"
        text += indented(self._text.declared(enum.options))
        constants = enum.constants
        if self._normal:
            constants = sorted(constants, key=lambda constant: (constant.tag, constant.name))
        return text + "".join(indented(self._constant(constant)) for constant in constants) + "}\n"

    def _constant(self, constant: Constant) -> str:
        return f"{constant.name} = {constant.tag}{self._text.bracketed(list(constant.options))};\n"

    def _reserved(self, reserved: Reserved) -> str:
        return f"reserved {', '.join(self._number(value) for value in reserved.values)};\n"

    def _range(self, extensions: Extensions) -> str:
        values = ", ".join(self._number(value) for value in extensions.values)
        return f"extensions {values}{self._text.bracketed(list(extensions.options))};\n"

    def _number(self, value: str | int | Range) -> str:
        if isinstance(value, str):
            return f'"{value}"'
        if isinstance(value, int):
            return str(value)
        if self._normal and value.first == value.last:
            return str(value.first)
        return f"{value.first} to {'max' if value.last >= MAX_TAG else value.last}"

    def _service(self, service: Service) -> str:
        text = f"service {service.name} {{"
        if service.options:
            text += "\n" + indented(self._text.declared(service.options))
        return text + self._block(self._rpc, service.rpcs) + "}\n"

    def _rpc(self, rpc: Rpc) -> str:
        request, response = (self._resolved(name) for name in (rpc.request, rpc.response))
        request = f"stream {request}" if rpc.request_streaming else request
        response = f"stream {response}" if rpc.response_streaming else response
        options = f" {{\n{indented(self._text.declared(list(rpc.options)))}}}" if rpc.options else ""
        return f"rpc {rpc.name} ({request}) returns ({response}){options};\n"

    def _field(self, field: Field) -> str:
        kind, is_map = self._field_type(field.type)
        label = f"{field.label} " if field.label and not is_map else ""
        options = list(field.options)
        if field.default is not None:
            options.append(Option("default", _default_kind(field.type), field.default))
        if field.json_name is not None:
            options.append(Option("json_name", "STRING", field.json_name))
        return f"{label}{kind} {field.name} = {field.tag}{self._text.bracketed(options)};\n"

    def _field_type(self, kind: str) -> tuple[str, bool]:
        """The type as it is written, and whether its label is dropped because it is a map."""
        if self._names is None:
            return kind, False
        if kind not in SCALARS and not map_parts(kind):
            kind = self._resolved(kind)
            kind = self._names.types[kind[1:]].map_type or kind
        parts = map_parts(kind)
        if parts is None:
            return kind, False
        value = self._names.inside(self._scope).resolve(parts[1])
        return f"map<{parts[0]}, {f'.{value}' if value else parts[1]}>", True

    def _resolved(self, name: str) -> str:
        if self._names is None:
            return name
        full = self._names.inside(self._scope).resolve(name)
        if full is None:
            raise InvalidProto(f"Could not resolve type: {name}")
        return f".{full}"

    def _unique(self, names: list[str]) -> list[str]:
        return sorted(set(names)) if self._normal else names


def _first(value: str | int | Range) -> int:
    if isinstance(value, Range):
        return value.first
    return value if isinstance(value, int) else (1 << 31) - 1


def _shown(value: str | int | Range) -> str:
    return f"{value.first}..{value.last}" if isinstance(value, Range) else str(value)


def _default_kind(type_name: str) -> str:
    if type_name in _NUMBERS:
        return "NUMBER"
    return {"bool": "BOOLEAN", "string": "STRING"}.get(type_name, "ENUM")
