"""The keys that a connector's values are encrypted with: as ``keys list`` sees them, and whether they unwrap."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attrs import define

from bridge.api.exchange import Answer, Ask
from bridge.api.users import Role
from bridge.api.v1.here import Here
from bridge.api.v1.jobs import JOB_ANSWERS, submitted
from bridge.api.v1.operation import CONNECTOR, Operation
from bridge.api.v1.subject import options, stored
from bridge.api.v1.work import Job, Jobs
from bridge.config import Loaded
from bridge.encryption.dek_registry import Kek
from bridge.encryption.deks import Deks
from bridge.encryption.inventory import Inventory, kek_document
from bridge.encryption.keys import Found, keks_of, verify_deks
from bridge.inspection.subjects import subjects_of
from bridge.model.subjects import qualified
from bridge.registry.client import Registry
from bridge.routing.look import deks_for_looking, registry_of

_DEAD: Final = "errors.deadletterqueue.topic.name"
_VERIFY_SECONDS: Final = 300.0


@define(eq=False)
class Keys:
    """The handlers."""

    here: Here
    jobs: Jobs

    def every(self, ask: Ask) -> Answer:
        options(ask)
        subject = stored(self.here, ask.path[0])

        def task(job: Job) -> dict[str, object]:
            loaded = subject.loaded()
            deks, mine = deks_for_looking(loaded), _subjects(loaded)
            inventory = Inventory(deks, Registry(registry_of(loaded)))
            used = []
            for kek in keks_of(deks.registry):
                if job.stopped():
                    break
                before = len(job.items)
                for document in _of(inventory, kek, mine, deks):
                    job.add(document)
                    job.progress(len(job.items))
                if len(job.items) > before:
                    used.append(kek_document(deks, kek))
            return {"keks": used}

        return submitted(self.jobs, ask, "keys", subject.name, Role.READ, task)

    def verify(self, ask: Ask) -> Answer:
        options(ask)
        subject = stored(self.here, ask.path[0])

        def task(job: Job) -> dict[str, object]:
            loaded = subject.loaded()
            deks, mine = deks_for_looking(loaded), _subjects(loaded)
            broken = 0
            for found in _verified(deks, mine):
                job.add(dict(found.document()))
                job.progress(len(job.items))
                broken += found.ok is False
                if job.stopped():
                    break
            if not job.items:
                job.note("no key was verified: there is none of this connector's subjects")
            return {"ok": bool(job.items) and not broken, "broken": broken}

        return submitted(self.jobs, ask, "verify", subject.name, Role.WRITE, task, seconds=_VERIFY_SECONDS)


def _subjects(loaded: Loaded) -> frozenset[str]:
    """The subjects of its DEKs, its dead letters' among them; empty where they depend on the events."""
    context = str(loaded.connector.get("schema.context.name") or "")
    names = subjects_of(loaded.connector)
    dead = loaded.connector.get(_DEAD)
    if names and dead:
        names.append(f"{dead}-value")
    # A DEK registry names subjects with or without their context.
    return frozenset([*names, *(qualified(name, context) for name in names)])


def _verified(deks: Deks, mine: frozenset[str]) -> Iterator[Found]:
    """Each DEK of these subjects, or of all, as it is found; nothing is asked for the next before it is wanted."""
    for kek in keks_of(deks.registry):
        for name in deks.registry.subjects(kek.name):
            if not mine or name in mine:
                yield from verify_deks(deks, kek, name)


def _of(inventory: Inventory, kek: Kek, mine: frozenset[str], deks: Deks) -> list[dict[str, object]]:
    if mine and not mine & set(deks.registry.subjects(kek.name)):
        return []
    return [dict(one) for one in inventory.of(kek) if not mine or one["subject"] in mine]


SCHEMAS: Final = {"Nothing": {"type": "object", "additionalProperties": False}}
OPERATIONS: Final[tuple[Operation[Keys], ...]] = (
    Operation(
        "POST", f"{CONNECTOR}/keys",
        "A job that lists its DEKs. Items: kek, subject, algorithm, version, versions, age_days, expiry_days, "
        "expires_in_days, wrapped_under, use; result: keks (name, kmsType, kmsKeyId, alternates, shared)",
        Keys.every, JOB_ANSWERS,
    ),
    Operation(
        "POST", f"{CONNECTOR}/keys/verify",
        "A job that has the KMS unwrap each of them. Items: kek, subject, algorithm, version, age_days, ok, message",
        Keys.verify, JOB_ANSWERS, role=Role.WRITE,
    ),
)  # fmt: skip
