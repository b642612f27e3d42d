"""What can only be known by asking, and what would be written: of a connector, or of a configuration that is typed.

Both dial addresses that somebody typed, so that nothing of an answer's words is quoted; a typed configuration takes the
role that may store it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from attrs import asdict, define

from bridge.api.exchange import Answer, Ask, fields
from bridge.api.users import Role
from bridge.api.v1.here import Here
from bridge.api.v1.jobs import JOB_ANSWERS, submitted
from bridge.api.v1.operation import BOOLEAN, CONNECTOR, Operation, closed, integer, word
from bridge.api.v1.subject import Subject, flag, options, stored, typed, whole, word_of
from bridge.api.v1.work import Job, Jobs
from bridge.inspection.online import checks
from bridge.inspection.preview import connector_alone, preview_of
from bridge.inspection.sampling import Wish, sample
from bridge.kafka.service_account import looking
from bridge.log import for_connector
from bridge.salesforce.auth import Login
from bridge.salesforce.rest import Rest
from bridge.worker.memory import memory_of

_CHECK_SECONDS: Final = 120.0
_EVENTS: Final = 50
_IDLE: Final = 30
_OPTIONS: Final = ("max_events", "explain", "start", "until_idle")


@define(eq=False)
class Checks:
    """The handlers."""

    here: Here
    jobs: Jobs

    def of_connector(self, ask: Ask) -> Answer:
        return self._checks(ask, stored(self.here, ask.path[0]))

    def of_config(self, ask: Ask) -> Answer:
        return self._checks(ask, typed(self.here, fields(ask.json(), ("config",), "the request")))

    def preview(self, ask: Ask) -> Answer:
        return self._preview(ask, stored(self.here, ask.path[0]), options(ask, *_OPTIONS), Role.RECORDS)

    def preview_config(self, ask: Ask) -> Answer:
        body = fields(ask.json(), ("config", *_OPTIONS), "the request")
        return self._preview(ask, typed(self.here, body), body, Role.WRITE)

    def _checks(self, ask: Ask, subject: Subject) -> Answer:
        def task(job: Job) -> dict[str, object]:
            outcomes = []
            for check in checks(subject.loaded()):
                job.add(asdict(check))
                job.progress(len(job.items))
                outcomes.append(check.ok)
                if job.stopped():
                    break
            return {
                "ok": False not in outcomes,
                "failed": outcomes.count(False),
                "not_asked": outcomes.count(None),
            }

        for_connector(subject.name).info("online checks, asked for by %s", ask.visitor.name or "an operator")
        return submitted(
            self.jobs, ask, "checks", subject.name, Role.WRITE, task, seconds=_CHECK_SECONDS, quotes=False
        )

    def _preview(self, ask: Ask, subject: Subject, given: Mapping[str, object], role: Role) -> Answer:
        wish = Wish(
            whole(given, "max_events", 5, 1, _EVENTS),
            word_of(given, "start", "all", "all", "latest"),
            float(whole(given, "until_idle", 5, 1, _IDLE)),
        )
        explain = flag(given, "explain")

        def task(job: Job) -> dict[str, object]:
            loaded = subject.loaded()
            memory = None
            if loaded.connector.get("csfle.enabled"):
                job.say("reading what was encrypted before")
                with looking(loaded, "preview", job.note) as keyed:
                    memory = memory_of(keyed, job.say, job.stopped)
            job.say("logging in")
            loaded = connector_alone(loaded.connector, loaded.worker)
            login = Login(loaded.connector)
            rest = Rest(login, loaded.connector)
            preview = preview_of(loaded, rest, explain=explain, memory=memory)
            job.say("reading events")
            for message in sample(loaded.connector, login, rest, wish, job.progress, job.stopped):
                job.add(preview.of(message).document())
            return {"count": len(job.items)}

        for_connector(subject.name).info("a preview, asked for by %s", ask.visitor.name or "an operator")
        return submitted(self.jobs, ask, "preview", subject.name, role, task, quotes=False)


_CONFIG: Final = {"type": "object", "additionalProperties": {"type": "string"}}
_PREVIEW: Final = {
    "max_events": {**integer(1, _EVENTS, 5), "description": "How many events"},
    "explain": {**BOOLEAN, "description": "Also the record after each transform"},
    "start": {**word("all", "latest", default="all"), "description": "Retained events, or those from now on"},
    "until_idle": {**integer(1, _IDLE, 5), "description": "Ends when nothing came for so many seconds"},
}
SCHEMAS: Final = {
    "ChecksRequest": closed("config", config=_CONFIG),
    "PreviewRequest": closed(**_PREVIEW),
    "PreviewConfigRequest": closed("config", config=_CONFIG, **_PREVIEW),
}
_ITEMS: Final = "Items: name, ok (null: not asked), message"
_SHOWN: Final = "Items: replayId, event, record, steps, subject, becomes, tags, masked, schema"
OPERATIONS: Final[tuple[Operation[Checks], ...]] = (
    Operation(
        "POST", f"{CONNECTOR}/checks", f"A job that asks Salesforce, Kafka and registry whether it works. {_ITEMS}",
        Checks.of_connector, JOB_ANSWERS, role=Role.WRITE,
    ),
    Operation(
        "POST", "/bridge/v1/checks", f"The same of a configuration that is not stored. {_ITEMS}",
        Checks.of_config, JOB_ANSWERS, role=Role.WRITE, body="ChecksRequest", needs_body=True,
    ),
    Operation(
        "POST", f"{CONNECTOR}/preview",
        f"A job that shows what would be written of some events, protected values masked; writes nothing. {_SHOWN}",
        Checks.preview, JOB_ANSWERS, role=Role.RECORDS, body="PreviewRequest",
    ),
    Operation(
        "POST", "/bridge/v1/preview", f"The same of a configuration that is not stored. {_SHOWN}",
        Checks.preview_config, JOB_ANSWERS, role=Role.WRITE, body="PreviewConfigRequest", needs_body=True,
    ),
)  # fmt: skip
