"""The subjects that a connector writes with, as far as its configuration says."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bridge.config import Config, topic_template
from bridge.config.declarations.formats import REGISTRY_TYPES
from bridge.config.subscription import events
from bridge.errors import ConfigurationError, Fault
from bridge.metadata.infer import NAMESPACE
from bridge.model.subjects import STRATEGIES


def subjects_of(connector: Config) -> list[str]:
    """Without their context; nothing where they depend on the events. ConfigurationError without a schema."""
    form = connector["output.data.format"]
    if form not in REGISTRY_TYPES:
        raise ConfigurationError([Fault("output.data.format", f"{form} is written without a schema", form)])
    template = topic_template(connector)
    strategy = (
        connector.prefixed("value.converter.").get("value.subject.name.strategy") or "TopicNameStrategy"
    )
    if not set(template.fields) <= {"_ObjectType"}:
        return []
    names = []
    for event in events(connector):
        topic = template.fill(lambda _, event=event: event)  # type: ignore[misc]  # bound now
        names.append(STRATEGIES[strategy.rpartition(".")[2]](topic, f"{NAMESPACE}.{event}"))
    return list(dict.fromkeys(names))


def event_of(text: str, known: Mapping[str, object]) -> str | None:
    """The event a schema is of: its record is named after it."""
    return next((event for event in known if re.search(rf"\b{re.escape(event)}\b", text)), None)
