"""The shapes of a registry's answers. What the registry says passes through as it is; here it is only looked at.

Source: Schema Registry 8.3 REST API and its DEK registry (``openapi.yaml`` of both). What an older or another registry
does not send may be missing; what it sends has these types, or the answer is none that could be acted on.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from bridge.documents import Broken, fitting
from bridge.errors import Fatal, Stage

_Id = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


class Reference(msgspec.Struct):
    """Another subject's version that a schema needs."""

    name: str
    subject: str
    version: int | None = None


class Metadata(msgspec.Struct):
    """Tags by path, properties, and which of them are secret."""

    tags: dict[str, list[str]] | None = None
    properties: dict[str, str] | None = None
    sensitive: list[str] | None = None


class Rule(msgspec.Struct):
    """One rule of a rule set."""

    name: str | None = None
    type: str | None = None
    kind: str | None = None
    mode: str | None = None
    tags: list[str] | None = None
    params: dict[str, str] | None = None
    expr: str | None = None
    disabled: bool | None = None


class RuleSet(msgspec.Struct):
    """Rules by phase."""

    migrationRules: list[Rule] | None = None  # noqa: N815 - the wire's own name
    domainRules: list[Rule] | None = None  # noqa: N815 - the wire's own name
    encodingRules: list[Rule] | None = None  # noqa: N815 - the wire's own name


class Schema(msgspec.Struct):
    """A schema asked for by its id."""

    schema: str
    schemaType: str | None = None  # noqa: N815 - the wire's own name
    references: list[Reference] | None = None
    metadata: Metadata | None = None
    ruleSet: RuleSet | None = None  # noqa: N815 - the wire's own name
    guid: str | None = None


class Version(Schema, kw_only=True):
    """A version of a subject."""

    subject: str
    version: _Id
    id: _Id


class Registration(msgspec.Struct):
    """What registering answers; older registries name the id alone."""

    id: _Id
    version: int | None = None


class Verdict(msgspec.Struct):
    """Whether a schema is compatible, and what stands against it."""

    is_compatible: bool
    messages: list[str] | None = None


class Kek(msgspec.Struct):
    """A key encryption key's registration."""

    name: str
    kmsType: str  # noqa: N815 - the wire's own name
    kmsKeyId: str  # noqa: N815 - the wire's own name
    kmsProps: dict[str, str] | None = None  # noqa: N815 - the wire's own name
    shared: bool | None = None
    deleted: bool | None = None
    doc: str | None = None


class Dek(msgspec.Struct):
    """A data encryption key's registration."""

    kekName: str  # noqa: N815 - the wire's own name
    subject: str
    version: _Id
    algorithm: str | None = None
    encryptedKeyMaterial: str | None = None  # noqa: N815 - the wire's own name
    keyMaterial: str | None = None  # noqa: N815 - the wire's own name
    ts: int | None = None
    deleted: bool | None = None


def checked(answer: Any, shape: Any, what: str, stage: Stage = Stage.SCHEMA) -> Any:
    """The answer itself, if it has the shape. Fatal in a sentence about ``what`` was asked."""
    try:
        fitting(answer, shape)
    except Broken as broken:
        raise Fatal(f"the registry's answer about {what} {broken}", stage=stage) from None
    return answer
