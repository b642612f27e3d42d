"""Reading configuration files: JSON (flat or ``{"name","config"}``) and Java's ``.properties``.

Whatever is in the file, the outcome is a mapping of text to text or one sentence that names the file.
Scalars of JSON that are not text are taken as they are written, as by REST.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from bridge.config import scalars
from bridge.errors import ConfigurationError, Fault

MAX_BYTES: Final = 8 * 1024 * 1024
"""A configuration is small; a larger file is a mistake (a keystore in base64 is a few kilobytes)."""


Source = Path | Mapping[str, Any]
"""Where properties are: in a file, or in a program that has them at hand (values are scalars)."""


class UnreadableError(ValueError):
    """What is wrong with a file as a whole, as the end of a sentence."""


@frozen
class Given:
    """What a file says, untouched: keys in order, values as written."""

    values: Mapping[str, str]
    notices: tuple[str, ...] = ()


def read(path: Path, *, wrapped: bool) -> Given:
    """The file's properties; JSON if it begins like JSON, else Java properties.

    ``wrapped`` allows ``{"name", "config"}``. Raises ConfigurationError with one fault that names the file.
    """
    try:
        return parse(content_of(path), wrapped=wrapped, json_expected=path.suffix.lower() == ".json")
    except UnreadableError as fault:
        raise ConfigurationError([Fault(str(path), str(fault))]) from None


def given_of(source: Source, *, wrapped: bool) -> Given:
    """The properties of a file, or those that a program holds itself. Raises ConfigurationError."""
    if isinstance(source, Path):
        return read(source, wrapped=wrapped)
    document = source
    if wrapped and isinstance(source.get("config"), Mapping):
        try:
            document = _unwrap({**source, "config": dict(source["config"])})
        except UnreadableError as fault:
            raise ConfigurationError([Fault("config", f"the configuration {fault}")]) from None
    misfits = [_misfit(key, value) for key, value in document.items()]
    if faults := [misfit for misfit in misfits if misfit is not None]:
        raise ConfigurationError(faults)
    return Given(texts(document))


def _misfit(key: object, value: object) -> Fault | None:
    """What is wrong with one property of a program's own mapping, by its type alone."""
    if not isinstance(key, str):
        return Fault(str(key), f"names of properties are text, and this is {type(key).__name__}")
    if not isinstance(value, str | bool | int | float | None):
        return Fault(key, f"must be text, a number, a boolean or None, and is {type(value).__name__}")
    try:
        _require_text(key, str(value))
    except UnreadableError as fault:
        return Fault(key, f"the configuration {fault}")
    return None


def content_of(path: Path) -> bytes:
    """The file's bytes. Raises UnreadableError."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise UnreadableError("does not exist") from None
    except IsADirectoryError:
        raise UnreadableError("is a directory, not a configuration file") from None
    except ValueError:
        raise UnreadableError("is not the path of a file") from None
    except OSError as error:
        raise UnreadableError(f"cannot be read: {(error.strerror or 'unknown reason').lower()}") from None
    if len(content) > MAX_BYTES:
        raise UnreadableError(f"is larger than {MAX_BYTES // 1024 // 1024} MB, which no configuration is")
    return content


def parse(content: bytes, *, wrapped: bool, json_expected: bool = False) -> Given:
    """The properties in a file's bytes. Raises UnreadableError."""
    text = text_of(content)
    if json_expected or is_json(text):
        return _from_json(text, wrapped=wrapped)
    return properties(text)


def text_of(content: bytes) -> str:
    """The text in a file's bytes. Raises UnreadableError if it is empty or no text."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"is not UTF-8 text (byte {error.start})") from None
    if "\0" in text:
        raise UnreadableError("contains NUL bytes; it is not a text file")
    if not text.strip():
        raise UnreadableError("is empty")
    return text


def is_json(text: str) -> bool:
    """Whether the text begins as JSON does, and no properties file."""
    return text.lstrip()[:1] in ("{", "[")


def properties(text: str) -> Given:
    """The text of a Java ``.properties`` file. A key that stands twice keeps its last value, as in Java."""
    import javaproperties

    _refuse_other_languages(text)
    values: dict[str, str] = {}
    twice: list[str] = []
    try:
        for element in javaproperties.parse(text):
            if not isinstance(element, javaproperties.KeyValue):
                continue
            if element.key in values and element.key not in twice:
                twice.append(element.key)
            values[element.key] = element.value
    except javaproperties.InvalidUEscapeError as error:
        raise UnreadableError(
            f"has an invalid escape: {_quote(error.escape)} (a backslash is an escape here: write / or \\\\)"
        ) from None
    for key, value in values.items():
        _require_text(key, value)
    notices = (f"given more than once, the last counts: {', '.join(twice)}",) if twice else ()
    return Given(values, notices)


_YAML: Final = re.compile(
    r"^(?:---[ \t]*$|[ \t]*-[ \t]+\S|(?P<key>[\w.\-]+):[ \t]*\n(?=[ \t]+\S))", re.MULTILINE
)
_JSON: Final = re.compile(r'^[ \t]*"[^"\n]*"[ \t]*:', re.MULTILINE)


def _refuse_other_languages(text: str) -> None:
    """Raises UnreadableError for JSON without its braces, and for YAML that says more than keys and values."""
    if match := _JSON.search(text):
        line = text.count("\n", 0, match.start()) + 1
        raise UnreadableError(
            f"holds JSON without braces (line {line}): put it into {{ }}, or write KEY=VALUE"
        )
    if match := _YAML.search(text):
        line = text.count("\n", 0, match.start()) + 1
        how = f"{match['key']}.KEY=VALUE" if match["key"] else "KEY=VALUE"
        raise UnreadableError(f"is YAML (line {line}), and a .properties file or JSON is wanted: write {how}")


def _require_text(key: str, value: str) -> None:
    """Escapes can spell what no UTF-8 file can: half a character, or a NUL."""
    for text in (key, value):
        if "\0" in text:
            raise UnreadableError(f"holds a NUL character in {_quote(key)}")
        if any("\ud800" <= c <= "\udfff" for c in text):
            raise UnreadableError(f"holds half a character (a lone surrogate) in {_quote(key)}")


def _quote(text: str) -> str:
    return json.dumps(text[:60])


def load_json(text: str) -> object:
    """A JSON document in which no object names a key twice. Raises UnreadableError."""
    try:
        return scalars.load(text, no_number=_no_constant, pairs=_unique)
    except json.JSONDecodeError as error:
        raise UnreadableError(f"is not JSON: {json_fault(error)}") from None
    except RecursionError:
        raise UnreadableError("is nested too deeply") from None
    except UnreadableError:
        raise
    except ValueError:
        raise UnreadableError("holds a number with too many digits") from None


_QUOTES: Final = "“”„‟«»‘’‚‛"


def json_fault(error: json.JSONDecodeError) -> str:
    """What is wrong, and where: of what people often write and JSON lacks, by its name."""
    rest, before = error.doc[error.pos :].lstrip(), error.doc[: error.pos].rstrip()
    at = error.pos + len(error.doc[error.pos :]) - len(rest)
    what = error.msg[:1].lower() + error.msg[1:]
    if rest.startswith(("//", "/*", "#")):
        what = "a comment, which JSON does not have,"
    elif rest.startswith(("}", "]")) and before.endswith(","):
        what, at = f"a comma before {rest[0]}", len(before) - 1
    elif rest.startswith(",") and rest[1:].lstrip().startswith(
        ("}", "]")
    ):  # later versions of Python point there
        what = f"a comma before {rest[1:].lstrip()[0]}"
    elif rest.startswith("'"):
        what = "single quotes, where JSON has double ones,"
    elif quote := _typographic(rest, before):
        what = f"typographic quotes ({quote}), where JSON has straight ones,"
    elif error.msg.startswith("Invalid \\"):
        what = "a backslash that begins no escape (write \\\\ or /)"
    line = error.doc.count("\n", 0, at) + 1
    return f"{what} in line {line}, column {at - error.doc.rfind(chr(10), 0, at)}"


def _typographic(rest: str, before: str) -> str | None:
    """The quote that an editor for prose has put where JSON begins or ends a text, if any."""
    line = before[before.rfind("\n") + 1 :]
    ended = next((one for one in _QUOTES if f"{one}:" in line or f"{one}," in line), None)
    return rest[0] if rest[:1] and rest[0] in _QUOTES else ended


def _no_constant(name: str) -> Any:
    raise UnreadableError(f"is not JSON: {name} is no JSON value")


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for key, value in pairs:
        if key in document:
            raise UnreadableError(f"names {_quote(key)} twice")
        document[key] = value
    return document


def _from_json(text: str, *, wrapped: bool) -> Given:
    document = load_json(text)
    if not isinstance(document, dict):
        raise UnreadableError("holds no JSON object of properties")
    if wrapped and isinstance(document.get("config"), dict):
        document = _unwrap(document)
    if not document:
        raise UnreadableError("holds no properties")
    return Given(texts(document))


def _unwrap(document: dict[str, Any]) -> dict[str, Any]:
    """``{"name", "config"}`` as one mapping; other keys beside them are Kafka Connect's own."""
    stray = sorted(set(document) - {"name", "config", "tasks", "type", "initial_state", "offsets"})
    if stray:
        raise UnreadableError(f'has {_quote(stray[0])} beside "config"; properties belong inside it')
    inner: dict[str, Any] = document["config"]
    outer = document.get("name")
    if outer is None:
        return inner
    if inner.get("name", outer) != outer:
        raise UnreadableError('names the connector differently in "name" and in "config"')
    return {"name": outer, **inner}


def texts(document: Mapping[str, object]) -> dict[str, str]:
    """The scalars of a JSON object as text; null is 'not given'. Raises UnreadableError if nested."""
    scalars = {key: _scalar(key, value) for key, value in document.items() if value is not None}
    for key, value in scalars.items():
        _require_text(key, value)
    return scalars


def _scalar(key: str, value: Any) -> str:
    if isinstance(value, str | bool | int | float):
        return scalars.text_of(value)
    raise UnreadableError(
        f"has {'a list' if isinstance(value, list) else 'an object'} as {_quote(key)}; give it as text"
    )
