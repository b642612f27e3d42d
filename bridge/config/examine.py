"""From what was given to typed values, finding every fault that one property can have on its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from attrs import define, field

from bridge import quoting
from bridge.config import secrecy
from bridge.config.catalogue import Catalogue, Hints
from bridge.config.config import Config
from bridge.config.egress import ANYWHERE, Egress
from bridge.config.external import (
    NoProviderError,
    Origin,
    Resolver,
    UnresolvableError,
    has_reference,
    references,
)
from bridge.config.property import Property, Type
from bridge.config.secrecy import MASK
from bridge.config.values import InvalidError, typed
from bridge.errors import Fault
from bridge.java.texts import trimmed

_PLACEHOLDER: Final = re.compile(r"<[A-Za-z][^<>]*>")
_OTHER: Final = re.compile(r"\$\{([A-Za-z0-9_.-]+)\}")


@define
class Examined:
    """One configuration under examination."""

    catalogue: Catalogue
    written: Mapping[str, str]
    """As in the file."""
    given: dict[str, str] = field(factory=dict)
    """References resolved."""
    values: dict[str, Any] = field(factory=dict)
    """Typed, defaults filled in; a faulty property stands at its default."""
    faults: list[Fault] = field(factory=list)
    notices: list[str] = field(factory=list)
    broken: set[str] = field(factory=set)
    """Keys with a fault; what depends on them is not judged."""
    resolved: dict[str, str] = field(factory=dict)
    """What references stand for → the reference. It is quoted nowhere, whatever its key."""
    origin: Origin = Origin.FILE
    egress: Egress = ANYWHERE

    def fault(self, key: str, message: str) -> None:
        """Note a fault; the value is shown with it unless it is secret or stands elsewhere."""
        self.broken.add(key)
        shown = self.shown(key)
        name = key if key in self.written or self.catalogue.find(key) is None else self.quotable(key)
        self.faults.append(Fault(name, self.quotable(message), None if shown == MASK else shown))

    def notice(self, message: str) -> None:
        """Note what a person should know although it is no error."""
        self.notices.append(self.quotable(message))

    def quotable(self, message: str) -> str:
        """The message without what stands elsewhere."""
        return quoting.without(message, self.resolved) if self.resolved else message

    def shown(self, key: str) -> str | None:
        """The value as it may be shown: masked if secret, as written if it refers elsewhere."""
        if key not in self.written:
            return None
        written = self.written[key]
        if self.catalogue.is_secret(key) and written != "":
            return written if secrecy.is_only_reference(written) else MASK
        return secrecy.without_login(written)

    def has(self, key: str) -> bool:
        """Whether a non-empty value was given, sound or not."""
        return bool(trimmed(self.written.get(key, "")))

    def sound(self, *keys: str) -> bool:
        """Whether none of these has a fault, so that rules about them make sense."""
        return self.broken.isdisjoint(keys)

    def config(self) -> Config:
        """The result; meaningful where there are no faults."""
        secrets = secrecy.secrets(self.catalogue, self.given) | frozenset(self.resolved)
        # by REST it has been trimmed where Kafka Connect trims it; what is left tells it from its neighbours
        named = self.given if self.origin is Origin.REST else self.values
        name = str(named.get("name") or "")
        written = references(self.written.values())
        return Config(
            self.values, self.given, name, secrets, dict(self.resolved), self.origin, self.egress, written,
            frozenset(self.broken),
        )  # fmt: skip


def examine(
    catalogue: Catalogue,
    written: Mapping[str, str],
    resolver: Resolver,
    *,
    unknown: str | None = None,
    inherited: Mapping[str, str] | None = None,
) -> Examined:
    """Judge every property on its own.

    ``unknown``: fail, warn, or None for what ``bridge.config.unknown`` says. ``inherited``: values that stand
    in for defaults (a worker's, for its connectors); they are not 'given'.
    """
    examined = Examined(catalogue, written, origin=resolver.origin)
    _resolve_all(examined, resolver)
    said = examined.given.get("bridge.config.unknown") or (inherited or {}).get("bridge.config.unknown")
    policy = unknown or (said or "fail").strip().lower()
    hints = Hints(catalogue)
    for key, text in examined.given.items():
        declared = catalogue.find(key)
        if declared is None:
            _unknown(examined, key, policy, hints)
        elif key not in examined.broken:
            _judge(examined, declared, key, text)
    _fill(examined, inherited or {})
    for declared in catalogue.exact():
        _required(examined, declared)
    _name_ignored(examined)
    return examined


def _resolve_all(examined: Examined, resolver: Resolver) -> None:
    """Fill in references. Where providers are missing, the first fault says what to add for all of them."""
    refused: dict[str, str] = {}
    lacking = False
    for key, text in examined.written.items():
        examined.given[key] = text
        if key == "name" and examined.origin is Origin.REST and has_reference(text):
            refused[key] = "cannot be a reference: logs, metrics and topics show it"
            continue
        try:
            examined.given[key] = resolver.resolve(text)
        except UnresolvableError as reason:
            refused[key] = str(reason)
            lacking |= isinstance(reason, NoProviderError)
        else:
            _keep_to_itself(examined, key, resolver)
    advice = resolver.advice(examined.written.values()) if lacking else ""
    for key, message in refused.items():
        examined.fault(key, message + advice)
        advice = ""


def _keep_to_itself(examined: Examined, key: str, resolver: Resolver) -> None:
    """Note what must not be quoted. A word of the property's own vocabulary tells nothing."""
    declared = examined.catalogue.find(key)
    for text, reference in resolver.parts(examined.written[key]).items():
        if text.strip() and not (declared and _is_own_word(declared, text.strip())):
            examined.resolved[text] = reference


def _is_own_word(declared: Property, text: str) -> bool:
    if declared.type is Type.BOOLEAN:
        return text.lower() in ("true", "false")
    return text.lower() in {word.lower() for word in (*declared.valid, *declared.aliases)}


def _unknown(examined: Examined, key: str, policy: str, hints: Hints) -> None:
    nearest = hints.nearest(key)
    hint = f"; did you mean {nearest}?" if nearest else ""
    if policy == "warn":
        examined.notice(f"{key} is not a known property and has no effect{hint}")
    elif key not in examined.broken:
        examined.fault(key, f"is not a known property{hint}")


def _judge(examined: Examined, declared: Property, key: str, text: str) -> None:
    if declared.ignored and not declared.framework:
        return
    if secrecy.is_masked(text) and not key.startswith("transforms."):  # MaskField puts such texts
        examined.fault(key, "holds a masked value, as exports show it; give the real one")
        return
    if not declared.is_prefix and (held := placeholder(declared, examined.written[key])):
        examined.fault(key, f"still holds the placeholder {held}; give the real value")
        return
    if declared.is_prefix:
        examined.values[key] = text
        return
    if not trimmed(text):
        if declared.empty_allowed:
            examined.values[key] = ""
        if not declared.framework or declared.required or declared.type is Type.LIST:
            return
    try:
        value = typed(declared, text)
    except InvalidError as reason:
        examined.fault(key, _sentence(examined, key, str(reason)))
        return
    if refusal := _refusal(declared, value):
        examined.fault(key, refusal)
        return
    examined.values[key] = value


def placeholder(declared: Property, written: str) -> str | None:
    """The ``<placeholder>`` of an example that the value still holds, if any."""
    match = _PLACEHOLDER.fullmatch(written.strip()) if declared.secret else _PLACEHOLDER.search(written)
    return match.group() if match else None


def _sentence(examined: Examined, key: str, end: str) -> str:
    shown = examined.shown(key)
    if shown is None or shown == MASK:
        return f"the value {end}"
    return f"{shown if len(shown) <= 80 else shown[:77] + '…'!r} {end}"


def _refusal(declared: Property, value: Any) -> str | None:
    spelled = str(value).lower() if isinstance(value, bool) else str(value)
    if spelled in declared.refused:
        return declared.refused[spelled]
    if declared.unsupported and value != default_of(declared):
        return declared.unsupported
    return None


def default_of(declared: Property) -> Any:
    """The typed default, references to other properties not filled in."""
    if declared.default is None or (declared.default == "" and declared.type is not Type.LIST):
        return declared.default
    return typed(declared, declared.default)


def _fill(examined: Examined, inherited: Mapping[str, str]) -> None:
    """Defaults for what is missing; one may refer to another property of the table."""
    later: list[Property] = []
    for declared in examined.catalogue.exact():
        if declared.key in examined.values:
            continue
        if (
            declared.key in inherited
            and (value := _sound_value(declared, inherited[declared.key])) is not None
        ):
            examined.values[declared.key] = value
        elif declared.default and _OTHER.search(declared.default):
            later.append(declared)
        else:
            examined.values[declared.key] = default_of(declared)
    for declared in later:
        text = _OTHER.sub(lambda other: str(examined.values[other.group(1)]), declared.default or "")
        examined.values[declared.key] = text
    order = {key: None for key in examined.catalogue.properties if key in examined.values}
    examined.values = {
        key: examined.values[key] for key in (*order, *(k for k in examined.values if k not in order))
    }


def _sound_value(declared: Property, text: str) -> Any:
    """The typed value, or None if it is wrong: that is a fault of where it stands, and said there."""
    try:
        return typed(declared, text)
    except InvalidError:
        return None


def _required(examined: Examined, declared: Property) -> None:
    key = declared.key
    if key in examined.broken or examined.has(key) or (declared.empty_allowed and key in examined.written):
        return
    when = declared.required_when
    if declared.required:
        examined.fault(key, "is required")
    elif when and examined.sound(when.key) and examined.values[when.key] in when.values:
        more = "; give the empty string if there is none" if declared.empty_allowed else ""
        examined.fault(key, f"is required when {when.key} is {examined.values[when.key]}{more}")


def _name_ignored(examined: Examined) -> None:
    keys = [key for key in examined.given if (declared := examined.catalogue.find(key)) and declared.ignored]
    if keys:
        examined.notice(f"accepted and not needed here: {', '.join(sorted(keys))}")
