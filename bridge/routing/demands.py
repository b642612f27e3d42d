"""What rules, secrets and subjects ask of a connector, known before anything is asked of anybody (decisions 7 to 9)."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterable, Iterator, Mapping

from bridge.config import Config, topic_template
from bridge.config.declarations.formats import REGISTRY_TYPES
from bridge.config.topics import CONSTANTS
from bridge.encryption.kms import check
from bridge.encryption.rules import EncryptRule, read_rules
from bridge.errors import ConfigurationError, Fatal, Fault
from bridge.model.contract import Contract, protects, rule_set_document
from bridge.model.schema import Kind, Schema
from bridge.routing.guard import executor_params, parameter_key
from bridge.routing.planning import BY_RECORD, STRATEGY, Ways
from bridge.transforms.wanted import needs_chain

KEY = "bridge.schema.contract"
_EXAMPLE_SECRET = "example-only-not-a-secret"  # noqa: S105 - public: it stands in keys-example/


def check_secrets(config: Config, worker: Config, environ: Mapping[str, str] = os.environ) -> None:
    """ConfigurationError for the example's secret, which everybody has."""
    if not config.get("csfle.enabled") or config.get("bridge.allow.example.keys"):
        return
    given = executor_params(config, worker).get("secret")
    key = parameter_key("secret", config, worker) if given else "LOCAL_SECRET of the environment"
    if (given or environ.get("LOCAL_SECRET")) == _EXAMPLE_SECRET:
        raise ConfigurationError(
            [
                Fault(
                    key,
                    "is the secret of keys-example/, which is public; use another, or set "
                    "bridge.allow.example.keys=true",
                )
            ]
        )


def check_subject(config: Config) -> None:
    """ConfigurationError where the subject would be named after a topic that the event makes. Behind transforms each
    record's topic is known when its subject is."""
    made_of = set(topic_template(config).fields) - CONSTANTS
    if not made_of or needs_chain(config.raw()) or config.get("output.data.format") not in REGISTRY_TYPES:
        return
    ways = Ways.of(config, config.prefixed("value.converter."))
    if ways.subject(Schema(Kind.STRUCT, name="event"), None) is None:
        raise ConfigurationError([Fault(STRATEGY, BY_RECORD)])


def no_core_dumps() -> None:
    """A dump of this process would hold keys and plaintext."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def check_contract(contract: Contract, config: Config) -> None:
    """ConfigurationError for rules that would not be run, cannot be run, or have no key or driver."""
    faults = []
    if protects(contract):
        form = config.get("output.data.format")
        if form not in REGISTRY_TYPES:
            faults.append(
                Fault(
                    KEY,
                    f"the contract of {contract.event} has rules that encrypt, and {form} has no schema to hold them: "
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
            for rule in rules_of([contract]):
                if rule.kms_type:
                    check(rule.kms_type)
        except Fatal as error:
            faults.append(Fault(KEY, error.message))
    if faults:
        raise ConfigurationError(faults)


def rules_of(contracts: Iterable[Contract]) -> Iterator[EncryptRule]:
    """The encryption rules that contracts have by themselves. Fatal for one that cannot be run."""
    for contract in contracts:
        yield from read_rules(rule_set_document(contract, None), {"properties": dict(contract.properties)})
