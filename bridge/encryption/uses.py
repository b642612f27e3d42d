"""How many values were encrypted under each DEK, over all processes and restarts of a group.

AES-GCM with random 96-bit IVs is safe for about 2^32 values under one key (NIST SP 800-38D, 8.3). Values are counted
where IVs are drawn, by the block of 512, and reserved ahead in the offsets topic: a process may draw what it has
reserved and no more, so that whatever was encrypted is counted even if the process is gone a moment later. What it did
not use is given back at an orderly end; a crash loses it, which counts too much, never too little.

* A rule with an expiry gets a new DEK at 2^31 values, before its time.
* A rule without one cannot: its ciphertext names no version. It is warned of at 2^31 and refused before 2^32.
* AES256_SIV has no random IV and is not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, Protocol

from attrs import define, field

from bridge.encryption.envelope import IVS_AT_ONCE, Algorithm, Ivs
from bridge.errors import fatal

MANY: Final = 2**31
"""From here on a DEK is replaced, or warned of."""
MOST: Final = 2**32 - 2**28
"""Beyond this nothing is encrypted: what other connectors have drawn since it was last read has room in the rest."""
FIRST: Final = 16 * IVS_AT_ONCE
"""What is reserved first; then as much again as was drawn, so that a crash at most doubles the count."""
LARGEST: Final = 2**22
READ_AGAIN: Final = 2**24
"""After so many values of its own a connector looks at what others have drawn."""

Key = tuple[str, str, str, int]
"""KEK, subject, algorithm and version of a DEK."""


class Dek(Protocol):
    """What tells one DEK from another."""

    @property
    def kek(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def algorithm(self) -> Algorithm: ...


class Unreserved(BaseException):
    """The values reserved for a DEK are used up. ``prepare`` reserves more, which writes to Kafka, so it is called
    between transactions; then the event is converted again.

    No ``Exception``: an encoder that tries again by another way what failed must let it pass.
    """

    def __init__(self, prepare: Callable[[], None]) -> None:
        super().__init__("more values are to be reserved for a DEK")
        self.prepare = prepare


@define
class _Use:
    ivs: Ivs
    rotates: bool
    rule: str


@define
class Uses:
    """Belongs to one connector and one run of it.

    ``read``: what the offsets topic says, this connector's own counts and those of all others; ``store``: writes this
    connector's, returns when they are durable; ``renew``: forgets encoders and DEKs, so that both are asked for anew.
    """

    read: Callable[[], tuple[Mapping[Key, int], Mapping[Key, int]]]
    store: Callable[[Mapping[Key, int]], None]
    renew: Callable[[], None]
    warn: Callable[[str], None]
    reserved: dict[Key, int] = field(factory=dict)
    """This connector's counts, as they are stored."""
    _others: Mapping[Key, int] = field(factory=dict)
    _uses: dict[Key, _Use] = field(factory=dict)
    _worn: set[Key] = field(factory=set)
    _warned: set[Key] = field(factory=set)
    _known: bool = False
    _unread: int = 0

    def meter(self, dek: Dek, ivs: Ivs, *, rotates: bool, rule: str) -> None:
        """Let a DEK be used only as far as it is reserved. ``rotates``: its rule has an expiry."""
        if dek.algorithm.deterministic:
            return
        key = key_of(dek)
        use = self._uses.get(key)
        if use is not None and use.ivs is ivs:
            use.rotates, use.rule = rotates, rule
            return
        self._uses[key] = _Use(ivs, rotates, rule)
        ivs.left, ivs.more = 0, partial(self._more, key)

    def worn(self, dek: Dek) -> bool:
        """Whether a DEK has encrypted so many values that another one should take its place."""
        return key_of(dek) in self._worn

    def give_back(self) -> None:
        """At an orderly end: store what was drawn, not what was reserved."""
        unused = {key: use.ivs.left for key, use in list(self._uses.items()) if use.ivs.left}
        if not unused:
            return
        self.store({key: count - unused.get(key, 0) for key, count in self.reserved.items()})
        for key, left in unused.items():
            self.reserved[key] -= left
            self._uses[key].ivs.left = 0

    def _more(self, key: Key) -> None:
        raise Unreserved(partial(self._reserve, key))

    def _reserve(self, key: Key) -> None:
        """Fatal where the DEK has encrypted as many values as it may; Retriable where Kafka does not answer."""
        use = self._uses[key]
        if not self._known or self._unread >= READ_AGAIN:
            own, self._others = self.read()
            if not self._known:
                self.reserved = dict(own)
            self._known, self._unread = True, 0
        total = self.reserved.get(key, 0) + self._others.get(key, 0)
        block = max(FIRST, min(use.ivs.drawn, LARGEST))
        if total >= MANY and use.rotates:
            self._worn.add(key)
            self.renew()
            return
        if total + block > MOST:
            raise fatal(f"{_named(key, use)} has encrypted {total:,} values. {_REASON} {_REMEDY}")
        if total + block > MANY and key not in self._warned:
            self._warned.add(key)
            said = f"{_named(key, use)} has encrypted {total:,} values."
            self.warn(f"{said} {_REASON} At {MOST:,} the connector stops. {_REMEDY}")
        self.store({**self.reserved, key: self.reserved.get(key, 0) + block})
        self.reserved[key] = self.reserved.get(key, 0) + block
        self._unread += block
        use.ivs.left += block


def key_of(dek: Dek) -> Key:
    """What a DEK is counted under: a new wrapping leaves it what it is."""
    return dek.kek, dek.subject, str(dek.algorithm), dek.version


def _named(key: Key, use: _Use) -> str:
    kek, subject, algorithm, version = key
    return f"the DEK of {subject} under KEK {kek} ({algorithm}, version {version}; rule {use.rule})"


_REASON: Final = (
    "Beyond 2^32 values under one key, random IVs may meet, which would give plaintext away; the rule has no expiry, "
    "so the key is never replaced."
)
_REMEDY: Final = (
    "Set encrypt.dek.expiry.days in the rule, which makes a new schema version: new values get a new key, and what was "
    "written stays readable."
)
