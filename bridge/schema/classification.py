"""What is tagged, and why: the contract's own words, then Salesforce's data classification as the contract maps it.

A field that the contract lists has exactly the tags listed there, none where the list is empty. Tags that are
only in the registered schema stay there (``tagging``). Origins are words for people: ``contract``,
``complianceGroup PII``, ``securityClassification Restricted``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from attrs import evolve, frozen

from bridge.schema.contract import Contract
from bridge.schema.model import EventType

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


@frozen
class Classification:
    """How Salesforce classifies one field."""

    security: str | None = None
    compliance: tuple[str, ...] = ()


def from_records(records: Iterable[Mapping[str, Any]]) -> dict[str, Classification]:
    """Of the Tooling API's FieldDefinition records, by field."""
    found = {}
    for record in records:
        name = record.get("QualifiedApiName")
        if isinstance(name, str):
            groups = record.get("ComplianceGroup")
            security = record.get("SecurityClassification")
            found[name] = Classification(
                security if isinstance(security, str) and security else None,
                split(groups if isinstance(groups, str) else ""),
            )
    return found


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


def of_classification(found: Classification | None, contract: Contract) -> dict[str, str]:
    """What the contract's mapping makes of a field's classification."""
    tags: dict[str, str] = {}
    if found is None:
        return tags
    mapping = {_folded(k): v for k, v in contract.compliance_group.items()}
    for group in found.compliance:
        if tag := mapping.get(_folded(group)):
            tags.setdefault(tag, f"complianceGroup {group}")
    levels = {_folded(k): v for k, v in contract.security_classification.items()}
    if found.security and (tag := levels.get(_folded(found.security))):
        tags.setdefault(tag, f"securityClassification {found.security}")
    return tags


def tagged(
    event: EventType, contract: Contract | None, classified: Mapping[str, Classification]
) -> EventType:
    """The event with its fields' tags. ReplayId and EventUuid are not in the payload and carry none."""
    fields = tuple(evolve(f, tags=tags_of(f.name, contract, classified)) for f in event.fields)
    return evolve(event, fields=fields)


def _folded(value: str) -> str:
    """Labels and API values of the same level differ in blanks and case (``Mission Critical``)."""
    return value.replace(" ", "").casefold()
