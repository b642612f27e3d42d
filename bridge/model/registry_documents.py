"""What stands beside a schema in the registry, in the registry's own JSON: references, metadata and rules.

Source: Schema Registry 8.3 REST API (``openapi.yaml``: SchemaReference, Metadata, Rule, RuleSet). Every key but
those of a reference may be missing or null. Keys that are not named here pass through untouched.
"""

from __future__ import annotations

from typing import Required, TypedDict


class ReferenceDocument(TypedDict, total=False):
    """Another subject's version that a schema needs."""

    name: Required[str]
    subject: Required[str]
    version: int | None


class MetadataDocument(TypedDict, total=False):
    """Tags by path, properties, and which of them are secret."""

    tags: dict[str, list[str]] | None
    properties: dict[str, str] | None
    sensitive: list[str] | None


class RuleDocument(TypedDict, total=False):
    """One rule of a rule set."""

    name: str | None
    doc: str | None
    kind: str | None
    mode: str | None
    type: str | None
    tags: list[str] | None
    params: dict[str, str] | None
    expr: str | None
    onSuccess: str | None
    onFailure: str | None
    disabled: bool | None


class RuleSetDocument(TypedDict, total=False):
    """Rules by phase, and where they are run."""

    migrationRules: list[RuleDocument] | None
    domainRules: list[RuleDocument] | None
    encodingRules: list[RuleDocument] | None
    enableAt: str | None
