"""Type names: which message or enum a written name means, given the files that are at hand.

A relative name is looked for from the innermost scope outwards, as the language specification has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import define, field, frozen

from bridge.languages.protobuf.elements import Enum, Extend, Field, File, Message, is_map_entry


@frozen(eq=False)
class Type:
    """A type with its package and what its file was referred to as: None for the library's own files."""

    package: str
    element: Message | Enum
    reference: tuple[str, int] | None = None

    @property
    def map_type(self) -> str | None:
        """``map<key, value>`` where the message stands for a map's entries."""
        if not isinstance(self.element, Message) or not is_map_entry(self.element):
            return None
        parts = {entry.name: entry.type for entry in self.element.fields}
        return f"map<{parts.get('key')}, {parts.get('value')}>"


@define
class Names:
    """The types known, and the scope in which names are read."""

    types: dict[str, Type] = field(factory=dict)
    extensions: dict[str, Field] = field(factory=dict)
    package: str = ""
    scope: list[str] = field(factory=list)

    def collect(
        self,
        file: File,
        files: Mapping[str, File],
        references: Mapping[str, tuple[str, int]] | None = None,
    ) -> None:
        """Learn a file's types and those of the files it may import; the scope is then the file's package."""
        for name, other in files.items():
            self._file(other, (references or {}).get(name))
        self._file(file, ("", -1))
        self.package = file.package

    def inside(self, scope: list[str]) -> Names:
        """The same types seen from another scope."""
        return Names(self.types, self.extensions, self.package, scope)

    def resolve(self, name: str) -> str | None:
        """The full name, without a leading dot; None where there is no such type."""
        return self._resolve(name, self.types)

    def resolve_extension(self, name: str) -> str | None:
        """The full name of an extension's field."""
        return self._resolve(name, self.extensions)

    def type(self, name: str) -> Type | None:
        """The type a name means."""
        full = self.resolve(name)
        return None if full is None else self.types[full]

    def _resolve(self, name: str, full_names: Iterable[str]) -> str | None:
        if name.startswith("."):
            return name[1:] if name[1:] in full_names else None
        outer = [*filter(None, self.package.split(".")), *self.scope]
        for length in range(len(outer), -1, -1):
            full = ".".join((*outer[:length], name))
            if full in full_names:
                return full
        return None

    def _file(self, file: File, reference: tuple[str, int] | None) -> None:
        prefix = (file.package,) if file.package else ()
        self._extends(file.extends, prefix)
        self._types(file.types, prefix, file.package, reference)

    def _extends(self, extends: Iterable[Extend], prefix: tuple[str, ...]) -> None:
        for extend in extends:
            self.extensions.update({".".join((*prefix, entry.name)): entry for entry in extend.fields})

    def _types(
        self,
        types: Iterable[Message | Enum],
        prefix: tuple[str, ...],
        package: str,
        reference: tuple[str, int] | None,
    ) -> None:
        for element in types:
            path = (*prefix, element.name)
            self.types[".".join(path)] = Type(package, element, reference)
            if isinstance(element, Message):
                self._extends(element.extends, path)
                self._types(element.types, path, package, reference)
