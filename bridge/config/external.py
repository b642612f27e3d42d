"""Values that stand elsewhere: ``${env:NAME}`` and ``${file:/path:key}``, as Kafka Connect reads them.

``file`` reads a key of a ``.properties`` file (FileConfigProvider), ``env`` an environment variable
(EnvVarConfigProvider). A worker may give them further names, and name a DirectoryConfigProvider
(``${dir:/path:file}``, the file's content), with ``config.providers``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from bridge.config import files

_REFERENCE: Final = re.compile(r"\$\{([A-Za-z0-9_.-]+):(?:([^}:]*):)?([^}]*)\}")
_ENV, _FILE, _DIRECTORY = "env", "file", "directory"
CLASSES: Final = {
    "EnvVarConfigProvider": _ENV,
    "FileConfigProvider": _FILE,
    "DirectoryConfigProvider": _DIRECTORY,
}
"""Kafka's provider classes, without their package."""


class UnresolvableError(ValueError):
    """Why a reference gives no value, as the end of a sentence; never holds the value."""


def has_reference(text: str) -> bool:
    """Whether the text holds a reference to a value that stands elsewhere."""
    return _REFERENCE.search(text) is not None


class Resolver:
    """Fills in references. Files are read once."""

    def __init__(self, environ: Mapping[str, str], providers: Mapping[str, str] | None = None) -> None:
        self._environ = environ
        self._kinds = {_ENV: _ENV, _FILE: _FILE, **(providers or {})}
        self._files: dict[str, Mapping[str, str]] = {}
        self._read: Mapping[str, Callable[[str | None, str], str]] = {
            _ENV: self._from_environment,
            _FILE: self._from_file,
            _DIRECTORY: self._from_directory,
        }

    def resolve(self, text: str) -> str:
        """The text with every reference filled in; what is filled in is not looked at again.

        Raises UnresolvableError.
        """
        return _REFERENCE.sub(lambda found: self._value(*found.groups()), text)

    def _value(self, provider: str, path: str | None, key: str) -> str:
        kind = self._kinds.get(provider)
        if kind is None:
            raise UnresolvableError(
                f"refers to an unknown provider in ${{{provider}:…}}; known: {', '.join(self._kinds)}"
            )
        return self._read[kind](path, key)

    def _from_environment(self, path: str | None, key: str) -> str:
        name = f"{path}:{key}" if path else key
        try:
            return self._environ[name]
        except KeyError:
            raise UnresolvableError(f"needs the environment variable {name}, which is not set") from None

    def _from_file(self, path: str | None, key: str) -> str:
        if not path:
            raise UnresolvableError("must be written ${file:/path/of.properties:key}")
        if path not in self._files:
            self._files[path] = _properties(path)
        try:
            return self._files[path][key]
        except KeyError:
            raise UnresolvableError(f"needs the key {key}, which {path} does not hold") from None

    def _from_directory(self, path: str | None, key: str) -> str:
        if not path:
            raise UnresolvableError("must be written ${directory:/path:file}")
        if "/" in key or key in ("", ".", ".."):
            raise UnresolvableError(f"must name a file directly inside {path}")
        return _text(f"{path}/{key}")


def _text(path: str) -> str:
    try:
        return Path(path).read_text("utf-8")
    except (OSError, ValueError):
        raise UnresolvableError(f"needs the file {path}, which cannot be read as text") from None


def _properties(path: str) -> Mapping[str, str]:
    try:
        return files.properties(_text(path)).values
    except files.UnreadableError as fault:
        raise UnresolvableError(f"needs the file {path}, which {fault}") from None
