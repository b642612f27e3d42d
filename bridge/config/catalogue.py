"""A table of declarations with its look-ups: by key, by prefix, by resemblance, by secrecy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

from attrs import define, evolve, frozen

from bridge.config.property import Property
from bridge.config.supported import REFUSED_PROPERTIES, REFUSED_VALUES

_SECRET: Final = re.compile(
    r"password|passwd|passphrase|passcode|pwd|secret|token(?!\.endpoint)|jaas|private[._-]?key|keystore\.key|user\.?info"
    r"|api[._-]?key|access[._-]?key|account[._-]?key|signing[._-]?key|credential(?!s\.source)|signature|license$"
    r"|\bpin\b|\bpass$|\bauth$",
    re.IGNORECASE,
)
"""Names whose values are never shown, although nobody declared them: below an open prefix, or anywhere."""


_LONGEST_NAME: Final = 200


_SECRET_WORDS: Final = ("password", "passphrase", "secret", "token", "credential", "apikey")


@lru_cache(maxsize=1024)
def looks_secret(key: str) -> bool:
    """Whether a name that nobody declared is that of a secret, perhaps misspelled."""
    if _SECRET.search(key) is not None:
        return True
    from difflib import get_close_matches

    words = re.split(r"[^a-z]+", key.lower()[:_LONGEST_NAME])
    return any(get_close_matches(word, _SECRET_WORDS, n=1, cutoff=0.8) for word in words)


def _marked(declared: Property) -> Property:
    why, values = REFUSED_PROPERTIES.get(declared.key), REFUSED_VALUES.get(declared.key)
    return evolve(declared, unsupported=why, refused=values or {}) if why or values else declared


@frozen
class Catalogue:
    """Declared properties in their order."""

    properties: Mapping[str, Property]
    prefixes: tuple[Property, ...]

    @classmethod
    def of(cls, *groups: tuple[Property, ...]) -> Catalogue:
        """The catalogue of these groups, with what is not supported yet marked from the one table."""
        marked = [_marked(p) for group in groups for p in group]
        prefixes = sorted((p for p in marked if p.is_prefix), key=lambda p: -len(p.key))
        return cls({p.key: p for p in marked}, tuple(prefixes))

    def __iter__(self) -> Iterator[Property]:
        return iter(self.properties.values())

    def exact(self) -> Iterator[Property]:
        """The properties that are one key each."""
        return (p for p in self if not p.is_prefix)

    def find(self, key: str) -> Property | None:
        """The declaration a key falls under: its own, else that of the longest open prefix."""
        own = self.properties.get(key)
        if own is not None and not own.is_prefix:
            return own
        for prefix in self.prefixes:
            stem = prefix.key[:-1]
            if key.startswith(stem) and len(key) > len(stem):
                suffix = key[len(stem) :]
                return prefix if prefix.suffixes is None or suffix in prefix.suffixes else None
        return None

    def nearest(self, key: str) -> str | None:
        """The known key that resembles an unknown one most, if any does; nothing resembles a very long one."""
        if len(key) > _LONGEST_NAME:
            return None
        from difflib import get_close_matches

        names = [p.key for p in self.exact()]
        names += [p.key[:-1] + s for p in self.prefixes for s in p.suffixes or ()]
        folded = {name.lower(): name for name in names}
        close = get_close_matches(key.strip().lower(), list(folded), n=1, cutoff=0.75)
        return folded[close[0]] if close else None

    def is_secret(self, key: str) -> bool:
        """Whether the value of this key must never be shown; keys that nobody declared, by their name."""
        declared = self.find(key)
        if declared is None:
            return looks_secret(key)
        return declared.secret or (declared.is_prefix and _SECRET.search(key) is not None)


@define
class Hints:
    """The nearest known keys for unknown ones: for so many of a configuration that somebody could read them. One takes
    10 ms, and a configuration may have thousands."""

    catalogue: Catalogue
    left: int = 50

    def nearest(self, key: str) -> str | None:
        """As ``Catalogue.nearest``; None once there were enough."""
        self.left -= 1
        return self.catalogue.nearest(key) if self.left >= 0 else None
