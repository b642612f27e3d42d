"""Rule sets: checked as the registry checks them, completed with defaults, merged."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from bridge.sandbox.registry.error_codes import RegistryError, server_fault

PHASES: Final = ("migrationRules", "domainRules", "encodingRules")
_MIGRATION_MODES: Final = ("UPGRADE", "DOWNGRADE", "UPDOWN")
_MODES: Final = ("WRITE", "READ", "WRITEREAD")
# As the registry lists them.
_ALL_MODES: Final = ("DOWNGRADE", "READ", "UPGRADE", "UPDOWN", "WRITE", "WRITEREAD")
_KINDS: Final = ("CONDITION", "TRANSFORM")
_MAX_NAME: Final = 256
_KEY_ID: Final = "encrypt.kms.key.id"

Json = dict[str, Any]


def rule_set_of(given: Json | None) -> Json | None:
    """A rule set as it is stored: defaults filled in, absent parts left out. Raises 42210, or 400 for a bad enum."""
    if given is None:
        return None
    rule_set: Json = {phase: [_rule(rule) for rule in given.get(phase) or ()] for phase in PHASES}
    _check(rule_set)
    rule_set["enableAt"] = given.get("enableAt")
    return {key: value for key, value in rule_set.items() if value}


def merge(lower: Json | None, upper: Json | None) -> Json | None:
    """Two rule sets in one; a rule of ``upper`` replaces that of the same name."""
    if lower is None or upper is None:
        return lower if upper is None else upper
    merged: Json = {}
    for phase in PHASES:
        names = {rule["name"] for rule in upper.get(phase, ())}
        kept = [rule for rule in lower.get(phase, ()) if rule["name"] not in names]
        merged[phase] = [*kept, *upper.get(phase, ())]
    merged["enableAt"] = upper.get("enableAt") or lower.get("enableAt")
    return {key: value for key, value in merged.items() if value}


def pieces(rule: Json) -> Iterator[bytes]:
    """The bytes of a rule that count for the content address, in their order."""
    for key in ("name", "doc", "kind", "mode", "type"):
        yield str(rule.get(key) or "").encode()
    yield "".join(rule.get("tags", ())).encode()
    for key, value in rule.get("params", {}).items():
        yield (key + never_null(value)).encode()
    for key in ("expr", "onSuccess", "onFailure"):
        yield str(rule.get(key) or "").encode()
    if rule.get("disabled"):
        yield b"\x01"


def never_null(value: str | None) -> str:
    """The value of a property or parameter; the server fails at the content address of a null."""
    if value is None:
        raise server_fault()
    return value


def _rule(given: Json) -> Json:
    parts = {
        "name": given.get("name"),
        "doc": given.get("doc"),
        "kind": _enum("RuleKind", given.get("kind"), _KINDS) or "TRANSFORM",
        "mode": _enum("RuleMode", given.get("mode"), _ALL_MODES) or "WRITEREAD",
        "type": given.get("type"),
        "tags": sorted(set(given.get("tags") or ())),
        "params": _params(given.get("params") or {}),
        "expr": given.get("expr"),
        "onSuccess": given.get("onSuccess"),
        "onFailure": given.get("onFailure"),
    }
    shown = {key: value for key, value in parts.items() if value or (key == "name" and value is not None)}
    return {**shown, "disabled": bool(given.get("disabled"))}


def _params(given: dict[str, str | None]) -> dict[str, str | None]:
    """Parameters in order; what a key id implies is filled in, as the DEK registry extension does."""
    params = dict(given)
    key_id = params.get(_KEY_ID)
    if key_id:
        if key_id.startswith("arn:"):
            params.setdefault("encrypt.kms.type", "aws-kms")
        params.setdefault("encrypt.kek.name", re.sub(r"[^A-Za-z0-9_-]", "-", key_id.removeprefix("arn:")))
    return dict(sorted(params.items()))


def _enum(type_name: str, value: Any, valid: tuple[str, ...]) -> str | None:
    if value is None or value in valid:
        return value if value is None else str(value)
    raise RegistryError(
        400,
        f'Cannot deserialize value of type `{type_name}` from String "{value}": '
        f"not one of the values accepted for Enum class: [{', '.join(valid)}]",
    )


def _check(rule_set: Json) -> None:
    names: set[str] = set()
    for phase, phase_rules in rule_set.items():
        for rule in phase_rules:
            name = rule.get("name")
            if name in names:
                raise RegistryError(42210, f"Found rule with duplicate name '{name}'")
            names.add(name)
            _check_rule(rule, name)
            migration = phase == "migrationRules"
            if rule["mode"] not in (_MIGRATION_MODES if migration else _MODES):
                words = {"migrationRules": "Migration", "domainRules": "Domain", "encodingRules": "Encoding"}
                modes = ", ".join(_MIGRATION_MODES if migration else _MODES)
                raise RegistryError(42210, f"{words[phase]} rules can only be {modes}")


def _check_rule(rule: Json, name: str | None) -> None:
    problem = None
    if name is None:
        problem = "Missing rule name"
    elif not name:
        problem = "Empty rule name"
    elif len(name) > _MAX_NAME:
        problem = "Rule name too long"
    elif not (name[0].isalpha() or name[0] == "_"):
        problem = f"Illegal initial character in rule name: {name}"
    elif any(not (character.isalnum() or character in "_-") for character in name):
        problem = f"Illegal character in rule name: {name}"
    elif rule.get("type") is None:
        problem = "Missing rule type"
    elif rule["mode"] not in ("WRITEREAD", "UPDOWN") and any(
        "," in (rule.get(action) or "") for action in ("onSuccess", "onFailure")
    ):
        problem = "Multiple actions only valid with WRITEREAD and UPDOWN"
    if problem:
        raise RegistryError(42210, problem)
