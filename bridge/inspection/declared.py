"""What the registry says of a connector that encrypts, before a subject is asked for that may be named after a value.

By the same judgement as a run (``routing/exposure.py``): somebody who looks is shown no more than would be written.
"""

from __future__ import annotations

from attrs import define, field

from bridge.config.topics import TopicTemplate
from bridge.errors import BadRecord, Fatal, Retriable
from bridge.inspection.masking import Protected, masked
from bridge.model.contract import Contract
from bridge.model.contract import protects as says_to_protect
from bridge.model.schema import EventType, Schema
from bridge.registry.client import Registry
from bridge.routing.exposure import Exposure
from bridge.routing.following import REMEMBERED, Followed, marked
from bridge.routing.ledger import WHOLE, Ledger, Memory
from bridge.routing.planning import Ways
from bridge.routing.registration import declared
from bridge.transforms.chain import Chain

NOTHING = (
    "csfle.enabled is true, and nothing of it would be encrypted: no values are shown (a contract, or tags and rules "
    "of the registered schema, say what is to be; bridge.csfle.allow.plaintext=true acknowledges that nothing is)"
)


@define
class Declared:
    """``encrypts``: whether the connector is to. ``registry`` None: none is asked."""

    encrypts: bool
    ways: Ways
    registry: Registry | None
    template: TopicTemplate
    chain: Chain
    exposure: Exposure
    memory: Memory = field(factory=Memory)
    """What its runs have encrypted before, where that is known."""
    _refusals: dict[tuple[str, int], str | None] = field(factory=dict)

    def refusal(self, event: EventType, before: Schema, contract: Contract | None) -> str | None:
        """Why a run would end, None where it would not."""
        if not self.encrypts:
            return None
        key = (event.name, id(before))
        if key not in self._refusals:
            self._refusals[key] = self._judged(event, before, contract)
        return self._refusals[key]

    def topics(self, event: EventType) -> tuple[str | None, str | None]:
        """The topic before the transforms and the one after them; None where it depends on the event's values."""
        constants = {"_ObjectType": event.name, "_EventType": event.schema_id}
        if not set(self.template.fields) <= set(constants):
            return None, None
        fixed = self.template.fill(constants.__getitem__)
        return fixed, self.chain.fixed_topic(fixed)

    def nothing(self, schema: Schema | None, protected: Protected) -> bool:
        """Whether nothing of a record would be encrypted though something has to be, and nobody acknowledged it."""
        if not self.encrypts or self.exposure.acknowledged or protected.everything:
            return False
        return not masked(schema, protected)

    def lost(
        self, event: EventType, followed: Followed, protected: Protected, contract: Contract | None
    ) -> str | None:
        """Why a run would end that has encrypted more than would be encrypted now; None where it would not."""
        ledger = Ledger(allow=self.exposure.acknowledged, memory=self.memory)
        now = {".".join(path) for path in followed.origins & followed.out}
        try:
            ledger.check_kept(
                event.name,
                now | ({WHOLE} if protected.everything else set()),
                {".".join(path) for path in followed.out} | {WHOLE},
                contract,
            )
        except Fatal as error:
            return error.message
        return None

    def _judged(self, event: EventType, before: Schema, contract: Contract | None) -> str | None:
        fixed, final = self.topics(event)
        ledger = Ledger(allow=self.exposure.acknowledged, memory=self.memory)
        before = marked(before, ledger.remembered(event.name, contract), REMEMBERED)
        try:
            if self.registry is None:
                if final is None:
                    self.exposure.judge_declared(before, None)
                return None
            version = declared(self.ways, self.registry, before, final or fixed, contract)
            self.exposure.judge_declared(before, version)
            if final is None and not (contract is not None and says_to_protect(contract)):
                self.exposure.judge_unmet(before, version)
        except (Fatal, Retriable, BadRecord) as error:
            return error.message
        return None
