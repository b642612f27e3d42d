"""Where in what a channel retains a time is: the replay id to move a position to, so that what followed comes again."""

from __future__ import annotations

from typing import Final

from attrs import define

from bridge.api.exchange import Answer, Ask
from bridge.api.users import Role
from bridge.api.v1.here import Here
from bridge.api.v1.jobs import JOB_ANSWERS, submitted
from bridge.api.v1.operation import CONNECTOR, STRING, Operation, closed
from bridge.api.v1.subject import options, stored, text_of
from bridge.api.v1.work import Job, Jobs
from bridge.inspection.retained import replay_id_at
from bridge.log import for_connector
from bridge.reading.decode import iso_time
from bridge.reading.stretch import StillToComeError, time_of
from bridge.worker.refusals import Refused


@define(eq=False)
class Moments:
    """The handlers."""

    here: Here
    jobs: Jobs

    def of_connector(self, ask: Ask) -> Answer:
        subject = stored(self.here, ask.path[0])
        at_ms = _time(text_of(options(ask, "at"), "at") or "")

        def task(job: Job) -> dict[str, object]:
            job.say("reading what Salesforce retains")
            moment = replay_id_at(
                subject.loaded().connector,
                at_ms,
                stopped=job.stopped,
                looked=lambda count: job.progress(count, 0),
            )
            times = {"before": moment.before_ms, "after": moment.after_ms}
            told = {name: None if ms is None else iso_time(ms) for name, ms in times.items()}
            return {"replay_id": moment.replay_id, **told}

        for_connector(subject.name).info(
            "a look for a time, asked for by %s", ask.visitor.name or "an operator"
        )
        return submitted(self.jobs, ask, "moment", subject.name, Role.WRITE, task, quotes=False)


def _time(text: str) -> int:
    try:
        return time_of(text)
    except StillToComeError as wrong:
        raise Refused(400, f"at: {wrong}") from None
    except ValueError:
        raise Refused(400, "at must be ISO 8601 (2026-01-31T10:00:00Z) or an age (90m, 24h, 7d)") from None


SCHEMAS: Final = {
    "MomentRequest": closed("at", at={**STRING, "description": "ISO 8601, or an age (90m, 24h, 7d)"}),
}
OPERATIONS: Final[tuple[Operation[Moments], ...]] = (
    Operation(
        "POST", f"{CONNECTOR}/moment",
        "A job that looks for the last event that was published before a time. It reads what Salesforce retains, which "
        "counts as delivered, and moves nothing. Result: replay_id, before and after (when it and the next one were "
        "published)",
        Moments.of_connector, JOB_ANSWERS, role=Role.WRITE, body="MomentRequest", needs_body=True,
    ),
)  # fmt: skip
