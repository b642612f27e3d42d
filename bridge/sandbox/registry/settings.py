"""``/config`` and ``/mode``: per subject, per context, for the default context, and above all contexts."""

from __future__ import annotations

from typing import Any, Final

from bridge.languages.compatibility import DEFAULT_LEVEL, LEVELS
from bridge.sandbox.registry import rule_sets
from bridge.sandbox.registry.content import metadata_of
from bridge.sandbox.registry.error_codes import RegistryError
from bridge.sandbox.registry.names import DEFAULT, GLOBAL, Name

Json = dict[str, Any]

# In the order in which they are answered.
_KEYS: Final[tuple[str, ...]] = (
    "alias",
    "aliasForDeks",
    "normalize",
    "validateFields",
    "validateNewSchemas",
    "validateRules",
    "compatibilityLevel",
    "compatibilityPolicy",
    "compatibilityGroup",
    "defaultMetadata",
    "overrideMetadata",
    "defaultRuleSet",
    "overrideRuleSet",
)
_POLICIES: Final = ("STRICT", "LENIENT")
READ_ONLY: Final = ("READONLY", "READONLY_OVERRIDE")
MODES: Final = ("READWRITE", "READONLY", "READONLY_OVERRIDE", "IMPORT", "FORWARD")


def _scopes(name: Name) -> list[Name]:
    """Where a setting is looked for, nearest first."""
    return list(dict.fromkeys([name, Name(name.context, ""), Name(GLOBAL, "")]))


def _is_top(name: Name) -> bool:
    """Whether this is above all subjects, so that it always has a setting; so has whatever is in ``:.__GLOBAL:``."""
    return name == Name(DEFAULT, "") or name.context == GLOBAL


def _with_level(config: Json) -> Json:
    return ordered({"compatibilityLevel": DEFAULT_LEVEL, **config})


class Configs:
    """Compatibility level and what else is configured."""

    def __init__(self) -> None:
        self.every: dict[Name, Json] = {}

    def own(self, name: Name) -> Json | None:
        """What is configured for exactly this subject or context; its default for what is above all subjects."""
        config = self.every.get(name, {} if _is_top(name) else None)
        return None if config is None else _with_level(config)

    def effective(self, name: Name) -> Json:
        """What holds for a subject: the whole of what the nearest scope says, and nothing of those above."""
        return _with_level(next((self.every[scope] for scope in _scopes(name) if scope in self.every), {}))

    def completes(self, name: Name) -> bool:
        """Whether metadata or rules of schemas are completed by the configuration."""
        return any(key.endswith(("Metadata", "RuleSet")) for key in self.effective(name))

    def aliases(self) -> dict[Name, str]:
        """Every alias, with the subject it stands for."""
        return {name: config["alias"] for name, config in self.every.items() if config.get("alias")}

    def alias(self, name: Name) -> str | None:
        """The subject this one is an alias of."""
        return self.every.get(name, {}).get("alias")

    def changes(self, body: Json) -> Json:
        """What a body would change. Raises 42203, 42210."""
        changes = {key: body[key] for key in _KEYS if key in body and key != "compatibilityLevel"}
        if "compatibility" in body:
            level = body["compatibility"]
            changes["compatibilityLevel"] = check_level(level) if level is not None else None
        for key in ("defaultMetadata", "overrideMetadata"):
            if changes.get(key):
                changes[key] = metadata_of(changes[key])
        for key in ("defaultRuleSet", "overrideRuleSet"):
            if changes.get(key):
                changes[key] = rule_sets.rule_set_of(changes[key])
        if "compatibilityPolicy" in changes:
            policy = str(changes["compatibilityPolicy"]).upper()
            changes["compatibilityPolicy"] = policy if policy in _POLICIES else None
        return changes

    def update(self, name: Name, changes: Json) -> Json:
        """Change what is named (null clears); the answer says ``compatibility``."""
        config = {**self.every.get(name, {}), **changes}
        self.every[name] = ordered({key: value for key, value in config.items() if value is not None})
        return {key.replace("compatibilityLevel", "compatibility"): v for key, v in self.every[name].items()}

    def delete(self, name: Name) -> None:
        """Remove it."""
        self.every.pop(name, None)


class Modes:
    """READWRITE unless something nearer says otherwise."""

    def __init__(self) -> None:
        self.every: dict[Name, str] = {}

    def own(self, name: Name) -> str | None:
        """The mode of exactly this subject or context; READWRITE for what is above all subjects."""
        return self.every.get(name, "READWRITE" if _is_top(name) else None)

    def effective(self, name: Name) -> str:
        """The mode that holds for a subject: the nearest scope's."""
        return next((self.every[scope] for scope in _scopes(name) if scope in self.every), "READWRITE")

    def set(self, name: Name, text: str | None) -> None:
        """Set a mode; None takes it away. Raises 42204."""
        if text is None:
            return self.delete(name)
        mode = text.upper()
        if mode not in MODES:
            valid = "READWRITE, READONLY, IMPORT and FORWARD"
            raise RegistryError(42204, f"Invalid mode. Valid values are {valid}.")
        if mode == "FORWARD" and name not in (Name(DEFAULT, ""), Name(GLOBAL, "")):
            raise RegistryError(42204, "Forward mode only supported on global level")
        self.every[name] = mode
        return None

    def delete_under(self, context: str) -> None:
        """Remove the modes of every subject in a context."""
        for name in [name for name in self.every if name.context == context and name.subject]:
            del self.every[name]

    def delete(self, name: Name) -> None:
        """Remove it."""
        self.every.pop(name, None)


def check_level(text: str) -> str:
    """The level in capitals. Raises 42203."""
    level = text.upper()
    if level not in LEVELS:
        *others, last = (allowed.lower() for allowed in LEVELS)
        text = f"Invalid compatibility level. Valid values are {', '.join(others)}, and {last}"
        raise RegistryError(42203, text)
    return level


def ordered(config: Json) -> Json:
    """The keys in the order in which they are answered."""
    return {key: config[key] for key in _KEYS if key in config}
