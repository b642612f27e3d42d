"""Whether a connector's encryption would work, tried without registering anything: for ``validate --online``."""

from __future__ import annotations

import logging
from collections.abc import Callable

from attrs import evolve

from bridge.config import Loaded
from bridge.config.subscription import events
from bridge.encryption.dek_registry import Kek
from bridge.errors import fatal
from bridge.metadata.sources import load_contracts
from bridge.model.registered import Registered
from bridge.model.schema import Schema
from bridge.registry.http import Caller
from bridge.routing.demands import check_contract
from bridge.routing.guard import Guard, deks_of
from bridge.routing.keys import judging
from bridge.routing.ledger import Ledger
from bridge.routing.planning import Ways, intend


def try_keys(
    loaded: Loaded,
    http: Caller,
    event: str,
    schema: Schema,
    latest: Registered | None,
    subject: str | None = None,
    elsewhere: Callable[[str], bool] = lambda event: False,
) -> str:
    """In words what is protected with which keys. ConfigurationError, Fatal, Retriable for what stands against it.

    ``subject``: where there is no ``latest`` yet. ``elsewhere``: whether any other event of the connector has something
    that would be encrypted.
    """
    config = loaded.connector
    contract = load_contracts(events(config), config.get("bridge.schema.contract")).get(event)
    if contract is not None:
        check_contract(contract, config)
    ways = evolve(Ways.of(config, config.prefixed("value.converter.")), encrypts=True)
    plan = intend(ways, (subject or event) if latest is None else latest.subject, latest, schema, contract)
    deks = deks_of(loaded, http)
    deks.retry_seconds = 3
    say = logging.getLogger("bridge").warning
    ledger = Ledger(allow=bool(config.get("bridge.csfle.allow.plaintext")), elsewhere=elsewhere)
    judging(deks, loaded, [] if contract is None else [contract], ledger, say)
    guard = Guard(deks, say)
    guard.check_rules(plan, lambda: ledger.may_be_plain(event, contract))
    if not plan.sealing(plan.writes, guard.say).rules:
        ledger.check_plain(event, plan.wanted.subject, contract)
    words = []
    for rule in plan.rules(plan.writes):
        kek = deks.registry.kek(rule.kek)
        if kek is None and rule.kms_type and rule.kms_key:
            kek = Kek(rule.kek, rule.kms_type, rule.kms_key)
        if kek is None:
            raise fatal(
                f"the KEK {rule.kek} of the rule {rule.name} is not registered, and the rule names no KMS key"
            )
        assert deks.identities is not None
        deks.identities.check(kek)
        if not kek.shared:
            deks.unwrap_probe(kek)
        words.append(f"{rule.name}: {rule.algorithm} under {kek.kms_type} {kek.kms_key}")
    return "; ".join(words) or "nothing is encrypted, which bridge.csfle.allow.plaintext=true acknowledges"
