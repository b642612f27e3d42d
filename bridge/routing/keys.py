"""Which keys a connector may use: what its contracts, its worker and its memory say of KEKs and KMS keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from bridge.config import Config, Loaded
from bridge.encryption.deks import Deks
from bridge.encryption.identities import ALTERNATES, WORKER_SHARED, Identities, Meant, listed, meant
from bridge.encryption.permitted import ALLOWED, Permitted
from bridge.model.contract import Contract
from bridge.routing.guard import executor_params
from bridge.routing.ledger import Ledger


def contract_keys(contracts: Iterable[Contract]) -> dict[str, Meant]:
    """What contracts say of KEKs."""
    return meant(
        (rule.params, contract.properties)
        for contract in contracts
        for rule in contract.rules
        if rule.encrypts
    )


def permitted(worker: Config, says: Mapping[str, Meant]) -> Permitted:
    """The KMS keys that a connector may ask. Of its own parameters none counts: they may come by REST, and the
    credentials are the worker's."""
    named = {key for each in says.values() for key in (each.kms_key, *each.alternates) if key}
    configured = set(listed(executor_params(None, worker).get(ALTERNATES)))
    return Permitted(frozenset(named | configured), tuple(worker.get(ALLOWED) or ()), only=bool(named))


def permitted_by_hand(worker: Config, params: Mapping[str, str], *more: str | None) -> Permitted:
    """Those that an operator's tools may ask. ``more``: ids that the operator names right now."""
    named = {*listed(params.get(ALTERNATES)), *filter(None, more)}
    return Permitted(frozenset(named), tuple(worker.get(ALLOWED) or ()), besides=True)


def judging(
    deks: Deks, loaded: Loaded, contracts: Iterable[Contract], ledger: Ledger, say: Callable[[str], None]
) -> None:
    """Let a connector's DEKs be of those KEKs only that were meant, and its KMS keys those that may be asked."""
    says, memory = contract_keys(contracts), ledger.memory
    deks.permitted = permitted(loaded.worker, says)
    deks.identities = Identities(
        says,
        frozenset(loaded.worker.get(WORKER_SHARED) or ()),
        deks.permitted,
        deks.params,
        memory.keks,
        memory.shared,
        ledger.keep,
        say,
    )
