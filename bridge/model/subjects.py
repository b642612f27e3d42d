"""Under which name a value's schema is registered: strategies and contexts.

The strategies are those of Confluent's serializers. A context qualifies the subject as ``:.context:subject``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bridge.errors import Fatal, Stage

DEFAULT_CONTEXT: Final = "default"

STRATEGIES: Final[dict[str, Callable[[str, str], str]]] = {
    "TopicNameStrategy": lambda topic, record: f"{topic}-value",
    "RecordNameStrategy": lambda topic, record: record,
    "TopicRecordNameStrategy": lambda topic, record: f"{topic}-{record}",
}
"""Strategy → subject of a topic and a record's full name."""


def subject_name(strategy: str, topic: str, record: str, context: str) -> str:
    """The qualified subject. ``strategy`` is a class name, with or without its package."""
    name = STRATEGIES[strategy.rpartition(".")[2]](topic, record)
    return qualified(name, context)


def qualified(subject: str, context: str) -> str:
    """``subject`` in a context; ``default``, ``.`` and the empty name are the default context."""
    return f"{prefix(context)}{subject}"


def shown_context(name: str) -> str:
    """A context of the registry's as one would give it: ``sales`` for ``.sales``."""
    plain = name.removeprefix(".") or DEFAULT_CONTEXT
    return plain if plain == DEFAULT_CONTEXT or plain.lower() != DEFAULT_CONTEXT else name


def prefix(context: str) -> str:
    """What stands before subjects of a context: ``:.name:``, nothing for the default context. As ``context_name``."""
    name = context_name(context)
    return f":{name}:" if name else ""


def context_name(context: str) -> str:
    """A context as the registry calls it: ``.name``; empty for the default one. Fatal for what can be no name.

    The word ``default`` means that one however it is written; a context that is called ``Default`` is ``.Default``.
    """
    if context.strip().lower() == DEFAULT_CONTEXT:
        return ""
    name = context.strip().strip(":").removeprefix(".")
    if name in ("", DEFAULT_CONTEXT):
        return ""
    if ":" in name or any(ord(c) < 32 for c in name):
        raise Fatal(
            "schema.context.name holds a colon or a control character; a context is a plain name",
            stage=Stage.CONFIGURATION,
        )
    return f".{name}"
