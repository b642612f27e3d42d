"""A chain of configured transforms, and what it does to a record, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attrs import evolve, frozen

from bridge.errors import BadRecord, Fatal, Stage
from bridge.java.exceptions import JavaError
from bridge.model.schema import Schema
from bridge.transforms.predicates import Predicate
from bridge.transforms.record import ConnectRecord
from bridge.transforms.step import Leak, Moved, Routing, State, Transform
from bridge.transforms.wanted import RECORD_KEY

_MOST_WAYS: Final = 1024


def property_of(alias: str) -> str:
    """The property that an alias stands for, as it is named to people."""
    return RECORD_KEY if alias.startswith(RECORD_KEY) else f"transforms.{alias}"


@frozen
class Link:
    """One transform, and which records it is applied to."""

    alias: str
    transform: Transform
    predicate: Predicate | None = None
    negated: bool = False

    def concerns(self, record: ConnectRecord) -> bool:
        """Whether the predicate, if there is one, holds."""
        return self.predicate is None or self.predicate(record) is not self.negated


@frozen
class Found:
    """A leak and the transform that makes it."""

    alias: str
    leak: Leak

    def __str__(self) -> str:
        return (
            f"{property_of(self.alias)} puts the field {self.leak.field} (tagged {', '.join(sorted(self.leak.tags))}) "
            f"into {self.leak.into}"
        )


@frozen
class Refused:
    """A transform that can work on no record: ``alias`` as it is named to people, and why."""

    alias: str
    reason: str


class Chain:
    """Transforms in order. Each binds itself to a schema once and remembers it; not for several threads."""

    def __init__(self, links: tuple[Link, ...]) -> None:
        self.links: Final = links
        self.own: Final = any(link.transform.own for link in links)
        """Whether one of them is the user's, of which nobody knows what it depends on."""
        self._steps: Final = tuple((link, link.transform.apply) for link in links)

    def __bool__(self) -> bool:
        return bool(self.links)

    def apply(self, record: ConnectRecord) -> bool:
        """Change what the record holds, never a value in place; False: it was dropped.

        Raises BadRecord(stage=TRANSFORMATION), naming the transform and not the value.
        """
        for link, apply in self._steps:
            try:
                if (link.predicate is None or link.concerns(record)) and not apply(record):
                    return False
            except JavaError as error:
                raise failed(link, error) from None
        return True

    def explain(self, record: ConnectRecord) -> Iterator[tuple[str, ConnectRecord | None]]:
        """The alias of each transform that concerns the record, and what the record is after it; None: dropped."""
        for link in self.links:
            record = record.copy()
            try:
                if not link.concerns(record):
                    continue
                kept = link.transform.apply(record)
            except JavaError as error:
                raise failed(link, error) from None
            yield link.alias, record if kept else None
            if not kept:
                return

    def fixed_topic(self, topic: str) -> str | None:
        """The topic of every record that comes with this one; None where it depends on the record."""
        record = ConnectRecord(topic, None, None)
        for link in self.links:
            if link.transform.routing is Routing.NONE:
                continue
            if link.transform.routing is Routing.BY_RECORD or link.predicate is not None:
                return None
            try:
                link.transform.apply(record)
            except JavaError:
                return None
        return record.topic

    def moved(self, topic: str, value: Schema) -> Moved | None:
        """What becomes of every record of a topic and schema, where no transform has to look at its values."""
        state = Moved(topic, value, {field.name: field.name for field in value.fields})
        for link in self.links:
            try:
                after = link.transform.moved(state) if link.predicate is None else None
            except JavaError:
                return None  # its records will say so
            if after is None:
                return None
            state = after
        return state

    def ends(self, value: Schema) -> tuple[tuple[State, ...], tuple[Found, ...]]:
        """As ``trace``, for every record: a transform with a predicate concerns some and passes others.

        Every way through the chain has an end, ends that are alike one. Fatal for too many ways.
        """
        states: dict[tuple[Schema | None, Schema | None], State] = {(None, value): State(value=value)}
        findings: dict[Found, None] = {}
        for link in self.links:
            after: dict[tuple[Schema | None, Schema | None], State] = {}
            for state in states.values():
                if link.predicate is not None:
                    after[state.key, state.value] = state
                try:
                    traced = link.transform.trace(evolve(state, leaks=()))
                except JavaError:
                    traced = state  # its records will say so
                findings |= dict.fromkeys(Found(link.alias, leak) for leak in traced.leaks)
                after[traced.key, traced.value] = evolve(traced, leaks=())
            if len(after) > _MOST_WAYS:
                raise Fatal(
                    f"{property_of(link.alias)}: transforms with predicates can shape a record in more than "
                    f"{_MOST_WAYS} ways, too many to follow protected fields through: use fewer predicates",
                    stage=Stage.TRANSFORMATION,
                )
            states = after
        return tuple(states.values()), tuple(findings)

    def refused(self, value: Schema) -> Refused | None:
        """The first transform that refuses every record of a schema; None where none does, or where only some records
        come to it."""
        state = State(value=value)
        for link in self.links:
            if link.predicate is not None:
                return None
            try:
                state = link.transform.trace(evolve(state, leaks=()))
            except JavaError as error:
                return Refused(property_of(link.alias), _reason(error))
            if state.value is None:
                return None
        return None

    def trace(self, value: Schema) -> tuple[State, tuple[Found, ...]]:
        """Key and value schema of a record that every transform concerns, and where tagged fields leave the value.

        What a transform cannot work on is passed over here; its records will say so.
        """
        state, findings = State(value=value), []
        for link in self.links:
            before = state
            try:
                state = link.transform.trace(evolve(state, leaks=()))
            except JavaError:
                state = before
                continue
            findings += [Found(link.alias, leak) for leak in state.leaks]
        return state, tuple(findings)


def failed(link: Link, error: JavaError) -> BadRecord:
    """The error as the pipeline knows it. The field's value that Connect shows is left out."""
    return BadRecord(f"{property_of(link.alias)}: {_reason(error)}", stage=Stage.TRANSFORMATION)


def _reason(error: JavaError) -> str:
    return error.without_value or error.message or error.java_class.rpartition(".")[2]
