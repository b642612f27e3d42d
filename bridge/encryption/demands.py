"""What a contract's rules ask of a connector, known before anything is asked of anybody (decisions 7 to 9)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.encryption.kms import check
from bridge.encryption.rules import read_rules
from bridge.errors import ConfigurationError, Fatal, Fault
from bridge.schema.contract import Contract, protects, rule_set_document

KEY = "bridge.schema.contract"


def check_contract(contract: Contract, config: Mapping[str, Any]) -> None:
    """ConfigurationError for rules that would not be run, cannot be run, or have no key or driver."""
    faults = []
    if protects(contract):
        form = config.get("output.data.format")
        if form == "JSON":
            faults.append(
                Fault(
                    KEY,
                    f"the contract of {contract.event} has rules that encrypt, and JSON has no schema to hold them: "
                    "use AVRO, JSON_SR or PROTOBUF, or remove the rules",
                )
            )
        elif not config.get("csfle.enabled") and not config.get("bridge.csfle.allow.plaintext"):
            faults.append(
                Fault(
                    KEY,
                    f"the contract of {contract.event} has rules that encrypt, and csfle.enabled is false: set it to "
                    "true, or acknowledge with bridge.csfle.allow.plaintext=true that nothing is protected",
                )
            )
    if config.get("csfle.enabled"):
        try:
            for rule in read_rules(
                rule_set_document(contract, None), {"properties": dict(contract.properties)}
            ):
                if rule.kms_type:
                    check(rule.kms_type)
        except Fatal as error:
            faults.append(Fault(KEY, error.message))
    if faults:
        raise ConfigurationError(faults)
