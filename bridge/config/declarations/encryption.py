"""Client-side field level encryption."""

from __future__ import annotations

from bridge.config.property import BOOLEAN, HIGH, LOW, PASSWORD, STRING, Property, When, group

RULE_EXECUTORS = Property(
    "rule.executors.*",
    PASSWORD,
    "Parameters of rule executors, as the official clients name them: "
    "rule.executors._default_.param.<name> for KMS credentials.",
    importance=LOW,
)

CSFLE = group(
    "CSFLE",
    Property(
        "csfle.enabled",
        BOOLEAN,
        "Whether fields that are tagged and met by an ENCRYPT rule are encrypted before they leave the "
        "bridge.",
        default="false",
        importance=HIGH,
        display="Enable client-side field level encryption",
    ),
    Property(
        "sr.service.account.id",
        STRING,
        "The service account that registers and reads schemas and encryption keys: an API key of the worker's schema "
        "registry is made for it at each start, whatever kafka.auth.mode says, where the worker has "
        "confluent.cloud.api.key and bridge.cloud.schema.registry.id.",
        importance=HIGH,
        used_when=When("csfle.enabled", ("true",)),
    ),
    Property(
        "bridge.csfle.allow.plaintext",
        BOOLEAN,
        "Acknowledges plaintext: that nothing is protected while the registered schema has ENCRYPT rules and "
        "csfle.enabled is false, that csfle.enabled is true and nothing of the connector is protected, or that a field "
        "which was encrypted before is so no more. Without it such a connector is refused, or ends. What a contract "
        "protects stays protected.",
        default="false",
        importance=LOW,
    ),
    RULE_EXECUTORS,
)
