"""What is tagged, and why: the contract's own words, then Salesforce's data classification as the contract maps it.

A field that the contract lists has exactly the tags listed there, none where the list is empty. Tags that are
only in the registered schema stay there (``tagging``). Origins are words for people: ``contract``,
``complianceGroup PII``, ``securityClassification Restricted``.

Salesforce tells the classification of a new field later than it publishes events with it. A field whose
classification is not known is never a field without tags: it is waited for (``Classifications``).
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Protocol, runtime_checkable

from attrs import evolve, frozen

from bridge.errors import Fatal, Retriable, Stage
from bridge.model.contract import Contract, protects
from bridge.model.schema import EventField, EventType
from bridge.retry import TIMEOUT, patiently
from bridge.waits import FRESH

COMPLIANCE: Final = {
    "PII": "PII",
    "GDPR": "PII",
    "CCPA": "PII",
    "COPPA": "PII",
    "HIPAA": "PHI",
    "PCI": "PCI",
}
"""Salesforce's compliance categories → tags, where no contract says otherwise."""
SECURITY: Final = {"Restricted": "CONFIDENTIAL", "MissionCritical": "CONFIDENTIAL"}
"""Salesforce's sensitivity levels → tags, where no contract says otherwise."""
UNCLASSIFIED: Final = frozenset({"ReplayId", "CreatedDate", "CreatedById", "EventUuid", "ChangeEventHeader"})
"""What every event has of itself. Nobody can classify it, so that it is not waited for."""
_IN_PLACE: Final = frozenset({"address", "location"})
"""Compound fields whose parts stay where they are: what the object calls them by itself holds no value."""
GONE: Final = "gone in Salesforce, classification unknown"
"""The origin of the tags of a field that Salesforce says nothing of any more."""


@frozen
class Classification:
    """How Salesforce classifies one field."""

    security: str | None = None
    compliance: tuple[str, ...] = ()


def from_records(records: Iterable[Mapping[str, object]]) -> dict[str, Classification]:
    """Of the Tooling API's FieldDefinition records, by field."""
    classified = {}
    for record in records:
        name = record.get("QualifiedApiName")
        if isinstance(name, str):
            groups = record.get("ComplianceGroup")
            security = record.get("SecurityClassification")
            classified[name] = Classification(
                security if isinstance(security, str) and security else None,
                split(groups if isinstance(groups, str) else ""),
            )
    return classified


def split(groups: str) -> tuple[str, ...]:
    """The values of a multi-select: ``PII;GDPR``."""
    return tuple(dict.fromkeys(part for each in re.split(r"[;,]", groups) if (part := each.strip())))


def maps(contract: Contract | None) -> bool:
    """Whether a contract wants Salesforce's classification to be looked at."""
    return contract is not None and bool(contract.compliance_group or contract.security_classification)


def tags_of(name: str, contract: Contract | None, classified: Mapping[str, Classification]) -> dict[str, str]:
    """A field's tags, each with its origin."""
    if contract is None:
        return {}
    if name in contract.fields:
        return dict.fromkeys(contract.fields[name].tags, "contract")
    return of_classification(classified.get(name), contract)


def of_classification(classification: Classification | None, contract: Contract) -> dict[str, str]:
    """What the contract's mapping makes of a field's classification."""
    tags: dict[str, str] = {}
    if classification is None:
        return tags
    mapping = {_folded(k): v for k, v in contract.compliance_group.items()}
    for group in classification.compliance:
        if tag := mapping.get(_folded(group)):
            tags.setdefault(tag, f"complianceGroup {group}")
    levels = {_folded(k): v for k, v in contract.security_classification.items()}
    if classification.security and (tag := levels.get(_folded(classification.security))):
        tags.setdefault(tag, f"securityClassification {classification.security}")
    return tags


def tagged(
    event: EventType, contract: Contract | None, classified: Mapping[str, Classification]
) -> EventType:
    """The event with its fields' tags. ReplayId and EventUuid are not in the payload and carry none.

    What tags a compound field of a change event tags its parts; a part may have tags of its own besides. What tags a
    part of a name tags the name, too: it may come as one text.
    """
    compounds = {f.name: f for f in event.fields if f.children}

    def of(name: str) -> dict[str, str]:
        return tags_of(name, contract, classified)

    def of_field(f: EventField) -> EventField:
        own = of(f.name)
        whole = compounds.get(f.part_of or "")
        if whole is not None and whole.type in _IN_PLACE:
            own = {}
        elif whole is not None and (contract is None or f.name not in contract.fields):
            own = {**of(whole.name), **own}
        children = tuple(evolve(c, tags=of(c.flat)) if c.flat else c for c in f.children)
        if children and f.type not in _IN_PLACE and (contract is None or f.name not in contract.fields):
            own = {**own, **{tag: words for child in children for tag, words in child.tags.items()}}
        return evolve(f, tags=own, children=children)

    return evolve(event, fields=tuple(map(of_field, event.fields)))


def every_tag(contract: Contract) -> dict[str, str]:
    """All tags that the contract maps a classification to: those of a field of which nothing is known."""
    return dict.fromkeys(
        (*contract.compliance_group.values(), *contract.security_classification.values()), GONE
    )


LastAnswers = dict[str, dict[str, Classification]]
"""Event → field → what Salesforce said of it last; fields that are gone are kept."""


class Source(Protocol):
    """Who is asked; ``bridge.salesforce.rest.Rest`` answers it."""

    def describe(self, event: str) -> dict[str, Any]:
        """The event as it is declared today."""
        ...

    def field_classification(self, event: str) -> list[dict[str, Any]]:
        """The Tooling API's FieldDefinition records of an event."""
        ...


@runtime_checkable
class Shares(Protocol):
    """A source that keeps answers for all connectors of the process."""

    def shared_classification(self, event: str, newer_than: float) -> tuple[float, list[dict[str, Any]]]:
        """As ``field_classification``, asked for after ``newer_than`` (monotonic) by anybody; and when."""


_seen: Final[dict[str, float]] = {}
_MOST_SEEN: Final = 10_000
_seen_lock: Final = threading.Lock()


def _first_seen(event: EventType) -> float:
    """When (monotonic) the process first met a schema: an answer of before may lack what came with it."""
    now = time.monotonic()
    if event.schema_id is None:
        return now
    with _seen_lock:
        while len(_seen) >= _MOST_SEEN:
            del _seen[next(iter(_seen))]
        return _seen.setdefault(event.schema_id, now)


class Classifications:
    """The tags of events as they are carried. Asks Salesforce where the event's contract maps classification:
    for a schema that is new, for a field that no answer has named yet, and again after ``ttl`` seconds.

    A field that the classification does not name, though describe has it, is not known yet: it is waited for up to
    ``patience`` seconds (``errors.retry.timeout``). One that describe lacks, too, is gone in Salesforce: it keeps the
    classification it had last, or has every tag that the contract maps. Belongs to one thread, but for ``close``.
    """

    def __init__(
        self,
        source: Source,
        contracts: Mapping[str, Contract],
        warn: Callable[[str], None],
        last: LastAnswers | None = None,
        *,
        protecting: bool,
        ttl: float,
        patience: float,
    ) -> None:
        """``protecting``: the connector encrypts, so that a classification that may not be read is fatal."""
        self._source, self._contracts, self._warn = source, contracts, warn
        self._protecting, self._ttl, self._patience = protecting, ttl, patience
        self._answers: dict[str, tuple[float, dict[str, Classification]]] = {}
        self._last: LastAnswers = {} if last is None else last
        self._said: set[str] = set()
        self._closed = threading.Event()

    def close(self) -> None:
        """From any thread: wait for no classification any more."""
        self._closed.set()

    def tagged(self, event: EventType, *, new: bool) -> EventType:
        """The event with its fields' tags. ``new``: its schema has not been seen before.

        Fatal, with the fields' names, where their classification does not become known; Retriable.
        """
        contract = self._contracts.get(event.name)
        if contract is None:
            return event
        if not maps(contract):
            return tagged(event, contract, {})
        classified = self._classified(event, contract, new)
        if classified is None:
            return tagged(event, contract, self._last.get(event.name, {}))
        event = tagged(event, contract, {**self._last[event.name], **classified})
        forgotten = _unnamed(event, contract, self._last[event.name])
        if not forgotten:
            return event
        tags = every_tag(contract)
        names = ", ".join(sorted(forgotten))
        self._say(
            f"{names} of {event.name} is gone in Salesforce, and how it was classified is not known: it is treated as "
            f"tagged {', '.join(tags)}; list it under fields in the contract to say otherwise"
        )
        fields = tuple(evolve(f, tags=tags) if {f.name, f.part_of} & forgotten else f for f in event.fields)
        return evolve(event, fields=fields)

    def _classified(
        self, event: EventType, contract: Contract, new: bool
    ) -> Mapping[str, Classification] | None:
        """The classification of today; None where it may not be read and nothing is encrypted."""
        asked, answer = self._answers.get(event.name, (float("-inf"), {}))
        fresh_since = time.monotonic() - self._ttl * FRESH
        is_short = bool(_unnamed(event, contract, answer))
        if not new and asked > fresh_since and not is_short:
            return answer
        # another connector's answer will do, if it is as new as an own one would have to be
        newer_than = max(
            fresh_since, _first_seen(event) if new else fresh_since, asked if is_short else fresh_since
        )
        unknown: list[str] = []

        def attempt() -> Mapping[str, Classification] | None:
            nonlocal newer_than
            unknown.clear()
            classified = self._ask(event.name, contract, newer_than)
            newer_than = self._answers.get(event.name, (newer_than, {}))[0]
            if classified is not None and (unnamed := _unnamed(event, contract, classified)):
                declared = {
                    field.get("name") for field in self._source.describe(event.name).get("fields", ())
                }
                unknown.extend(sorted(unnamed & declared))
            if unknown:
                raise Retriable(_unknown(event.name, unknown), stage=Stage.METADATA)
            return classified

        try:
            return patiently(attempt, seconds=self._patience, limit=TIMEOUT, pause=self._closed.wait)
        except Retriable as given_up:
            if not unknown or self._closed.is_set():
                raise
            raise Fatal(
                f"{given_up.message}; nothing of it is written before that is known: let the user read FieldDefinition "
                "in the Tooling API, or list the field under fields in the contract",
                stage=Stage.METADATA,
            ) from None

    def _ask(self, event: str, contract: Contract, newer_than: float) -> dict[str, Classification] | None:
        asked = time.monotonic()
        try:
            if isinstance(self._source, Shares):
                asked, records = self._source.shared_classification(event, newer_than)
            else:
                records = self._source.field_classification(event)
            classified = from_records(records)
        except Fatal as refused:
            if self._protecting or protects(contract):
                raise
            self._say(
                f"Salesforce does not tell how the fields of {event} are classified ({refused.message}): "
                "no field is tagged for it"
            )
            return None
        self._answers[event] = (asked, classified)
        self._last.setdefault(event, {}).update(classified)
        return classified

    def _say(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._warn(text)


def _unnamed(
    event: EventType, contract: Contract, classified: Mapping[str, Classification]
) -> frozenset[str]:
    """The fields whose tags only a classification can tell, and that this one does not name. A compound field is named
    by all its parts, too."""
    told = {*classified, *contract.fields}
    parts = {f.name: {child.flat for child in f.children if child.flat} for f in event.fields}
    return frozenset(
        f.name
        for f in event.fields
        if f.part_of is None
        and f.name not in UNCLASSIFIED
        and f.name not in told
        and not (parts[f.name] and parts[f.name] <= told)
    )


def _unknown(event: str, fields: Iterable[str]) -> str:
    return f"Salesforce does not tell yet how {', '.join(fields)} of {event} is classified"


def _folded(value: str) -> str:
    """Labels and API values of the same level differ in blanks and case (``Mission Critical``)."""
    return value.replace(" ", "").casefold()
