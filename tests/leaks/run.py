"""One case on the stage: its names and values, the event as it is declared, the rule that protects it."""

from __future__ import annotations

from typing import Any, Final

from attrs import define, field

from bridge.sandbox.definition import EventDefinition, FieldDefinition
from tests.leaks.cases import CONTACT, SECRET, Case

LONGEST: Final = 150.0  # seconds that anything is waited for
_FIELDS: Final = (
    FieldDefinition("Order_Number__c"), FieldDefinition("Status__c"), FieldDefinition("Amount__c", "double"),
)  # fmt: skip


@define
class Run:
    """One case on the stage."""

    case: Case
    name: str
    topic: str
    number: int
    vault: str
    published: list[int] = field(factory=list)
    state: str = ""
    told: str = ""

    @property
    def event(self) -> str:
        return f"Leak_{self.number}__e"

    @property
    def secret(self) -> str:
        """The protected value: a word that is a legal name of a topic, and stands nowhere else."""
        return f"zdenka{self.number}tajemna"

    @property
    def contact(self) -> str:
        """The value of the field that is protected all the time."""
        return f"pavla{self.number}skryta"

    @property
    def marker(self) -> str:
        """A value of a field that nobody protects: what the search must find."""
        return f"marker{self.number}public"

    @property
    def dead(self) -> str:
        return f"{self.topic}-dead"

    @property
    def subject(self) -> str:
        if self.case.transform == "template":
            return f"io.confluent.salesforce.{self.event}"
        return f"{self.topic}-value"

    def definition(self, *, changed: bool) -> EventDefinition:
        """The event as it is declared before and after what happens while it is carried."""
        case = self.case
        tagged = case.source == "classification" and (case.known == "before" or changed)
        secret = FieldDefinition(SECRET, compliance_group="PII" if tagged else None)
        contact = FieldDefinition(
            CONTACT, compliance_group="PII" if case.source == "classification" else None
        )
        there = case.known != "with" or changed
        return EventDefinition(self.event, (*_FIELDS, contact, *((secret,) if there else ())))

    def rule(self) -> dict[str, Any]:
        return {
            "name": "pii", "kind": "TRANSFORM", "type": "ENCRYPT", "mode": "WRITEREAD", "tags": ["PII"],
            "params": {
                "encrypt.kek.name": self.name, "encrypt.kms.type": self.case.kms,
                "encrypt.kms.key.id": f"{self.vault}/transit/keys/k" if self.case.kms == "hcvault" else "k",
            },
        }  # fmt: skip
