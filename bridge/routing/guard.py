"""What a connector protects, seen from the schema that writes: rules and tags in, seals out.

The registered rule set is followed; where a registry does not keep rule sets, the contract is, and that is said.
Asked at every resolution of a route, so that a changed tag, rule or key takes effect; never while an event is encoded.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Final

from attrs import define, field

from bridge.config import Config, Loaded
from bridge.encryption.dek_registry import DekRegistry
from bridge.encryption.deks import Dek, Deks
from bridge.encryption.kms import check, open_kms
from bridge.encryption.rules import EncryptRule
from bridge.encryption.seals import seal_of
from bridge.errors import fatal
from bridge.model.protection import NOTHING, Protection, Seal
from bridge.model.registered import Registered
from bridge.model.subjects import context_name
from bridge.registry.http import Caller
from bridge.routing.planning import Intent
from bridge.waits import FRESH

_PARAMETER: Final = re.compile(r"(?:value\.converter\.)?rule\.executors\.[^.]+\.param\.(.+)")


def executor_params(connector: Config | None, worker: Config) -> dict[str, str]:
    """``rule.executors.*.param.*`` of the worker, the connector's over it."""
    params: dict[str, str] = {}
    for config in (worker, connector):
        for key, value in config.raw().items() if config is not None else ():
            if (match := _PARAMETER.fullmatch(key)) and value:
                params[match[1]] = value
    return params


def parameter_key(name: str, connector: Config, worker: Config) -> str:
    """The property that gives a parameter, as it is spelled: the last of those that give it counts."""
    keys = [
        key
        for config in (worker, connector)
        for key, value in config.raw().items()
        if (match := _PARAMETER.fullmatch(key)) and match[1] == name and value
    ]
    return keys[-1] if keys else f"rule.executors._default_.param.{name}"


def deks_of(loaded: Loaded, http: Caller) -> Deks:
    """The DEKs a connector uses."""
    config = loaded.connector
    seconds = config.get("errors.retry.timeout", 300_000) / 1000
    return Deks(
        DekRegistry(http, context_of(config)),
        executor_params(config, loaded.worker),
        fresh_seconds=config.get("bridge.schema.latest.ttl.ms", 300_000) / 1000 * FRESH,
        retry_seconds=seconds if seconds >= 0 else float("inf"),
        open_kms=partial(open_kms, egress=config.egress),
    )


def context_of(config: Config) -> str:
    """The context as clients send it with questions about KEKs; empty for the default one."""
    return context_name(str(config.get("schema.context.name") or ""))


@define
class Guard:
    """Belongs to one connector. ``rules`` is what the last schema was protected with."""

    deks: Deks
    warn: Callable[[str], None]
    rules: tuple[EncryptRule, ...] = ()
    _said: set[str] = field(factory=set)

    def say(self, text: str) -> None:
        """Each warning once."""
        if text not in self._said:
            self._said.add(text)
            self.warn(text)

    def check_rules(self, intent: Intent, excused: Callable[[], bool] = lambda: False) -> None:
        """Fatal where there is no rule at all and nothing excuses that, or one that cannot be used: better than
        plaintext."""
        rules = intent.rules(intent.wanted, self.say)
        if not rules and not excused():
            raise fatal(
                f"csfle.enabled is true, and neither the schema of {intent.wanted.subject} nor a contract has an "
                "enabled ENCRYPT rule, so nothing would be encrypted (some registries drop rule sets without a word); "
                "give the contract rules, set csfle.enabled=false, or acknowledge it with "
                "bridge.csfle.allow.plaintext=true"
            )
        for rule in rules:
            if rule.kms_type:
                check(rule.kms_type)

    def protection(self, intent: Intent, stored: Registered) -> Protection:
        """The seals of what writes. ``stored``: what the registry answered. Raises Retriable, Fatal."""
        if untold := intent.untold(stored):
            self.say(
                f"the schema of {stored.subject} in the registry is without the rule {', '.join(untold)} of the "
                "contract, or has it otherwise (some registries drop rule sets): fields are encrypted as the contract "
                "says, and readers will not decrypt by themselves"
            )
        planned = intent.sealing(stored, self.say)
        self.rules = tuple(intent.rules(stored)) or self.rules
        if not planned.rules:
            self.say(f"no field of {stored.subject} has a tag that a rule meets: nothing in it is encrypted")
            return NOTHING
        used: dict[EncryptRule, Dek] = {
            rule: self.deks.for_writing(rule, stored.subject) for rule in planned.rules
        }
        seals: dict[tuple[EncryptRule, ...], Seal] = {}

        def seal(chain: tuple[EncryptRule, ...]) -> Seal:
            if chain not in seals:
                seals[chain] = seal_of(used[rule].cipher(versioned=rule.expiry_days > 0) for rule in chain)
            return seals[chain]

        return Protection(
            {name: seal(chain) for name, chain in planned.fields.items()},
            seal(planned.payload) if planned.payload else None,
            (
                *sorted((name, tuple(rule.name for rule in chain)) for name, chain in planned.fields.items()),
                *(used.values()),
            ),
        )

    def close(self) -> None:
        """Wait for no KMS any more."""
        self.deks.close()
