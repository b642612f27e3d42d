"""Avro's schema resolution: can data written with one schema be read with another?

By the Avro specification ("Schema Resolution"), reported in the words and with the JSON pointers of the registry.
"""

from __future__ import annotations

from typing import Final

from bridge.languages.compatibility.avro_schema import Type, load, render
from bridge.languages.compatibility.source import Source

_PROMOTIONS: Final = {
    "long": {"int"},
    "float": {"int", "long"},
    "double": {"int", "long", "float"},
    "bytes": {"string"},
    "string": {"bytes"},
}


def judge(reader: Source, writer: Source, reader_word: str, writer_word: str, lenient: bool) -> list[str]:
    """What stands against reading ``writer``'s data with ``reader``; ``new`` and ``old`` are the words for them."""
    del lenient
    try:
        return _Resolution(reader_word, writer_word).compare(load(reader), load(writer), "")
    except _AmbiguousError as ambiguous:
        return [f"Unexpected exception during compatibility check: {ambiguous}"]


class _AmbiguousError(Exception):
    """A field of the reader means two of the writer, which Avro's library does not compare."""


class _Resolution:
    def __init__(self, reader_word: str, writer_word: str) -> None:
        self._reader = reader_word
        self._writer = writer_word
        self._compared: set[tuple[int, int]] = set()

    def compare(self, reader: Type, writer: Type, path: str) -> list[str]:
        """The incompatibilities of this pair, depth first."""
        pair = (id(reader), id(writer))
        if reader.kind in ("record", "array", "map", "union") and pair in self._compared:
            return []
        self._compared.add(pair)
        if reader.kind == writer.kind:
            return self._same_kind(reader, writer, path)
        if writer.kind == "union":
            return [problem for branch in writer.inner for problem in self.compare(reader, branch, path)]
        if reader.kind == "union":
            return self._branch(reader, writer, path)
        if writer.kind in _PROMOTIONS.get(reader.kind, ()):
            return []
        return self._mismatch(reader, writer, path)

    def _same_kind(self, reader: Type, writer: Type, path: str) -> list[str]:
        match reader.kind:
            case "record":
                return self._name(reader, writer, path) + self._fields(reader, writer, path)
            case "enum":
                return self._name(reader, writer, path) + self._symbols(reader, writer, path)
            case "fixed":
                return self._name(reader, writer, path) + self._size(reader, writer, path)
            case "array":
                return self.compare(reader.inner[0], writer.inner[0], f"{path}/items")
            case "map":
                return self.compare(reader.inner[0], writer.inner[0], f"{path}/values")
            case "union":
                branches = enumerate(writer.inner)
                return [f for number, b in branches for f in self._branch(reader, b, f"{path}/{number}")]
        return []

    def _fields(self, reader: Type, writer: Type, path: str) -> list[str]:
        problems: list[str] = []
        for number, wanted in enumerate(reader.fields):
            names = (wanted.name, *wanted.aliases)
            matches = [f for name in names for f in writer.fields if f.name == name]
            here = f"{path}/fields/{number}"
            if len(matches) > 1:
                raise _AmbiguousError(
                    f"Reader record field {wanted.name} type:{wanted.type.kind.upper()} pos:{number} matches multiple "
                    f"fields in writer record schema {render(writer)}"
                )
            if matches:
                problems += self.compare(wanted.type, matches[0].type, f"{here}/type")
            elif not wanted.default:
                text = (
                    f"The field '{wanted.name}' at path '{here}' in the {self._reader} schema has no default value "
                    f"and is missing in the {self._writer} schema"
                )
                problems.append(_problem("READER_FIELD_MISSING_DEFAULT_VALUE", text, wanted.name))
        return problems

    def _name(self, reader: Type, writer: Type, path: str) -> list[str]:
        if reader.name == writer.name or writer.full_name in reader.full_aliases:
            return []
        text = f"The name of the schema has changed (path '{path}/name')"
        return [_problem("NAME_MISMATCH", text, f"expected: {writer.full_name}")]

    def _symbols(self, reader: Type, writer: Type, path: str) -> list[str]:
        missing = [symbol for symbol in writer.symbols if symbol not in reader.symbols]
        if not missing or reader.enum_default is not None:
            return []
        symbols = f"[{', '.join(missing)}]"
        text = (
            f"The {self._reader} schema is missing enum symbols '{symbols}' at path '{path}/symbols' "
            f"in the {self._writer} schema"
        )
        return [_problem("MISSING_ENUM_SYMBOLS", text, symbols)]

    def _size(self, reader: Type, writer: Type, path: str) -> list[str]:
        if reader.size == writer.size:
            return []
        text = (
            f"The size of FIXED type field at path '{path}/size' in the {self._reader} schema "
            f"does not match with the {self._writer} schema"
        )
        return [_problem("FIXED_SIZE_MISMATCH", text, f"expected: {writer.size}, found: {reader.size}")]

    def _branch(self, reader: Type, writer: Type, path: str) -> list[str]:
        if any(not self._fresh(branch, writer) for branch in reader.inner):
            return []
        text = (
            f"The {self._reader} schema is missing a type inside a union field at path '{path or '/'}' "
            f"in the {self._writer} schema"
        )
        return [
            _problem("MISSING_UNION_BRANCH", text, f"reader union lacking writer type: {writer.kind.upper()}")
        ]

    def _fresh(self, reader: Type, writer: Type) -> list[str]:
        """A trial that must not be taken for a comparison already made elsewhere."""
        before = set(self._compared)
        problems = self.compare(reader, writer, "")
        if problems:
            self._compared = before
        return problems

    def _mismatch(self, reader: Type, writer: Type, path: str) -> list[str]:
        text = (
            f"The type (path '{path or '/'}') of a field in the {self._reader} schema "
            f"does not match with the {self._writer} schema"
        )
        kinds = f"reader type: {reader.kind.upper()} not compatible with writer type: {writer.kind.upper()}"
        return [_problem("TYPE_MISMATCH", text, kinds)]


def _problem(kind: str, description: str, info: str) -> str:
    return f"{{errorType:'{kind}', description:'{description}', additionalInfo:'{info}'}}"
