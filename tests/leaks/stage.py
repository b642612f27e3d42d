"""Many cases at once: one org, one registry that lies, one broker, one worker at TRACE, a connector for each case."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from attrs import define, evolve, field

from bridge.config.declarations.formats import REGISTRY_TYPES
from bridge.encryption.dek_registry import DekRegistry
from bridge.encryption.deks import Deks
from bridge.encryption.permitted import Permitted
from bridge.formats import FORMATS
from bridge.languages.tagging import retagged
from bridge.metadata.infer import event_type, record_schema
from bridge.model.registered import Registered
from bridge.reading.decrypt import Decrypter
from bridge.registry.http import http_of
from bridge.sandbox.org import Org
from bridge.sandbox.registry import Registry
from tests.leaks.cases import CONTACT, SECRET, TRANSFORMS, Case
from tests.leaks.evidence import Evidence
from tests.leaks.lying import LIES, LyingRegistry
from tests.leaks.run import LONGEST, Run
from tests.leaks.views import look_into, show
from tests.leaks.written import collect
from tests.support.encryption import SECRET as KMS_SECRET
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import read, unique
from tests.support.kms_doubles import Double, vault
from tests.support.registry_client import asked
from tests.support.worker_run import Group, Process

TTL: Final = 0.3  # seconds after which tags and rules are asked again
_STRATEGY: Final = "value.converter.value.subject.name.strategy"
_POSITION: Final = re.compile(
    r'^sfbridge_committed_replay_id\{connector="([^"]+)"[^}]*\} (\S+)', re.MULTILINE
)
_EVERY: Final = 16  # of so many connectors one is looked into
_PARAMS: Final = {"secret": KMS_SECRET, "token.id": "good"}


@define
class Stage:
    """Runs cases and keeps the evidence."""

    directory: Path
    broker: Broker
    org: Org
    registry: Registry
    lying: LyingRegistry
    vault: Double
    runs: list[Run]
    evidence: Evidence = field(factory=Evidence)
    records: Evidence = field(factory=Evidence)
    """The values by topic."""
    jobs: Counter[tuple[str, str]] = field(factory=Counter)
    """How many ended how, by kind."""

    def play(self) -> None:
        """From the first event to the last: start, carry, change, carry, look at everything."""
        group = Group(self.directory, self.broker, unique("leaks"))
        group.extra = {f"rule.executors._default_.param.{name}": value for name, value in _PARAMS.items()}
        group.extra["bridge.kms.allowed.keys"] = self.vault.url
        for run in self.runs:
            self._prepare(run)
        worker = group.spawn()
        try:
            worker.rest.ask("PUT", "/admin/loggers/root", {"level": "TRACE"}).raise_for_status()
            for run in self.runs:
                body = self._configuration(run)
                answer = worker.rest.ask("PUT", f"/connectors/{run.name}/config", body)
                self.evidence.add("REST", answer.text)
                assert answer.status_code in (200, 201), (str(run.case), answer.text)
            self._wait(worker)
            for run in self.runs:
                self._change(run)
            time.sleep(TTL * 2)  # what is asked again after that time is not asked before
            for run in self.runs:
                self._publish(run, changed=True)
            self._wait(worker)
            show(worker, self.runs, self.evidence)
            for run in self.runs[::_EVERY]:
                self.jobs += look_into(worker, run, self.evidence)
        finally:
            worker.end()
        self.evidence.add("log", worker.errors())
        self._collect(group)

    # ---- before and meanwhile ---------------------------------------------------------------------------

    def _prepare(self, run: Run) -> None:
        self.org.define(run.definition(changed=False))
        if run.case.source in ("inline", "pattern"):
            self._register(run, changed=False)
        if run.case.since == "start":
            self.lying.lies[run.name] = LIES[run.case.registry]
        self._publish(run, changed=False)

    def _change(self, run: Run) -> None:
        self.lying.lies[run.name] = LIES[run.case.registry]
        if run.case.known == "before":
            return
        self.org.define(run.definition(changed=True))
        if run.case.source == "inline" or (run.case.source == "pattern" and run.case.known == "after"):
            self._register(run, changed=True)

    def _register(self, run: Run, *, changed: bool) -> None:
        """A version as its owner would: with the tag where it is known, and the rule from the beginning."""
        definition = run.definition(changed=changed)
        schema = record_schema(event_type(run.event, definition.describe(""), None))
        form, path = FORMATS[run.case.form], f"/subjects/{run.subject}/versions"
        stored = Registered(run.subject, 0, 0, "", REGISTRY_TYPES[run.case.form])
        if changed:
            latest = asked(self.registry, f"{path}/latest")
            text = form.with_fields(schema, latest["schema"], {})
            stored = evolve(
                stored, text=text, metadata=latest.get("metadata"), rule_set=latest.get("ruleSet")
            )
        else:
            asked(self.registry, f"/config/{run.subject}", {"compatibility": "NONE"}, method="PUT")
            rules = {"domainRules": [run.rule()]}
            stored = evolve(stored, text=form.render(schema, {}), rule_set=rules)
        known = run.case.known == "before" or changed
        tagged = {CONTACT: ["PII"]}
        if known or (run.case.source == "pattern" and run.case.known == "with"):
            tagged[SECRET] = ["PII"]
        if run.case.source == "pattern":
            stored = evolve(stored, metadata={"tags": {f"**.{name}": tags for name, tags in tagged.items()}})
        else:
            stored = retagged(stored, tagged, ())
        body = {"schemaType": stored.type, "schema": stored.text, "metadata": stored.metadata}
        asked(self.registry, path, {**body, "ruleSet": stored.rule_set})

    def _configuration(self, run: Run) -> dict[str, str]:
        known = self.org.credentials
        config = {
            "connector.class": "SalesforcePlatformEventSource",
            "kafka.topic": run.topic,
            "salesforce.grant.type": "PASSWORD",
            "salesforce.instance": self.org.url,
            "salesforce.username": known.username,
            "salesforce.password": known.password,
            "salesforce.password.token": known.security_token,
            "salesforce.consumer.key": known.client_id,
            "salesforce.consumer.secret": known.client_secret,
            "salesforce.platform.event.name": run.event,
            "salesforce.initial.start": "all",
            "bridge.salesforce.ca.file": str(self.org.ca_file),
            "output.data.format": run.case.form,
            "tasks.max": "1",
            "csfle.enabled": "true",
            "value.converter.schema.registry.url": f"{self.lying.url}/{run.name}",
            "bridge.schema.latest.ttl.ms": str(int(TTL * 1000)),
            "errors.retry.timeout": "2000",
            "errors.tolerance": run.case.tolerance,
            "errors.log.enable": "true",
            "errors.log.include.messages": "true",
            "topic.creation.default.partitions": "1",
            "topic.creation.default.replication.factor": "1",
        }
        if run.case.tolerance == "all":
            config |= {
                "errors.deadletterqueue.topic.name": run.dead,
                "errors.deadletterqueue.topic.replication.factor": "1",
            }
        if run.case.source in ("contract", "classification"):
            config["bridge.schema.contract"] = str(self._contract(run))
        if run.case.transform == "template":
            config |= {"kafka.topic": f"{run.topic}-${{{SECRET}}}", _STRATEGY: "RecordNameStrategy"}
        for index, settings in enumerate(TRANSFORMS[run.case.transform]):
            config["transforms"] = ",".join(f"t{n}" for n in range(index + 1))
            config |= {f"transforms.t{index}.{key}": value for key, value in settings.items()}
        return config

    def _contract(self, run: Run) -> Path:
        path = self.directory / f"{run.event}.contract.yaml"
        contract: dict[str, Any] = {"event": run.event, "rules": [run.rule()]}
        if run.case.source == "contract":
            contract["fields"] = {SECRET: {"tags": ["PII"]}, CONTACT: {"tags": ["PII"]}}
        else:
            contract["classification"] = {"complianceGroup": {"PII": "PII"}}
        path.write_text(json.dumps(contract))  # JSON is YAML
        return path

    def _publish(self, run: Run, *, changed: bool) -> None:
        case, org = run.case, self.org
        good: dict[str, Any] = {"Order_Number__c": "O-1", "Status__c": run.marker, CONTACT: run.contact}
        if changed or case.known == "before":
            good[SECRET] = run.secret
        run.published.append(org.publish(run.event, good))
        if not changed or case.bad == "none":
            return
        if case.bad == "no UTF-8":
            payload = json.dumps(good | {"CreatedDate": "2026-01-01T00:00:00Z"}).encode()
            run.published.append(org.bus.publish_bytes(run.event, payload.replace(b"O-1", b"\xff")))
        else:
            more: dict[str, Any] = {
                "object": {SECRET: {"not": run.secret}},
                "in a number": {"Amount__c": run.secret},
                "unknown field": {f"{run.secret} of Ales": run.secret},
                "too large": {SECRET: run.secret * 100_000},
            }[case.bad]
            run.published.append(org.publish(run.event, good | more))
        run.published.append(org.publish(run.event, good))

    # ---- afterwards -------------------------------------------------------------------------------------

    def _wait(self, worker: Process) -> None:
        """Until each connector has failed, or committed what was published for it."""
        until = time.monotonic() + LONGEST
        while waiting := self._unsettled(worker):
            assert time.monotonic() < until, [(str(r.case), r.state, r.told) for r in waiting]
            time.sleep(0.3)

    def _unsettled(self, worker: Process) -> list[Run]:
        states = worker.rest.get("/connectors?expand=status")
        positions = dict(_POSITION.findall(worker.rest.ask("GET", "/metrics").text))
        for run in self.runs:
            status = states.get(run.name, {}).get("status", {})
            run.state = status.get("connector", {}).get("state", "")
            run.told = json.dumps(status)
        return [
            run
            for run in self.runs
            if run.state != "FAILED"
            and (run.state != "RESTARTING" or run.case.must_work)
            and int(float(positions.get(run.name, -1))) < run.published[-1]
        ]

    def _collect(self, group: Group) -> None:
        self.evidence.pieces["registry"] = list(self.lying.sent)
        self.evidence.pieces["KMS"] = list(self.vault.sent)
        for subject in asked(self.registry, "/subjects"):
            self.evidence.add("names of subjects", subject)
        ours = (group.name, *{run.name.rpartition("-")[0] for run in self.runs})
        collect(self.broker, group.name, ours, self.evidence, self.records)

    def opened(self, run: Run) -> list[Any]:
        """What readers of the case's topic get of the protected field."""
        http = http_of({"url": self.registry.url}, retry_seconds=5, longest_wait=1)
        keys = Deks(DekRegistry(http), _PARAMS, permitted=Permitted(entries=(self.vault.url,)))
        reader = Decrypter(http, keys, "", run.topic)
        return [reader.opened(m.value(), m.headers()).value for m in read(self.broker, run.topic)]


@contextmanager
def staged(directory: Path, broker: Broker, cases: list[Case]) -> Iterator[Stage]:
    """Everything but the worker, running. Topics exist already; they begin with a name of this run."""
    base = unique("leak")
    with (
        Org((), directory=directory / "org") as org,
        Registry() as registry,
        LyingRegistry(registry.url) as lying,
        vault() as double,
    ):
        runs = [Run(case, f"{base}-{n}", f"{base}-{n}", n, double.url) for n, case in enumerate(cases)]
        yield Stage(directory, broker, org, registry, lying, double, runs)
