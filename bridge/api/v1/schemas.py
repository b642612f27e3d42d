"""The schemas that a connector writes with: versions with their differences in words, tags and why, compatibility."""

from __future__ import annotations

from typing import Final

from attrs import asdict, define

from bridge.api.exchange import Answer, Ask
from bridge.api.users import Role
from bridge.api.v1.here import Here
from bridge.api.v1.jobs import JOB_ANSWERS, submitted
from bridge.api.v1.operation import BOOLEAN, CONNECTOR, Operation, closed, integer
from bridge.api.v1.subject import flag, options, stored, whole
from bridge.api.v1.work import Job, Jobs
from bridge.config import Loaded
from bridge.config.subscription import events
from bridge.errors import Fatal
from bridge.inspection.diff import changes, shape_of_text
from bridge.inspection.explain import explain
from bridge.inspection.subjects import event_of, subjects_of
from bridge.metadata.sources import load_contracts
from bridge.model.registered import Registered
from bridge.model.subjects import qualified
from bridge.registry.client import Registry
from bridge.routing.look import registry_of

MOST: Final = 100
_DEFAULT: Final = 20


@define(eq=False)
class Schemas:
    """The handlers."""

    here: Here
    jobs: Jobs

    def of_connector(self, ask: Ask) -> Answer:
        subject = stored(self.here, ask.path[0])
        given = options(ask, "versions", "texts")
        most, texts = whole(given, "versions", _DEFAULT, 1, MOST), flag(given, "texts")

        def task(job: Job) -> dict[str, object]:
            loaded = subject.loaded()
            registry = Registry(registry_of(loaded))
            context = str(loaded.connector.get("schema.context.name") or "")
            names = [qualified(name, context) for name in subjects_of(loaded.connector)]
            if not names:
                job.note("its subjects depend on the events, and cannot be told beforehand")
            return {"subjects": [_subject(job, loaded, registry, name, most, texts) for name in names]}

        return submitted(self.jobs, ask, "schemas", subject.name, Role.READ, task)


def _subject(
    job: Job, loaded: Loaded, registry: Registry, name: str, most: int, texts: bool
) -> dict[str, object]:
    """What is said of a subject as a whole; its versions are added to the job, the oldest first."""
    job.say(f"reading {name}")
    numbers = registry.versions(name)
    before: Registered | None = None
    latest: Registered | None = None
    for number in numbers[-most - 1 :]:
        version = registry.version(name, number)
        if version is None or job.stopped():
            continue
        if number in numbers[-most:]:
            job.add(_version(version, before, texts))
            job.progress(len(job.items))
        before = latest = version
    config = registry.config(name)
    told = {
        "subject": name,
        "versions": len(numbers),
        "compatibility": config.get("compatibilityLevel") or config.get("compatibility"),
        "compatibility_policy": config.get("compatibilityPolicy"),
        "explained": None,
    }
    if latest is not None:
        contracts = load_contracts(events(loaded.connector), loaded.connector.get("bridge.schema.contract"))
        event = event_of(str(latest.text), dict.fromkeys(events(loaded.connector)))
        told["explained"] = explain(latest, contracts.get(event or "")).document()
    return told


def _version(version: Registered, before: Registered | None, texts: bool) -> dict[str, object]:
    told: dict[str, object] = {
        "subject": version.subject,
        "version": version.version,
        "id": version.id,
        "type": version.type,
        "changes": None,
        "note": None,
        "text": str(version.text) if texts else None,
    }
    if before is None:
        return told
    try:
        old, new = shape_of_text(before.text, before.type), shape_of_text(version.text, version.type)
    except Fatal as error:
        return told | {"note": error.message}
    return told | {"changes": [asdict(one) | {"breaking": one.breaking} for one in changes(old, new)]}


SCHEMAS: Final = {
    "SchemasRequest": closed(
        versions={**integer(1, MOST, _DEFAULT), "description": "How many of the newest versions"},
        texts={**BOOLEAN, "description": "With their texts"},
    ),
}
OPERATIONS: Final[tuple[Operation[Schemas], ...]] = (
    Operation(
        "POST", f"{CONNECTOR}/schemas",
        "A job that reads its schemas. Items: subject, version, id, type, changes since the version before (path, "
        "what, breaks, breaking), text; result: subjects (compatibility, explained: tags with origins, rules, seals)",
        Schemas.of_connector, JOB_ANSWERS, body="SchemasRequest",
    ),
)  # fmt: skip
