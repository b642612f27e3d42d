"""Schema files on the command line: which format they hold, and the contract beside them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.errors import ConfigurationError, Fault

if TYPE_CHECKING:
    from bridge.config.config import Config
    from bridge.inspection.diff import Shape
    from bridge.registry.http import Http


def read(path: Path) -> str:
    """The file's text. ConfigurationError."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError([Fault(str(path), f"cannot be read ({error.strerror})")]) from None
    except UnicodeDecodeError:
        raise ConfigurationError([Fault(str(path), "is no UTF-8")]) from None


def type_of(path: Path, text: str) -> str | None:
    """The registry's type of a schema file, by name, else by content; None for a describe or eventSchema."""
    from bridge.config.declarations.formats import FORMS
    from bridge.documents import Broken, json_of
    from bridge.metadata.source_files import is_metadata

    try:
        document: Any = json_of(text)
    except Broken:
        document = None
    if is_metadata(document):
        return None
    for form in FORMS:
        if form.ending and path.name.endswith(form.ending):
            return form.language
    if document is None:
        return "PROTOBUF" if "message" in text else None
    if isinstance(document, dict) and ("properties" in document or "$schema" in document):
        return "JSON"
    return "AVRO"


@contextmanager
def named() -> Iterator[None]:
    """Around the reading of what a command line names: what cannot be read there is a wrong command line, and the
    sentence names the file. ConfigurationError."""
    from bridge.errors import Fatal

    try:
        yield
    except ConfigurationError:
        raise
    except Fatal as error:
        raise ConfigurationError([Fault("", error.message)]) from None


def shape_of(path: Path, event: str | None = None) -> Shape:
    """What a file or an SFDX project says, taken apart. ConfigurationError naming the file."""
    with named():
        return _shape_of(path, event)


def _shape_of(path: Path, event: str | None) -> Shape:
    from bridge.inspection.diff import shape_of_event, shape_of_text
    from bridge.metadata import source_files

    if path.is_dir():
        return shape_of_event(source_files.from_any(path, event).event)
    text = read(path)
    type_ = type_of(path, text)
    if type_ is None:
        return shape_of_event(source_files.from_any(path, event).event)
    return shape_of_text(text, type_, str(path))


def registry_http(worker: Config, url: str | None) -> Http:
    """The registry that an option names, else a worker. ConfigurationError where neither does."""
    from bridge.config.registry import registry_properties
    from bridge.registry.http import http_of

    settings = registry_properties({}, worker.raw())
    settings = {**settings, "url": url} if url else settings
    if not settings.get("url"):
        raise ConfigurationError(
            [Fault("schema.registry.url", "is needed in the worker file, or --schema-registry")]
        )
    return http_of(settings, retry_seconds=10, longest_wait=2)
