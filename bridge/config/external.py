"""Values that stand elsewhere: ``${env:NAME}`` and ``${file:/path:key}``, as Kafka Connect reads them.

``file`` reads a key of a ``.properties`` file (FileConfigProvider), ``env`` an environment variable
(EnvVarConfigProvider). A worker may give them further names, name a DirectoryConfigProvider (``${dir:/path:file}``,
the file's content), and restrict each, with ``config.providers``.

What may be read depends on where a configuration came from. Files belong to the operator of the worker: ``env`` and
``file`` are always there for them. Whoever may write by REST is not the operator: for what came that way there is
nothing but ``config.providers``.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final

from attrs import field, frozen

from bridge.config import files
from bridge.config.placeholders import every, filled
from bridge.contents import UnusableError, file_content

_REFERENCE: Final = re.compile(r"\$\{([A-Za-z0-9_.-]+):(?:([^}:]*):)?([^}]*)\}")
_ENV, _FILE, _DIRECTORY = "env", "file", "directory"
PACKAGE: Final = "org.apache.kafka.common.config.provider"
CLASSES: Final = {
    "EnvVarConfigProvider": _ENV,
    "FileConfigProvider": _FILE,
    "DirectoryConfigProvider": _DIRECTORY,
}
"""Kafka's provider classes, without their package."""


class Origin(StrEnum):
    """Where a configuration came from."""

    FILE = "file"
    """Files and the environment of the operator."""
    REST = "rest"


class UnresolvableError(ValueError):
    """Why a reference gives no value, as the end of a sentence; never holds the value."""


class NoProviderError(UnresolvableError):
    """The provider is not among those that may be used for this configuration."""


@frozen
class Provider:
    """One provider and what it may read; None: anything."""

    kind: str
    paths: tuple[str, ...] | None = None
    """``param.allowed.paths``: files and directories, absolute and without ``..``."""
    names: Callable[[str], bool] | None = field(default=None, eq=False)
    """``param.allowlist.pattern``: whether a variable's whole name matches."""

    def path(self, given: str) -> str:
        """The path to read. Raises UnresolvableError for one outside of what is allowed."""
        if self.paths is None:
            return given
        meant = os.path.normpath(given)
        inside = any(os.path.commonpath([meant, one]) == one for one in self.paths if os.path.isabs(meant))
        if not inside:
            raise UnresolvableError(
                f"refers to {given}, which param.allowed.paths of its provider leaves out"
            )
        return meant


_ALWAYS: Final = {_ENV: Provider(_ENV), _FILE: Provider(_FILE)}
"""What the operator's files may use without naming it."""


def has_reference(text: str) -> bool:
    """Whether the text holds a reference to a value that stands elsewhere."""
    return next(every(_REFERENCE, text), None) is not None


def references(texts: Iterable[str]) -> frozenset[str]:
    """Every reference in these texts, as it is written."""
    return frozenset(match.group() for text in texts for match in every(_REFERENCE, text))


class Resolver:
    """Fills in references. Files are read once."""

    def __init__(
        self,
        environ: Mapping[str, str],
        providers: Mapping[str, Provider] | None = None,
        origin: Origin = Origin.FILE,
        used: Iterable[str] = (),
    ) -> None:
        """``used``: references that a provider has to let through besides, those of the worker's own file."""
        self._used = tuple(sorted(used))
        self._environ = environ
        self.origin = origin
        self._configured = dict(providers or {})
        self._providers = self._configured if origin is Origin.REST else {**_ALWAYS, **self._configured}
        self._files: dict[str, Mapping[str, str]] = {}
        self._read: Mapping[str, Callable[[Provider, str | None, str], str]] = {
            _ENV: self._from_environment,
            _FILE: self._from_file,
            _DIRECTORY: self._from_directory,
        }

    def resolve(self, text: str) -> str:
        """The text with every reference filled in; what is filled in is not looked at again.

        Raises UnresolvableError.
        """
        return filled(_REFERENCE, text, lambda match: self._value(*match.groups()))

    def parts(self, text: str) -> dict[str, str]:
        """What each reference in the text stands for → the reference. Raises UnresolvableError."""
        return {self._value(*match.groups()): match.group() for match in every(_REFERENCE, text)}

    def advice(self, texts: Iterable[str]) -> str:
        """What to add to the worker's properties so that these texts' references resolve, and its own still; empty if
        their providers are there."""
        matches = [match for text in texts for match in every(_REFERENCE, text)]
        lacking = [match for match in matches if match[1] not in self._providers]
        names = {match[1] for match in lacking}
        besides = [match for text in self._used for match in every(_REFERENCE, text) if match[1] in names]
        lines = provider_lines([*besides, *lacking], tuple(self._configured))
        if not lines:
            return ""
        own = ", ".join(match.group() for match in besides)
        why = (
            f"the worker itself refers to {own}, which connectors may then refer to as well; " if own else ""
        )
        return f"; {why}add to the worker's properties: {' '.join(lines)}"

    def _value(self, name: str, path: str | None, key: str) -> str:
        provider = self._providers.get(name)
        if provider is None and self.origin is Origin.REST:
            raise NoProviderError(
                f"refers to ${{{name}:…}}, but config.providers of the worker names no provider {name}, and what "
                "comes by REST may use no other"
            )
        if provider is None:
            raise NoProviderError(
                f"refers to an unknown provider in ${{{name}:…}}; known: {', '.join(self._providers)}"
            )
        return self._read[provider.kind](provider, path, key)

    def _from_environment(self, provider: Provider, path: str | None, key: str) -> str:
        name = f"{path}:{key}" if path else key
        if provider.names is not None and not provider.names(name):
            raise UnresolvableError(
                f"refers to the variable {name}, which param.allowlist.pattern of its provider leaves out"
            )
        try:
            return self._environ[name]
        except KeyError:
            raise UnresolvableError(f"needs the environment variable {name}, which is not set") from None

    def _from_file(self, provider: Provider, path: str | None, key: str) -> str:
        if not path:
            raise UnresolvableError("must be written ${file:/path/of.properties:key}")
        path = provider.path(path)
        if path not in self._files:
            self._files[path] = _properties(path)
        try:
            return self._files[path][key]
        except KeyError:
            raise UnresolvableError(f"needs the key {key}, which {path} does not hold") from None

    def _from_directory(self, provider: Provider, path: str | None, key: str) -> str:
        if not path:
            raise UnresolvableError("must be written ${directory:/path:file}")
        path = provider.path(path)
        if "/" in key or key in ("", ".", ".."):
            raise UnresolvableError(f"must name a file directly inside {path}")
        return _text(f"{path}/{key}")


def _text(path: str) -> str:
    try:
        return file_content(path).decode()
    except UnusableError as broken:
        raise UnresolvableError(f"needs the file {path}, which {broken}") from None
    except ValueError:
        raise UnresolvableError(f"needs the file {path}, which cannot be read as text") from None


def _properties(path: str) -> Mapping[str, str]:
    try:
        return files.properties(_text(path)).values
    except files.UnreadableError as fault:
        raise UnresolvableError(f"needs the file {path}, which {fault}") from None


def lines_for(texts: Iterable[str]) -> list[str]:
    """The worker's properties with which what comes by REST may use the references in these texts."""
    return provider_lines([match for text in texts for match in every(_REFERENCE, text)], ())


def provider_lines(references: Sequence[re.Match[str]], configured: Sequence[str]) -> list[str]:
    """``config.providers`` and, for each provider that is missing, its class and the narrowest restriction.

    A provider whose name is neither ``env``, ``file`` nor ``directory`` cannot be guessed and is left out.
    """
    wanted: dict[str, dict[str, None]] = {}
    for name, path, key in (match.groups() for match in references):
        if name in _CLASS_OF:
            wanted.setdefault(name, {})[f"{path}:{key}" if path and name == _ENV else path or key] = None
    if not wanted:
        return []
    lines = [f"config.providers={','.join(dict.fromkeys([*configured, *wanted]))}"]
    for name, used in wanted.items():
        lines.append(f"config.providers.{name}.class={PACKAGE}.{_CLASS_OF[name]}")
        if name == _ENV:
            lines.append(f"config.providers.env.param.allowlist.pattern={'|'.join(used)}")
        else:
            lines.append(f"config.providers.{name}.param.allowed.paths={','.join(used)}")
    return lines


_CLASS_OF: Final = {kind: name for name, kind in CLASSES.items()}
