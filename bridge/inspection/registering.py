"""What the registry and the keys say of a connector, tried without registering anything: for ``validate --online``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from attrs import define, evolve

from bridge.config import Loaded, registry_settings, topic_template
from bridge.config.declarations.formats import REGISTRY_TYPES
from bridge.documents import understood
from bridge.errors import Fatal, Stage
from bridge.errors.words import words
from bridge.formats import form_of
from bridge.formats.options import flag
from bridge.inspection.alike import alike
from bridge.inspection.attempts import Check, attempt
from bridge.inspection.declared import Declared
from bridge.inspection.key_check import try_keys
from bridge.languages.traits import traits_of
from bridge.metadata.infer import record_schema
from bridge.model.contract import Contract
from bridge.model.protection import NOTHING
from bridge.model.schema import EventType, Kind, Schema
from bridge.registry.client import Registry, schema_fatal
from bridge.registry.http import Refused, http_of
from bridge.routing.elsewhere import anything_sealed
from bridge.routing.exposure import Exposure
from bridge.routing.planning import Intent, Ways, intend
from bridge.routing.registration import check_stored
from bridge.transforms.configuration import chain_of


@define
class Registering:
    """``events``: those whose fields are known, with their tags; None for one that could not be found out."""

    loaded: Loaded
    events: Mapping[str, EventType | None]
    contracts: Mapping[str, Contract]

    def checks(self) -> Iterator[Check]:
        """Each, as it ends."""
        form = form_of(self.loaded.connector["output.data.format"])
        if form.NAME not in REGISTRY_TYPES:
            yield Check("schema registry", True, f"not needed for {form.NAME}")
            return
        yield attempt("schema registry", self._reach)
        if not self.events:
            yield Check("schema", None, "not asked, because the event was not found")
        for name, check in (("schema", self._schema), ("keys", self._keys)):
            if name == "keys" and not self.loaded.connector["csfle.enabled"]:
                continue
            for event in self.events.values():
                if event is None:
                    yield Check(name, None, "not asked, because the event's fields could not be found out")
                else:
                    yield attempt(name, lambda check=check, event=event: check(event))  # type: ignore[misc]

    def _keys(self, event: EventType) -> str:
        """Whether the rules can be run and their KMS keys used, and nothing that they protect gets out. Registers
        nothing."""
        ways, registry = self._ways(), Registry(self._http())
        contract, template = self.contracts.get(event.name), topic_template(self.loaded.connector)
        chain = chain_of(self.loaded.connector.raw())
        exposure = Exposure.of(self.loaded.connector, template, chain)
        judged = Declared(True, ways, registry, template, chain, exposure)
        refusal = judged.refusal(event, record_schema(event), contract)
        if refusal is not None:
            raise Fatal(refusal, stage=Stage.ENCRYPT)

        def planned(other: EventType, schema: Schema, topic: str | None) -> Intent | None:
            subject = ways.subject(schema, topic)
            latest = None if subject is None else registry.latest(subject)
            return (
                None
                if subject is None
                else intend(ways, subject, latest, schema, self.contracts.get(other.name))
            )

        def elsewhere(name: str) -> bool:
            others = [one for one in self.events.values() if one is not None and one.name != name]
            return len(others) + 1 < len(self.events) or anything_sealed(others, template, chain, planned)

        tried = []
        for schema, subject in self._targets(ways, event):
            latest = None if subject is None else registry.latest(subject)
            tried.append(try_keys(self.loaded, self._http(), event.name, schema, latest, subject, elsewhere))
        return "; ".join(dict.fromkeys(tried))

    def _targets(self, ways: Ways, event: EventType) -> list[tuple[Schema, str | None]]:
        """What the event's records may become behind the transforms, and the subjects of that."""
        chain, template = chain_of(self.loaded.connector.raw()), topic_template(self.loaded.connector)
        topic = None
        if set(template.fields) <= {"_ObjectType"}:
            topic = chain.fixed_topic(template.fill(lambda _: event.name))
        ends = [end.value for end in chain.ends(record_schema(event))[0]]
        return [
            (one, ways.subject(one, topic)) for one in ends if one is not None and one.kind is Kind.STRUCT
        ]

    def _http(self) -> Any:
        settings = registry_settings(self.loaded.connector, self.loaded.worker)
        egress = self.loaded.connector.egress
        return http_of(settings, retry_seconds=3, longest_wait=1, egress=egress)

    def _reach(self) -> str:
        self._call("/subjects?subjectPrefix=none")
        return f"{', '.join(address.shown for address in self._http().addresses)} answers"

    def _schema(self, event: EventType) -> str:
        """Whether the event's schema is there, or could be registered, and whether the event could be written by it."""
        ways, contract = self._ways(), self.contracts.get(event.name)
        targets = self._targets(ways, event)
        said = [self._registered(ways, schema, subject, contract) for schema, subject in targets]
        return "; ".join(
            dict.fromkeys([*said, *(text for schema, _ in targets for text in alike(schema, ways.type))])
        )

    def _registered(self, ways: Ways, schema: Schema, subject: str | None, contract: Contract | None) -> str:
        if subject is None:
            return "the subject depends on the event, and cannot be looked up beforehand"
        connector, registry = self.loaded.connector, Registry(self._http())
        latest = registry.latest(subject)
        if latest is not None:
            allowed = bool(connector.get("bridge.csfle.allow.plaintext"))
            check_stored(latest, ways, encrypts=ways.encrypts, plaintext=allowed)
        try:
            plan = intend(ways, subject, latest, schema, contract)
        except Fatal as error:
            if error.stage is not Stage.ENCRYPT:
                raise
            plan = intend(evolve(ways, encrypts=False), subject, latest, schema)  # keys are another check
        if latest is None:
            self._may_register(subject, ways.auto, f"the subject {subject} has no schema")
            self._compile(plan)
            return f"{subject} has no schema yet; one is registered when the first event comes"
        strict = ""
        if traits_of(latest.type).strict and registry.config(subject).get("compatibilityPolicy") != "LENIENT":
            strict = (
                "; its compatibilityPolicy is not LENIENT, so that a field added to the event will be refused"
            )
        if not plan.lacking:
            self._compile(plan)
            return f"{subject} version {latest.version} covers the event{strict}"
        difference = f"{subject} version {latest.version} lacks {', '.join(plan.lacking)}"
        if not ways.auto and not flag(ways.settings, "latest.compatibility.strict", True):
            self._compile(plan)
            return (
                f"{difference}, and that is not written (value.converter.latest.compatibility.strict=false)"
            )
        self._may_register(subject, ways.auto, difference)
        fits, why = registry.compatible(subject, plan.wanted.text, latest.type)
        if not fits:
            raise Fatal(
                f"{difference}, and adding that is incompatible: {'; '.join(why)}", stage=Stage.SCHEMA
            )
        self._compile(plan)
        return f"{difference}; a compatible version with it is registered when the first event comes"

    def _compile(self, plan: Intent) -> None:
        """Whether the event can be written by the version that would write it. Fatal."""
        ways, writes = self._ways(), plan.writes
        with understood(f"what would be written for {writes.subject}", schema_fatal):
            ways.form.compile_values(plan.schema, writes.text, b"", ways.settings, NOTHING)

    def _ways(self) -> Ways:
        connector = self.loaded.connector
        return Ways.of(connector, connector.prefixed("value.converter."))

    def _may_register(self, subject: str, auto: bool, reason: str) -> None:
        if not auto:
            raise Fatal(
                f"{reason}, and value.converter.auto.register.schemas is false; register one, or let the "
                "connector do it",
                stage=Stage.SCHEMA,
            )
        mode = (self._call(f"/mode/{quote(subject, safe='')}?defaultToGlobal=true") or {}).get("mode")
        if mode in ("READONLY", "READONLY_OVERRIDE"):
            raise Fatal(
                f"{reason}, and the registry takes no new one for it (mode {mode}); set its mode to READWRITE",
                stage=Stage.SCHEMA,
            )

    def _call(self, path: str) -> Any:
        """The answer; None where this registry does not know the question."""
        try:
            return self._http().call("GET", path)
        except Refused as refusal:
            if refusal.status in (404, 405):
                return None
            raise Fatal(
                f"the registry refused ({refusal.status}): {words(refusal)}", stage=Stage.SCHEMA
            ) from None
