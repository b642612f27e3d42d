"""An exported configuration, in any form that ``sfbridge migrate`` reads, as properties of a connector of ours."""

from __future__ import annotations

from typing import Final

from attrs import define

from bridge.api.exchange import Answer, Ask, fields
from bridge.api.users import Role
from bridge.api.v1.here import Here
from bridge.api.v1.operation import STRING, Operation, closed, listed, record, ref
from bridge.config.exports import properties_in
from bridge.config.files import UnreadableError
from bridge.config.migration import migrate
from bridge.inspection.configuration import LOADER
from bridge.worker.refusals import Refused


@define(eq=False)
class Migrations:
    """The handlers."""

    here: Here

    def read(self, ask: Ask) -> Answer:
        text = fields(ask.json(), ("text",), "The request").get("text")
        if not isinstance(text, str):
            raise Refused(400, "text must be the exported configuration")
        try:
            result = migrate(properties_in(text), LOADER)
        except UnreadableError as wrong:
            raise Refused(400, f"The configuration {wrong}") from None
        findings = [
            {"kind": str(one.kind), "property": one.key, "message": one.message} for one in result.findings
        ]
        return Answer(
            200,
            {"connector": result.connector, "worker": result.worker, "findings": findings},
            {"Cache-Control": "no-store"},
        )


_PROPERTIES: Final = {"type": "object", "additionalProperties": {"type": "string"}}
SCHEMAS: Final = {
    "ExportedText": closed("text", text={**STRING, "description": "JSON, .properties, YAML or Terraform, as exported"}),
    "Finding": record("kind", "property", "message", kind=STRING, property=STRING, message=STRING),
    "Migrated": record(
        "connector", "worker", "findings",
        connector={**_PROPERTIES, "description": "The connector's properties; literal secrets became references"},
        worker={**_PROPERTIES, "description": "What belongs to the worker"},
        findings=listed(ref("Finding"), "What should be known, the most urgent kind first"),
    ),
}  # fmt: skip
OPERATIONS: Final[tuple[Operation[Migrations], ...]] = (
    Operation(
        "POST", "/bridge/v1/migrate", "An exported configuration as a connector's properties, with findings",
        Migrations.read, {200: "Migrated"}, role=Role.WRITE, body="ExportedText", needs_body=True,
    ),
)  # fmt: skip
