"""From a rule set and tags to what is encrypted with which key; resolved once for each schema and rule set.

A rule applies to a field when their tags meet; one without tags applies to every field. A rule of mode READ runs on
reading only, one of mode WRITE on writing only, as everywhere. Where Confluent's clients would let plaintext out
(``onFailure`` NONE, ``enableAt``, a disabled rule that hides a later one, a tag that reaches no field) the bridge
encrypts, or refuses with one sentence; what it overrides it says once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final

from attrs import field, frozen

from bridge.encryption.envelope import Algorithm
from bridge.errors import fatal
from bridge.languages.places import Place, Places, matches, out_of_sight, tags_of
from bridge.model.registry_documents import MetadataDocument, RuleDocument, RuleSetDocument

Say = Callable[[str], None]

KEK_NAME: Final = "encrypt.kek.name"
KMS_TYPE: Final = "encrypt.kms.type"
KMS_KEY: Final = "encrypt.kms.key.id"
ALGORITHM: Final = "encrypt.dek.algorithm"
EXPIRY: Final = "encrypt.dek.expiry.days"
FIELDS, PAYLOAD = "ENCRYPT", "ENCRYPT_PAYLOAD"
WRITING: Final = ("WRITE", "WRITEREAD")
READING: Final = ("READ", "WRITEREAD")


@frozen
class EncryptRule:
    """One enabled encryption rule. ``kms_type`` and ``kms_key`` are None where the KEK must exist already."""

    name: str
    payload: bool
    tags: frozenset[str]
    kek: str
    kms_type: str | None = None
    kms_key: str | None = None
    algorithm: Algorithm = Algorithm.AES256_GCM
    expiry_days: int = 0
    params: Mapping[str, str] = field(factory=dict, hash=False, eq=False, repr=False)

    def meets(self, tags: Iterable[str]) -> bool:
        """Whether it applies to a field with these tags."""
        return not self.payload and meet(self.tags, tags)


def meet(wanted: Iterable[str], tags: Iterable[str]) -> bool:
    """Whether a rule for the ``wanted`` tags applies to a field that has ``tags``: one without tags always does."""
    wanted = frozenset(wanted)
    return not wanted or not wanted.isdisjoint(tags)


def mode_of(rule: RuleDocument) -> str:
    """When a rule runs: WRITE, READ or WRITEREAD (the default), and what only migrations have."""
    return str(rule.get("mode") or "WRITEREAD")


def runs(rule: RuleDocument) -> bool:
    """Whether it is a rule that encrypts when a record is written."""
    return rule.get("type") in (FIELDS, PAYLOAD) and not rule.get("disabled") and mode_of(rule) in WRITING


def protects(rule: RuleDocument, tags: frozenset[str]) -> bool:
    """Whether a rule set's rule protects the value of a field with these tags when it is written.

    One for the payload encrypts every field; what is to stay out of keys and headers is the tagged ones.
    """
    wanted = rule.get("tags") or ()
    return runs(rule) and meet(wanted, tags) and (rule.get("type") == FIELDS or bool(tags))


def protecting(rules: Iterable[RuleDocument]) -> Callable[[frozenset[str]], bool]:
    """Whether any of the rules protects the value of a field with the tags that are asked for."""
    all_rules = tuple(rules)
    return lambda tags: any(protects(rule, tags) for rule in all_rules)


@frozen
class Plan:
    """What is encrypted: rules by a field's full name, in the order they are applied, and those for the payload."""

    fields: Mapping[str, tuple[EncryptRule, ...]] = field(factory=dict, hash=False)
    payload: tuple[EncryptRule, ...] = ()
    unfit: Mapping[Place, tuple[EncryptRule, ...]] = field(factory=dict, hash=False)
    """Fields that a rule meets and that cannot be encrypted, with these rules."""

    @property
    def rules(self) -> tuple[EncryptRule, ...]:
        """Every rule that is in use."""
        return tuple(dict.fromkeys([*(r for rules in self.fields.values() for r in rules), *self.payload]))


def domain_rules(rule_set: RuleSetDocument | None) -> list[RuleDocument]:
    """Rules that run when a record is written or read: those for values, then those for bytes."""
    phases = rule_set or {}
    return [*(phases.get("domainRules") or ()), *(phases.get("encodingRules") or ())]


def read_rules(
    rule_set: RuleSetDocument | None,
    metadata: MetadataDocument | None = None,
    say: Say = lambda text: None,
    first: Collection[str] = (),
    own: Mapping[str, str] | None = None,
) -> list[EncryptRule]:
    """The encryption rules that run on writing. Fatal for a rule that the bridge cannot run, or without a key.

    Of rules with the same aim the first counts, and one named in ``first`` before any other. ``own``: the properties
    that give those in ``first`` their parameters, in place of ``metadata.properties``, which choose no key for them.
    """
    rules = [rule for rule in domain_rules(rule_set) if not rule.get("disabled")]
    for rule in rules:
        name, type_ = rule.get("name"), str(rule.get("type"))
        if mode_of(rule) not in WRITING:
            if type_ not in (FIELDS, PAYLOAD):
                say(
                    f"the rule {name} ({type_}) does not run where records are written; it is left to readers"
                )
        elif type_ not in (FIELDS, PAYLOAD):
            raise fatal(
                f"the rule {name} is of type {type_}, which the bridge cannot run and does not pass over: disable it, "
                "or let the rule run where records are read (mode READ)"
            )
        else:
            _say_overridden(str(name), rule, (rule_set or {}).get("enableAt"), say)
    return _of_mode(rules, WRITING, metadata, say, first, own)


def rules_for_reading(
    rule_set: RuleSetDocument | None, metadata: MetadataDocument | None = None
) -> list[EncryptRule]:
    """The encryption rules that readers undo, and those of writers that no rule of readers undoes: whoever asks has
    the key. In the order in which they were run."""
    rules = [rule for rule in domain_rules(rule_set) if not rule.get("disabled")]
    encrypting = [rule for rule in rules if str(rule.get("type")) in (FIELDS, PAYLOAD)]
    undone = {_aim(rule) for rule in encrypting if mode_of(rule) in READING}
    wanted = [
        rule
        for rule in encrypting
        if mode_of(rule) in READING or (mode_of(rule) in WRITING and _aim(rule) not in undone)
    ]
    return _of_mode(wanted, (*READING, *WRITING), metadata, lambda text: None)


def _aim(rule: RuleDocument) -> tuple[str, frozenset[str]]:
    return str(rule.get("type")), frozenset(rule.get("tags") or ())


def _of_mode(
    rules: Iterable[RuleDocument],
    modes: Iterable[str],
    metadata: MetadataDocument | None,
    say: Say,
    first: Collection[str] = (),
    own: Mapping[str, str] | None = None,
) -> list[EncryptRule]:
    out: list[EncryptRule] = []
    seen: set[tuple[object, ...]] = set()
    rules = list(rules)
    taken = {(mode_of(rule), *_aim(rule)) for rule in rules if rule.get("name") in first}
    properties = (metadata or {}).get("properties") or {}
    for rule in rules:
        name, type_, mode = str(rule.get("name")), str(rule.get("type")), mode_of(rule)
        if mode not in modes or type_ not in (FIELDS, PAYLOAD):
            continue
        kind = rule.get("kind") or "TRANSFORM"
        if kind != "TRANSFORM":
            raise fatal(f"the rule {name} is of type {type_} and kind {kind}; encryption is a TRANSFORM")
        key = (mode, *_aim(rule))
        if key in seen or (key in taken and name not in first):
            say(
                f"the rule {name} has type, mode and tags of another one and is passed over, as by every client"
            )
            continue
        seen.add(key)
        given: Mapping[str, str] = properties
        if own is not None and name in first:
            given = {**own, **{key: value for key, value in properties.items() if key == EXPIRY}}
            _say_unheeded(name, rule, properties, given, say)
        out.append(_rule(name, type_ == PAYLOAD, rule, given))
    return out


def _say_unheeded(
    name: str, rule: RuleDocument, properties: Mapping[str, str], given: Mapping[str, str], say: Say
) -> None:
    heeded = (*(rule.get("params") or {}), *given)
    named = [key for key in (KMS_TYPE, KMS_KEY, ALGORITHM) if key in properties and key not in heeded]
    if named:
        say(
            f"metadata.properties in the registry have {', '.join(named)}, and the contract's rule {name} has not: the "
            "contract is followed, and readers will not decrypt by themselves unless both say the same"
        )


def _say_overridden(name: str, rule: RuleDocument, enable_at: str | None, say: Say) -> None:
    on_failure = str(rule.get("onFailure") or "ERROR")
    if on_failure.split(",")[0] != "ERROR":
        say(f"the rule {name} says onFailure {on_failure}; a failure is an error here, never plaintext")
    if enable_at not in (None, "ALL", "CLIENT"):
        say(f"the rule set is enabled at {enable_at}; the rule {name} is run here all the same")


def _rule(name: str, payload: bool, rule: RuleDocument, properties: Mapping[str, str]) -> EncryptRule:
    given = {**properties, **(rule.get("params") or {})}
    kek = given.get(KEK_NAME)
    if not kek:
        raise fatal(
            f"the rule {name} names no KEK: {KEK_NAME} is needed in its params or in metadata.properties"
        )
    try:
        algorithm = Algorithm(given.get(ALGORITHM) or "AES256_GCM")
    except ValueError:
        algorithms = ", ".join(Algorithm)
        raise fatal(f"the rule {name} has {ALGORITHM} {given[ALGORITHM]!r}; there is {algorithms}") from None
    days = str(given.get(EXPIRY) or "0")
    if not (days.isascii() and days.isdigit()):
        raise fatal(f"the rule {name} has {EXPIRY} {days!r}, which is no number of days")
    return EncryptRule(
        name=name,
        payload=payload,
        tags=frozenset(rule.get("tags") or ()),
        kek=str(kek),
        kms_type=given.get(KMS_TYPE) or None,
        kms_key=given.get(KMS_KEY) or None,
        algorithm=algorithm,
        expiry_days=int(days),
        params={str(k): str(v) for k, v in given.items()},
    )


class StrayTagError(Exception):
    """Tags that a rule meets and that stand where they reach no field; the message names the first."""


def hidden(pattern: str, places: Places) -> str:
    """In words, that a pattern may mean what is not seen."""
    return (
        f"the pattern {pattern} in metadata.tags may mean fields behind the reference {places.unfollowed[0]}, which is "
        "not followed, and some official clients would encrypt them: give the tag to fields by their full names, and "
        "bring what is referred to into the schema itself"
    )


def plan(
    rules: Iterable[EncryptRule],
    places: Places,
    metadata: MetadataDocument | None,
    more_tags: Mapping[str, Iterable[str]] | None = None,
    say: Say = lambda text: None,
) -> Plan:
    """What rules mean for a schema. ``more_tags``: tags by full name from elsewhere (the contract).

    Raises StrayTagError. A pattern that meets no field is said, as one that is misspelt protects nothing.
    """
    rules = list(rules)
    wanted = [rule for rule in rules if not rule.payload]
    for stray in places.stray:
        if any(rule.tags and rule.meets(stray.tags) for rule in wanted):
            named = ", ".join(sorted(stray.tags))
            raise StrayTagError(
                f"the tag {named} on {stray.where} reaches no field: official clients would write it in "
                "plaintext; put the tag on the field itself"
            )
    patterns = (metadata or {}).get("tags") or {}
    for pattern, its in patterns.items():
        if out_of_sight(places, pattern) and any(rule.tags and rule.meets(its) for rule in wanted):
            raise StrayTagError(hidden(pattern, places))
    _say_unmatched(patterns, places, wanted, say)
    fields: dict[str, tuple[EncryptRule, ...]] = {}
    unfit: dict[Place, tuple[EncryptRule, ...]] = {}
    for place in places.fields:
        tags = tags_of(place, patterns).union((more_tags or {}).get(place.name, ()))
        met = tuple(rule for rule in wanted if rule.meets(tags) and (rule.tags or not place.container))
        if met and not place.fits:
            unfit[place] = met
        elif met:
            fields[place.name] = met
            if place.note:
                say(f"field {place.name}: {place.note}")
    return Plan(fields, tuple(rule for rule in rules if rule.payload), unfit)


def _say_unmatched(
    patterns: Mapping[str, Iterable[str]], places: Places, rules: list[EncryptRule], say: Say
) -> None:
    for pattern, tags in patterns.items():
        if any(rule.tags and rule.meets(tags) for rule in rules) and not any(
            matches(pattern, place.name) for place in places.fields
        ):
            say(
                f"the pattern {pattern} in metadata.tags matches no field of the schema, so it protects nothing"
            )
