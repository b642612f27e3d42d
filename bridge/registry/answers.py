"""The shapes of a registry's answers. What the registry says passes through as it is; here it is only looked at.

Source: Schema Registry 8.3 REST API and its DEK registry (``openapi.yaml`` of both). What an older or another registry
does not send may be missing; what it sends has these types, or the answer is none that could be acted on.
"""

from __future__ import annotations

from typing import Annotated, Required, TypedDict, TypeVar, cast

import msgspec

from bridge.documents import Broken, fitting
from bridge.errors import Fatal, Stage
from bridge.model.registry_documents import MetadataDocument, ReferenceDocument, RuleSetDocument

T = TypeVar("T")
_Id = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


class Schema(TypedDict, total=False):
    """A schema asked for by its id."""

    schema: Required[str]
    schemaType: str | None
    references: list[ReferenceDocument] | None
    metadata: MetadataDocument | None
    ruleSet: RuleSetDocument | None
    guid: str | None


class Version(Schema, total=False):
    """A version of a subject."""

    subject: Required[str]
    version: Required[_Id]
    id: Required[_Id]


class Registration(TypedDict, total=False):
    """What registering answers; older registries name the id alone."""

    id: Required[_Id]
    version: int | None


class Verdict(TypedDict, total=False):
    """Whether a schema is compatible, and what stands against it."""

    is_compatible: Required[bool]
    messages: list[str] | None


class Kek(TypedDict, total=False):
    """A key encryption key's registration."""

    name: Required[str]
    kmsType: Required[str]
    kmsKeyId: Required[str]
    kmsProps: dict[str, str] | None
    shared: bool | None
    deleted: bool | None
    doc: str | None


class Dek(TypedDict, total=False):
    """A data encryption key's registration."""

    kekName: Required[str]
    subject: Required[str]
    version: Required[_Id]
    algorithm: str | None
    encryptedKeyMaterial: str | None
    keyMaterial: str | None
    ts: int | None
    deleted: bool | None


def checked(answer: object, shape: type[T], what: str, stage: Stage = Stage.SCHEMA) -> T:
    """The answer itself, if it has the shape. Fatal in a sentence about ``what`` was asked."""
    try:
        fitting(answer, shape)
    except Broken as broken:
        raise Fatal(f"the registry's answer about {what} {broken}", stage=stage) from None
    return cast(T, answer)
