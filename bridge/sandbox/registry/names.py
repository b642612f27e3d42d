"""Contexts and qualified subjects: ``:.ctx:subject``; whatever is not qualified is in the default context."""

from __future__ import annotations

import unicodedata
from typing import Final

from attrs import frozen

from bridge.sandbox.registry.error_codes import BareError, RegistryError

DEFAULT: Final = "."
GLOBAL: Final = ".__GLOBAL"
ALL: Final = ":*:"


@frozen(order=True)
class Name:
    """A subject in its context; an empty subject stands for the context itself."""

    context: str
    subject: str

    def __str__(self) -> str:
        return self.subject if self.context == DEFAULT else f":{self.context}:{self.subject}"

    @property
    def context_prefix(self) -> str:
        """``:.ctx:``, empty for the default context."""
        return "" if self.context == DEFAULT else f":{self.context}:"


def parse(text: str) -> Name:
    """A subject as it stands in a path or query."""
    if text.startswith(ALL):
        return Name("*", text[len(ALL) :])
    if not text.startswith(":."):
        return Name(DEFAULT, text)
    context, _, subject = text[1:].partition(":")
    return Name(context, subject)


def is_qualified(text: str) -> bool:
    """Whether the text names another context than the default one."""
    return parse(text).context != DEFAULT


def checked(name: Name, *, setting: bool = False) -> Name:
    """The name, if a schema may be registered under it, or (``setting``) something be set for it. Raises 42208.

    An empty subject may be registered, for old times' sake; under ``:.__GLOBAL:`` nothing but settings may be.
    """
    bad = name.subject in ("__GLOBAL", "__EMPTY") or (name.context == GLOBAL and not setting)
    if bad or not is_printable(str(name)):
        raise RegistryError(42208, f"The specified subject '{name}' is not a valid.")
    return name


def beside(text: str, parent: Name) -> Name:
    """The subject that an alias or a reference of ``parent`` names: in the same context, unless it names one."""
    name = parse(text)
    return name if name.context != DEFAULT else Name(parent.context, name.subject)


def is_printable(text: str) -> bool:
    """Whether the text is free of control characters."""
    return all(unicodedata.category(character) != "Cc" for character in text)


def context_of_path(segment: str) -> str:
    """The context a path ``/contexts/{segment}/…`` names: ``.ctx``, ``ctx`` or ``:.ctx:``."""
    name = segment[1:-1] if len(segment) > 2 and segment[0] == segment[-1] == ":" else segment
    if ":" in name:
        raise BareError(400, f"Context name '{name}' cannot contain a colon")
    return name if name.startswith(".") else f".{name}"


def has_prefix(name: Name, prefix: str) -> bool:
    """Whether a subject falls under ``subjectPrefix``: ``:*:p`` in any context, else in the one it names."""
    if prefix.startswith(ALL):
        return name.subject.startswith(prefix[len(ALL) :])
    wanted = parse(prefix)
    return name.context == wanted.context and name.subject.startswith(wanted.subject)
