"""The seal ledger: for each route the fields that must be sealed, and those that the compiled encoder seals.

Both are worked out apart: what must be is read off tags, rules and names (contract, classification and registered
schema together); what is comes from the encoder, which notes each seal that it builds in. Unequal means no route.

It remembers what was sealed, over restarts: a field that was protected and is not any more does not get out unless
that is acknowledged. A field is one of the event, by its path before transforms, whatever subject it goes to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from typing import Final

from attrs import define, field, frozen

from bridge.documents import Json
from bridge.encryption.rules import PAYLOAD, meet, protecting, runs
from bridge.errors import fatal
from bridge.languages.tagging import Path, Tagged, every_field, struct_in, tags_in
from bridge.model.contract import Contract
from bridge.model.contract import protects as says_to_protect
from bridge.model.registry_documents import RuleDocument
from bridge.model.schema import Schema
from bridge.routing.following import follow
from bridge.routing.registration import Written
from bridge.transforms.chain import Chain

WHOLE: Final = "*"
"""Stands among an event's fields for the payload as a whole."""
_ALLOW: Final = "bridge.csfle.allow.plaintext"


@define
class Memory:
    """What of a connector was sealed: event → its fields. ``shared``: whether a KEK was shared when first used, and
    ``keks``: which one it was."""

    fields: dict[str, set[str]] = field(factory=dict)
    shared: dict[str, bool] = field(factory=dict)
    keks: dict[str, str] = field(factory=dict)


@frozen
class Entry:
    """One route. ``sealed``: the fields of the value, by their path as they are written."""

    event: str
    subject: str
    version: int
    sealed: tuple[str, ...] = ()
    payload: bool = False

    @property
    def count(self) -> int:
        """How many fields are sealed; the whole payload is one more."""
        return len(self.sealed) + self.payload

    def __str__(self) -> str:
        named = ", ".join([*(["the whole payload"] if self.payload else []), *self.sealed]) or "nothing"
        return f"{self.subject} version {self.version} ({self.event}): sealed {named}"

    def document(self) -> dict[str, Json]:
        """As JSON."""
        return {
            "event": self.event,
            "subject": self.subject,
            "version": self.version,
            "sealed": list(self.sealed),
            "payload": self.payload,
        }


@define
class Ledger:
    """Belongs to one connector. ``elsewhere``: whether any of its other events would have something sealed.

    ``store``: keeps the memory before the first record is written by it; ``changed``: is told of every new entry.
    """

    allow: bool = False
    warn: Callable[[str], None] = lambda text: None
    info: Callable[[str], None] = lambda text: None
    memory: Memory = field(factory=Memory)
    elsewhere: Callable[[str], bool] = lambda event: False
    store: Callable[[Memory], None] = lambda memory: None
    changed: Callable[[tuple[Entry, ...]], None] = lambda entries: None
    entries: dict[tuple[str, str], Entry] = field(factory=dict)
    _acknowledged: set[str] = field(factory=set)
    _later: bool = False
    _changes: int = 0
    _stored: int = 0

    def keep(self) -> None:
        """The memory has changed: it is stored before anything is written by it, here and now or by ``settling``."""
        self._changes += 1
        self.settle()

    def settle(self) -> None:
        """Store the memory if that was not done since it changed: between two transactions, so not ``later``."""
        if self._stored < self._changes and not self._later:
            self._store(self.memory, self._changes)

    @contextmanager
    def later(self) -> Iterator[None]:
        """Meanwhile nothing is stored, because another thread than the one that may store is at work."""
        self._later = True
        try:
            yield
        finally:
            self._later = False

    def settling(self) -> Callable[[], None] | None:
        """What stores the memory as it is now; None where that was done."""
        if self._stored == self._changes:
            return None
        return partial(self._store, deepcopy(self.memory), self._changes)

    def _store(self, memory: Memory, changes: int) -> None:
        self.store(memory)
        self._stored = max(self._stored, changes)

    @property
    def seals(self) -> bool:
        """Whether anything of the connector is sealed, or was."""
        return any(entry.count for entry in self.entries.values()) or any(self.memory.fields.values())

    def enter(
        self, event: str, before: Schema, chain: Chain, written: Written, placed: Iterable[str]
    ) -> Entry:
        """A route that was compiled. ``placed``: full names of fields whose seal the encoder built in, and ``WHOLE``.

        Fatal where it does not seal what must be, where what was protected would get out, or where nothing of the
        connector is protected at all.
        """
        kept, contract = written.in_force, written.intent.contract
        rules = [rule for rule in kept.rules() if runs(rule)]
        reach = tags_in(written.registered.text, written.registered.type, kept.metadata)
        entry = self._balanced(event, written, reach, rules, frozenset(placed))
        followed = follow(chain, before, reach, protecting(rules))
        now = {".".join(path) for path in followed.origins & followed.out} | (
            {WHOLE} if entry.payload else set()
        )
        out = {".".join(path) for path in followed.out} | {WHOLE}
        self.check_kept(event, now, out, contract)
        if not entry.count:
            self.check_plain(event, entry.subject, contract)
        self._remember(event, now)
        self._say(entry)
        return entry

    def unwritten(self, event: str, before: Schema, chain: Chain, contract: Contract | None) -> None:
        """Records without a value: what was protected may be in their keys and headers. Fatal."""
        out = follow(chain, before, None, bool).exposed
        self.check_kept(event, set(), {".".join(path) for path in out}, contract)

    def check_kept(self, event: str, now: set[str], out: set[str], contract: Contract | None) -> None:
        """Fatal where a field that was protected gets ``out`` and is not protected ``now``."""
        sealed = self.memory.fields.get(event, set())
        spoken = _let_out(contract)
        gone = sorted((sealed & out) - now)
        lost = [name for name in gone if name.partition(".")[0] not in spoken]
        if lost and not self.allow:
            named = ", ".join("the whole payload" if name == WHOLE else name for name in lost)
            raise fatal(
                f"{named} of {event} was encrypted before, and neither a contract nor the registry says so any more: "
                f"put the tags and rules back (or into a contract), let it out in the contract (tags: []), or "
                f"acknowledge with {_ALLOW}=true that it is plaintext from now on"
            )
        for name in gone:
            sealed.discard(name)
            if name in lost:
                self.warn(
                    f"{name} of {event} was encrypted before and is plaintext from now on, as {_ALLOW} says"
                )
        if gone:
            self.keep()

    def remembered(self, event: str, contract: Contract | None) -> frozenset[Path]:
        """What was sealed of an event and nobody let out since."""
        sealed = set[str]() if self.allow else self.memory.fields.get(event, set())
        let_out = _let_out(contract)
        return frozenset(
            tuple(name.split(".")) for name in sealed if name.partition(".")[0] not in {*let_out, WHOLE}
        )

    def check_plain(self, event: str, subject: str, contract: Contract | None) -> None:
        """Fatal for an event of which nothing is sealed, where it may not be plain."""
        if not self.may_be_plain(event, contract):
            raise fatal(
                f"csfle.enabled is true, and no field of {event} in {subject} has a tag that an enabled ENCRYPT "
                f"rule meets, nor has any other event of the connector: nothing would be encrypted. Tag a field in a "
                f"contract, set csfle.enabled=false, or acknowledge it with {_ALLOW}=true"
            )

    def may_be_plain(self, event: str, contract: Contract | None) -> bool:
        """Whether an event may be without any seal: something else of the connector has one, or it was said."""
        if contract is not None and says_to_protect(contract) and not _misses(contract):
            return True  # it says what is protected, and that is nothing here
        return self.seals or self.elsewhere(event) or self._acknowledge(event)

    def _acknowledge(self, event: str) -> bool:
        if self.allow and event not in self._acknowledged:
            self._acknowledged.add(event)
            self.warn(f"nothing of {event} is encrypted, although csfle.enabled is true, as {_ALLOW} says")
        return self.allow

    def _balanced(
        self,
        event: str,
        written: Written,
        reach: Tagged,
        rules: list[RuleDocument],
        placed: frozenset[str],
    ) -> Entry:
        stored, schema = written.registered, written.schema
        names = reach.follow(schema)
        by_tag = [rule.get("tags") or () for rule in rules if rule.get("type") != PAYLOAD]
        must: dict[str, str] = {}
        every: dict[str, str] = {}
        for path, its in every_field(schema):
            leaf = struct_in(its.schema) is None
            for name in names[path]:
                every[name] = ".".join(path)
                tags = its.tags | reach.tags([name])
                if any(meet(wanted, tags) and (wanted or leaf) for wanted in by_tag):
                    must[name] = ".".join(path)
        payload = any(rule.get("type") == PAYLOAD for rule in rules)
        sealed = placed & every.keys()
        if sealed != must.keys() or payload is not (WHOLE in placed):
            wrong = sorted({every[name] for name in sealed ^ must.keys()}) or ["the payload"]
            raise fatal(
                f"{stored.subject} version {stored.version}: what must be encrypted and what the encoder encrypts are "
                f"not the same ({', '.join(wrong)}), so nothing is written"
            )
        return Entry(
            event, stored.subject, stored.version, tuple(sorted({every[name] for name in sealed})), payload
        )

    def _remember(self, event: str, now: set[str]) -> None:
        sealed = self.memory.fields.setdefault(event, set())
        if not now <= sealed:
            sealed |= now
            self.keep()

    def _say(self, entry: Entry) -> None:
        key = (entry.event, entry.subject)
        if self.entries.get(key) != entry:
            before = self.entries.get(key)
            self.entries[key] = entry
            if before is None or (before.sealed, before.payload) != (entry.sealed, entry.payload):
                self.info(str(entry))
            self.changed(tuple(self.entries.values()))


def _let_out(contract: Contract | None) -> set[str]:
    """The fields that a contract lists without a tag. One that it tags is not let out, whoever has the rules."""
    return set() if contract is None else {name for name, said in contract.fields.items() if not said.tags}


def _misses(contract: Contract) -> bool:
    """Whether a contract gives tags, and its rules meet none of them: a word of it is misspelt, perhaps."""
    given = [field.tags for field in contract.fields.values() if field.tags]
    given += [
        (tag,) for tag in (*contract.compliance_group.values(), *contract.security_classification.values())
    ]
    rules = [rule for rule in contract.rules if rule.encrypts]
    return bool(given) and not any(meet(rule.tags, tags) for rule in rules for tags in given)
