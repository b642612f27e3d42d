"""What is known of one configuration property: the single declaration everything else is derived from.

The vocabulary is that of Kafka's ``ConfigDef`` (type, default, valid values, importance, group, order), so
that a declaration can be shown as Kafka Connect's own JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from attrs import evolve, field, frozen

Values = Mapping[str, Any]
"""A configuration's values by key, of the type that each property declares; a key without declaration is not there."""


class Type(StrEnum):
    """Types of values, by Kafka's names."""

    STRING = "string"
    INT = "int"
    LONG = "long"
    BOOLEAN = "boolean"
    LIST = "list"
    PASSWORD = "password"  # noqa: S105 - the name of a type
    CLASS = "class"


class Importance(StrEnum):
    """How much a property matters to somebody who fills in the form."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


STRING, INT, LONG, BOOLEAN = Type.STRING, Type.INT, Type.LONG, Type.BOOLEAN
LIST, PASSWORD, CLASS = Type.LIST, Type.PASSWORD, Type.CLASS
HIGH, MEDIUM, LOW = Importance.HIGH, Importance.MEDIUM, Importance.LOW


@frozen
class When:
    """As soon as the property ``key`` has one of ``values``, as text."""

    key: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.key} is {' or '.join(self.values)}"


def _display(property_: Property) -> str:
    words = property_.key.rstrip(".*").replace(".", " ").replace("_", "")
    return words[:1].upper() + words[1:]


@frozen
class Property:
    """One property, or every property below a prefix where ``key`` ends in ``.*``.

    Defaults are text, as a file would give them; ``None`` is no default. A default may hold ``${other.key}``
    of the same table, filled in from the typed values.
    """

    key: str
    type: Type
    doc: str
    default: str | None = None
    importance: Importance = MEDIUM
    valid: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(factory=dict, hash=False)
    """Other accepted spellings of a valid value → the valid value."""
    low: int | None = None
    high: int | None = None
    required: bool = False
    required_when: When | None = None
    used_when: When | None = None
    """It means nothing otherwise; where it is not said, that is ``required_when``."""
    empty_allowed: bool = False
    """The empty string is a value of its own, and does not mean 'not given'."""
    framework: bool = False
    """Kafka Connect's framework declares it, and judges it: a blank value is one, and one without effect counts."""
    case_counts: bool = False
    """A valid value is meant in its own spelling only."""
    check: Callable[[str], str | None] | None = field(default=None, eq=False)
    """What is wrong with a non-empty value, as the end of a sentence, or None."""
    range_text: str = ""
    """Valid values in words, where ``check`` decides."""
    ignored: str | None = None
    """Accepted without effect; why."""
    suffixes: frozenset[str] | None = None
    """The keys allowed below a prefix; None: any."""
    unsupported: str | None = None
    """Refused unless at its default; why."""
    refused: Mapping[str, str] = field(factory=dict, hash=False)
    """Valid values that are refused for now → why."""
    display: str = ""
    group: str = ""
    order: int = 0

    @property
    def secret(self) -> bool:
        """Whether values must never be shown."""
        return self.type is PASSWORD

    @property
    def shown_when(self) -> When | None:
        """When a form has a place for it; None: always."""
        return self.used_when or self.required_when

    @property
    def is_prefix(self) -> bool:
        """Whether the declaration stands for every property below it."""
        return self.key.endswith(".*")

    @property
    def display_name(self) -> str:
        """The property's name in a form."""
        return self.display or _display(self)

    @property
    def valid_text(self) -> str:
        """Valid values in words, or the empty string where anything goes."""
        if self.range_text:
            return self.range_text
        if self.type is BOOLEAN:
            return "true, false"
        if self.valid:
            return ", ".join(value for value in self.valid if value not in self.refused)
        if self.low is None and self.high is None:
            return ""
        return f"[{'…' if self.low is None else self.low}, …, {'…' if self.high is None else self.high}]"

    @property
    def required_text(self) -> str:
        """When the property is required, in words; empty if never."""
        return "yes" if self.required else f"when {self.required_when}" if self.required_when else ""

    @property
    def support_text(self) -> str:
        """What is not supported of it, in words; empty if all is."""
        if self.ignored:
            return f"accepted without effect: {self.ignored}"
        if self.unsupported:
            return f"only the default: {self.unsupported}"
        return "; ".join(f"not {value}: {why}" for value, why in self.refused.items())


def group(title: str, *properties: Property) -> tuple[Property, ...]:
    """The properties as members of a group, in the order given."""
    return tuple(evolve(p, group=title, order=order) for order, p in enumerate(properties, start=1))


def evolve_all(properties: tuple[Property, ...], *, group: str) -> tuple[Property, ...]:
    """The same properties, shown in another group."""
    return tuple(evolve(p, group=group) for p in properties)
