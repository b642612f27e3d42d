"""A registered schema, as the registry gives it."""

from __future__ import annotations

from typing import Final, Literal

from attrs import field, frozen

from bridge.model.registry_documents import MetadataDocument, ReferenceDocument, RuleDocument, RuleSetDocument
from bridge.model.wire import frame_of

Phase = Literal["migrationRules", "domainRules", "encodingRules"]
PHASES: Final[tuple[Phase, ...]] = ("migrationRules", "domainRules", "encodingRules")


@frozen
class Registered:
    """A registered schema; metadata and rule set as the registry gives them."""

    subject: str
    version: int
    id: int
    text: str
    type: str = "AVRO"
    references: tuple[ReferenceDocument, ...] = field(default=(), hash=False)
    metadata: MetadataDocument | None = field(default=None, hash=False)
    rule_set: RuleSetDocument | None = field(default=None, hash=False)
    guid: str | None = None

    @property
    def frame(self) -> bytes:
        """The bytes before a value that this schema writes."""
        return frame_of(self.id)

    def rules(self) -> list[RuleDocument]:
        """Every rule of every phase."""
        rule_set = self.rule_set or {}
        return [rule for phase in PHASES for rule in rule_set.get(phase) or []]

    def encrypts(self) -> bool:
        """Whether an enabled rule says that something in it is to be encrypted."""
        return any(
            str(rule.get("type", "")).startswith("ENCRYPT") and not rule.get("disabled")
            for rule in self.rules()
        )
