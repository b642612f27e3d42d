"""Whether a KEK is the one that was meant: by the contract, by the worker, or as it was when it was first used.

Everything is compared: type, key, properties, whether it is shared. A shared KEK is one whose DEKs the registry makes
and knows, so the operator has to say so; without a contract that is taken as read at the first start, and said. The
properties may gain alternate keys, if they are keys that may be asked.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from attrs import define, field, frozen

from bridge.encryption.dek_registry import Kek
from bridge.encryption.permitted import Permitted
from bridge.encryption.rules import KEK_NAME, KMS_KEY, KMS_TYPE
from bridge.errors import fatal

ALTERNATES: Final = "encrypt.alternate.kms.key.ids"
SHARED: Final = "encrypt.kek.shared"
"""In a contract's rule: its KEK is shared."""
WORKER_SHARED: Final = "bridge.kek.shared"
_KEY: Final = ("secret", "namespace")
"""Properties that choose another key."""


@frozen
class Meant:
    """What a contract says of a KEK."""

    kms_type: str | None = None
    kms_key: str | None = None
    alternates: tuple[str, ...] = ()
    shared: bool = False


def meant(rules: Iterable[tuple[Mapping[str, str], Mapping[str, str]]]) -> dict[str, Meant]:
    """Of contracts' encryption rules, each with ``metadata.properties``, by KEK."""
    by_kek: dict[str, Meant] = {}
    for params, properties in rules:
        given = {**properties, **params}
        if name := given.get(KEK_NAME):
            before = by_kek.get(str(name), Meant())  # another rule, or another contract, may say more of it
            by_kek[str(name)] = Meant(
                given.get(KMS_TYPE) or before.kms_type,
                given.get(KMS_KEY) or before.kms_key,
                tuple(dict.fromkeys((*before.alternates, *listed(given.get(ALTERNATES))))),
                str(given.get(SHARED, "")).lower() == "true" or before.shared,
            )
    return by_kek


def listed(text: object) -> tuple[str, ...]:
    """Ids in a comma-separated list."""
    return tuple(part.strip() for part in str(text or "").split(",") if part.strip())


@define
class Identities:
    """Belongs to one connector. ``first`` and ``first_shared``: KEKs as they were at first, where no contract says so,
    kept over restarts by ``store``. ``params``: the configuration's KMS parameters."""

    contract: Mapping[str, Meant] = field(factory=dict)
    shared: frozenset[str] = frozenset()
    permitted: Permitted = field(factory=Permitted)
    params: Mapping[str, str] = field(factory=dict, repr=False)
    first: dict[str, str] = field(factory=dict)
    first_shared: dict[str, bool] = field(factory=dict)
    store: Callable[[], None] = lambda: None
    say: Callable[[str], None] = lambda text: None

    def check(self, kek: Kek) -> None:
        """Fatal for a KEK that is another one than was meant."""
        says = self.contract.get(kek.name)
        if says is not None:
            pairs = (("KMS type", says.kms_type, kek.kms_type), ("KMS key", says.kms_key, kek.kms_key))
            for what, wanted, there in pairs:
                if wanted and wanted != there:
                    raise fatal(
                        f"the KEK {kek.name} is registered with the {what} {there}, and the contract names {wanted}"
                    )
        self._check_properties(kek, says)
        self._check_shared(kek, says)
        if says is None or not (says.kms_type and says.kms_key):
            before = dict(self.first), dict(self.first_shared)
            self._check_known(kek)
            if says is None:
                self._learn_shared(kek)
            if before != (self.first, self.first_shared):
                self.store()

    def _check_properties(self, kek: Kek, says: Meant | None) -> None:
        for key_id in listed(kek.props.get(ALTERNATES)):
            self.permitted.check(kek.kms_type, key_id)
        for name, value in kek.props.items():
            configured = self.params.get(name)
            if name == ALTERNATES or kek.shared or configured == value:
                continue
            if configured is not None or (says is not None and name in _KEY):
                raise fatal(
                    f"the KEK {kek.name} is registered with {name} in its kmsProps, and which key is used is not the "
                    f"registry's to say: set rule.executors._default_.param.{name} and take it out there"
                )

    def _check_shared(self, kek: Kek, says: Meant | None) -> None:
        agreed = kek.name in self.shared or (says is not None and says.shared)
        remedy = (
            f"if that is meant, say so: {WORKER_SHARED}={kek.name} in the worker's properties, or {SHARED}: 'true' in "
            "the params of the contract's rule"
        )
        before = self.first_shared.get(kek.name)
        if kek.shared and not agreed and (says is not None or before is False):
            raise fatal(f"the KEK {kek.name} is shared: the registry makes its keys and knows them; {remedy}")
        if not kek.shared and before and not agreed and says is None:
            raise fatal(
                f"the KEK {kek.name} was shared when it was first used, and is not any more; {remedy}"
            )

    def _learn_shared(self, kek: Kek) -> None:
        if kek.name in self.shared or kek.name in self.first_shared:
            return
        if kek.shared:
            self.say(
                f"the KEK {kek.name} is shared: the registry makes its keys and knows them; this is taken as meant "
                f"from now on ({WORKER_SHARED} says it for good)"
            )
        self.first_shared[kek.name] = kek.shared

    def _check_known(self, kek: Kek) -> None:
        rest = {name: value for name, value in kek.props.items() if name != ALTERNATES}
        digest = hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()[:8] if rest else "-"
        identity = f"{kek.kms_type} {kek.kms_key} {digest}"
        before = self.first.get(kek.name)
        if before is None:
            self.first[kek.name] = identity
        elif before != identity:
            raise fatal(
                f"the KEK {kek.name} is another one than before: it was {_shown(before)}, and is {_shown(identity)}; "
                "name it with its key in a contract if that is meant"
            )


def _shown(identity: str) -> str:
    kind, _, rest = identity.partition(" ")
    key, _, digest = rest.rpartition(" ")
    return f"{kind} {key}" + ("" if digest == "-" else f" with the properties {digest}")
