"""What must be ciphertext in a topic's records: by the tags of every version of their subjects, and by the contract.

One version alone cannot say it: records written before a field was tagged carry the schema of that time, whose reader
would take their plaintext for granted. So a field is protected where *any* version, or the contract, gives it a tag
that an enabled ENCRYPT rule of any version, or of the contract, meets. A contract speaks last: what it lists has
exactly the tags that it lists, so that a field can be let go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import define, field, frozen

from bridge.encryption.rules import EncryptRule, domain_rules, hidden, read_rules
from bridge.errors import BridgeError
from bridge.languages.places import Place, out_of_sight, tags_of
from bridge.languages.tagging import PLACES, tags_in
from bridge.model.contract import Contract, rule_set_document
from bridge.model.registered import Registered
from bridge.model.registry_documents import MetadataDocument, RuleSetDocument

Chain = tuple[EncryptRule, ...]
_ENCRYPT = ("ENCRYPT", "ENCRYPT_PAYLOAD")


@frozen
class Demands:
    """What is asked of records of one schema. Names are full names in its text."""

    fields: Mapping[str, tuple[Chain, ...]]
    """Protected field → the chains of rules that it may be encrypted with, the likeliest first."""
    unfit: Mapping[str, str]
    """Protected fields whose type has no ciphertext → their type."""
    parts: Mapping[str, tuple[Chain, ...]]
    """Fields directly below a record that is tagged: clients differ about them."""
    payload: tuple[Chain, ...]
    """Where the whole payload must be encrypted, as ``fields``."""
    stray: tuple[str, ...]
    """Tags that a rule meets and that stand where they reach no field, in words."""

    @property
    def any(self) -> bool:
        """Whether there is anything to prove."""
        return bool(self.fields or self.unfit or self.parts or self.payload)


@define
class Protected:
    """Protection over all versions that were given to :meth:`add`, and the contract's."""

    contract: Contract | None = None
    rules: dict[tuple[object, ...], EncryptRule] = field(factory=dict)
    problems: list[str] = field(factory=list)
    versions: list[Registered] = field(factory=list)
    _tags: dict[str, set[str]] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        if self.contract is not None:
            metadata: MetadataDocument = {"properties": dict(self.contract.properties)}
            self._take(enabled(rule_set_document(self.contract, None), metadata))

    def add(self, version: Registered) -> None:
        """Take a version's tags and rules into account."""
        self.versions.append(version)
        try:
            self._take(enabled(version.rule_set, version.metadata))
        except BridgeError as error:
            self.problems.append(f"{version.subject} version {version.version}: {error.message}")
        patterns = (version.metadata or {}).get("tags") or {}
        keys = _keys(version)
        for place in PLACES[version.type](version.text).fields:
            tags = tags_of(place, patterns)
            for key in keys(place.name) if tags else ():
                self._tags.setdefault(key, set()).update(tags)

    def released(self) -> list[str]:
        """Fields that a version protects and the contract does not any more, in words."""
        if self.contract is None:
            return []
        out = []
        for name, entry in self.contract.fields.items():
            gone = self._tags.get(name, set()) - set(entry.tags)
            was, still = self._met(gone), self._met(entry.tags)
            if was and not still:
                out.append(f"{name} ({', '.join(sorted(gone))})")
        return out

    def of(self, version: Registered) -> Demands:
        """What is asked of records written with one version."""
        keys = _keys(version)
        own = self._own(version)
        places = PLACES[version.type](version.text)
        fields: dict[str, tuple[Chain, ...]] = {}
        unfit: dict[str, str] = {}
        parts: dict[str, tuple[Chain, ...]] = {}
        patterns = (version.metadata or {}).get("tags") or {}
        for place in places.fields:
            tags = self._tags_of(keys(place.name))
            chains = self._chains(place, tags, own, tags_of(place, patterns))
            if not chains:
                continue
            if place.fits:
                fields[place.name] = chains
            elif place.parts:
                parts |= dict.fromkeys(place.parts, chains)
            else:
                unfit[place.name] = place.type
        stray = tuple(
            f"the tag {', '.join(sorted(one.tags))} on {one.where} reaches no field"
            for one in places.stray
            if any(rule.tags and rule.meets(one.tags) for rule in self.rules.values())
        )
        stray += tuple(
            hidden(pattern, places)
            for pattern, tags in patterns.items()
            if out_of_sight(places, pattern)
            and any(rule.tags and rule.meets(tags) for rule in self.rules.values())
        )
        parts = {name: chains for name, chains in parts.items() if name not in fields}
        return Demands(fields, unfit, parts, self._payload(own), stray)

    def _take(self, rules: Iterable[EncryptRule]) -> None:
        for rule in rules:
            key = (rule.payload, rule.tags, rule.kek, rule.algorithm, rule.expiry_days > 0)
            self.rules.setdefault(key, rule)

    def _own(self, version: Registered) -> list[EncryptRule]:
        try:
            return enabled(version.rule_set, version.metadata)
        except BridgeError:
            return []  # said when it was added

    def _tags_of(self, keys: Iterable[str]) -> set[str]:
        """The contract's word where it has one, else every version's; what it lists may have moved into a record."""
        listed = {} if self.contract is None else self.contract.fields
        paths = list(keys)
        for path in paths:
            if path in listed:
                return set(listed[path].tags)
        moved = {
            tag
            for path in paths
            for name in [path.rpartition(".")[2]]
            if name in listed
            for tag in listed[name].tags
        }
        return moved.union(*(self._tags.get(path, ()) for path in paths))

    def _met(self, tags: Iterable[str]) -> list[EncryptRule]:
        return [rule for rule in self.rules.values() if rule.meets(tags)]

    def _chains(
        self, place: Place, tags: set[str], own: list[EncryptRule], own_tags: frozenset[str]
    ) -> tuple[Chain, ...]:
        """Empty where no rule meets the tags. The schema's own rules first: readers go by them."""
        single = [rule for rule in self._met(tags) if rule.tags or not place.container]
        if not single:
            return ()
        by_itself = tuple(rule for rule in own if rule.meets(own_tags))
        by_all = tuple(rule for rule in own if rule.meets(tags | own_tags))
        others = tuple(rule for rule in single if rule not in own)
        chains = (by_itself, by_all, others, *((rule,) for rule in single))
        return tuple(dict.fromkeys(chain for chain in chains if chain))

    def _payload(self, own: list[EncryptRule]) -> tuple[Chain, ...]:
        single = [rule for rule in self.rules.values() if rule.payload]
        by_itself = tuple(rule for rule in own if rule.payload)
        return tuple(dict.fromkeys(chain for chain in (by_itself, *((r,) for r in single)) if chain))


def enabled(rule_set: RuleSetDocument | None, metadata: MetadataDocument | None) -> list[EncryptRule]:
    """The enabled encryption rules, those of other types left to whoever runs them. Fatal for one without a key."""
    rules = [r for r in domain_rules(rule_set) if r.get("type") in _ENCRYPT and not r.get("disabled")]
    return read_rules({"domainRules": rules}, metadata)


def _keys(version: Registered) -> Any:
    """Full name → the names by which a field is the same field in other versions: that, and its path."""
    paths: dict[str, list[str]] = {}
    for path, full in tags_in(version.text, version.type).names.items():
        paths.setdefault(full, []).append(path)
    return lambda full: [*paths.get(full, ()), full]
