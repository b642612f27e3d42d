"""The sample connector's encryption: one tagged field, and a key of ``local-kms``."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Final

from attrs import field, frozen

from bridge.sandbox.samples import ORDER_PLACED

FIELD: Final = "Customer_Email__c"
TAG: Final = "PII"
_SECRET: Final = "rule.executors._default_.param.secret"  # noqa: S105 - a property's name
_CONTRACT: Final = f"""\
event: {ORDER_PLACED.name}
fields: {{{FIELD}: {{tags: [{TAG}]}}}}
rules:
  - name: pii
    type: ENCRYPT
    tags: [{TAG}]
    params: {{encrypt.kek.name: sandbox, encrypt.kms.type: local-kms, encrypt.kms.key.id: sandbox,
              encrypt.dek.expiry.days: "90"}}
"""


@frozen
class Protection:
    """What the two files get so that ``FIELD`` is encrypted; the secret is made anew where none is given."""

    contract_file: Path
    secret: str = field(factory=lambda: secrets.token_urlsafe(24), repr=False)

    def connector(self) -> dict[str, str]:
        """The connector's properties; writes the contract that they name."""
        self.contract_file.write_text(_CONTRACT)
        return {"csfle.enabled": "true", "bridge.schema.contract": str(self.contract_file)}

    def worker(self) -> dict[str, str]:
        """The worker's properties."""
        return {_SECRET: self.secret}

    def params(self) -> dict[str, str]:
        """The parameters of the key management service, for a reader."""
        return {"secret": self.secret}
