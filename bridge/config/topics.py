"""The name of the output topic: fixed, or made from the event's fields."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from attrs import frozen

from bridge.config import checks
from bridge.config.placeholders import every, filled
from bridge.config.property import Values
from bridge.errors import BadRecord, Stage

_FIELD: Final = re.compile(r"\$\{([^}]*)\}")

CONSTANTS: Final = frozenset({"_ObjectType", "_EventType"})
"""What may be filled in and is no field of the record: the event's name, and its schema's id."""


@frozen
class TopicTemplate:
    """``kafka.topic`` as given; ``${field}`` stands for a field of the record."""

    text: str
    lowercase: bool = True

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that are filled in, in order."""
        return tuple(match[1] for match in every(_FIELD, self.text))

    @property
    def fixed(self) -> str | None:
        """The topic's final name if no field is filled in."""
        return None if self.fields else self._final(self.text)

    def fill(self, value_of: Callable[[str], object]) -> str:
        """The topic's final name. Raises BadRecord where a field is missing or gives no valid name."""
        return self._final(filled(_FIELD, self.text, lambda reference: self._part(reference[1], value_of)))

    def _part(self, name: str, value_of: Callable[[str], object]) -> str:
        value = value_of(name)
        if value is None or value == "":
            raise BadRecord(
                f"kafka.topic needs the field {name}, which the event leaves empty",
                stage=Stage.TRANSFORMATION,
            )
        return str(value)

    def _final(self, name: str) -> str:
        if checks.topic(name):
            raise BadRecord(
                "kafka.topic, its fields filled in, gives no valid name of a topic",
                stage=Stage.TRANSFORMATION,
            )
        return name.lower() if self.lowercase else name


def topic_template(connector: Values) -> TopicTemplate:
    """The template a connector's configuration describes."""
    return TopicTemplate(connector["kafka.topic"], connector["kafka.topic.lowercase"])
