"""The fields that a configuration names, held against those that the event has: a run would end at its first event."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from attrs import evolve

from bridge.config import Config, topic_template
from bridge.config.topics import CONSTANTS
from bridge.errors import Fault
from bridge.errors.words import quoting
from bridge.metadata.infer import record_schema
from bridge.metadata.sources import not_there
from bridge.model.contract import Contract
from bridge.model.schema import EventType
from bridge.transforms.configuration import chain_of
from bridge.transforms.wanted import RECORD_KEY, key_field


def faults_of(
    config: Config, event: EventType, described: Iterable[object], contract: Contract | None
) -> list[Fault]:
    """Every field that contract, topic, key or transforms name and the event has not. ConfigurationError for transforms
    that are wrong by themselves. ``described``: the names of its fields as describe has them."""
    schema = record_schema(event)
    names = {field.name for field in schema.fields} | CONSTANTS
    faults = [
        evolve(one, message=one.message + _hint(one.key.removeprefix("fields."), names))
        for one in (not_there(contract, event, described) if contract is not None else ())
    ]
    asked = dict.fromkeys(("kafka.topic", name) for name in topic_template(config).fields)
    if (key := key_field(config.raw())) is not None and not (event.entity is not None and key == "Id"):
        asked[RECORD_KEY, key] = None
    lacking = [(property_, name) for property_, name in asked if name not in names]
    faults += [Fault(property_, _lacks(event.name, name, names)) for property_, name in lacking]
    if not any(property_ == RECORD_KEY for property_, _ in lacking):
        faults += _transforms(config, event)
    return faults


def _transforms(config: Config, event: EventType) -> Iterator[Fault]:
    refused = chain_of(config.raw()).refused(record_schema(event))
    if refused is not None:
        yield Fault(
            refused.alias, f"{refused.reason}: every event of {event.name} that comes to it would be refused"
        )


def _lacks(event: str, name: str, names: Iterable[str]) -> str:
    return f"names the field {name}, and {event} has no such field{_hint(name, names)}"


def _hint(name: str, names: Iterable[str]) -> str:
    close = get_close_matches(name, sorted(names), n=1) if quoting() else []
    return f"; did you mean {close[0]}?" if close else ""
