"""Jobs over REST: how far one is, what it has found, and its end. Any worker answers: the id says whose it is."""

from __future__ import annotations

import base64
import binascii
from typing import Final
from urllib.parse import quote

from attrs import define

from bridge.api.exchange import Answer, Ask, Elsewhere
from bridge.api.users import Role
from bridge.api.v1.here import Here
from bridge.api.v1.operation import (
    INTEGER,
    STRING,
    Operation,
    Query,
    Schema,
    integer,
    listed,
    nullable,
    number,
    record,
    ref,
    word,
)  # fmt: skip
from bridge.api.v1.work import OVER, Job, Jobs, Task
from bridge.worker.refusals import Refused

PATH: Final = "/bridge/v1/jobs"
JOB_ANSWERS: Final[dict[int, str | None]] = {200: "Job", 202: "Job"}
_AT_ONCE: Final = 0.9  # seconds that a request waits for a quick job's end
_MOST: Final = 10**9
_NO_STORE: Final = {"Cache-Control": "no-store"}


def _worker_of(job_id: str) -> str:
    """The worker whose job it is; empty for what is no id."""
    begin = job_id.partition(".")[0]
    try:
        return base64.urlsafe_b64decode(begin + "=" * (-len(begin) % 4)).decode()
    except (binascii.Error, ValueError):
        return ""


def submitted(
    jobs: Jobs, ask: Ask, kind: str, connector: str | None, role: Role, task: Task, *, seconds: float = 60.0,
    quotes: bool = True,
) -> Answer:  # fmt: skip
    """The answer to a request for a job: 200 with its result where it is quick, else 202. Raises Refused (429)."""
    job = jobs.submit(kind, connector, ask.visitor, role, task, seconds=seconds, quotes=quotes)
    job.ended.wait(_AT_ONCE)
    status = 200 if job.state in OVER else 202
    where = f"{ask.base}{PATH}/{quote(job.id, safe='')}"
    return Answer(status, job.document(), {**_NO_STORE, "Location": where})


@define(eq=False)
class JobCalls:
    """The handlers."""

    here: Here
    jobs: Jobs

    def every(self, ask: Ask) -> Answer:
        mine = [job for job in self.jobs.every() if _may_see(ask, job)]
        return Answer(200, [job.document(len(job.items)) for job in mine], _NO_STORE)

    def one(self, ask: Ask) -> Answer:
        return Answer(200, self._job(ask).document(number(ask, "after", 0, 0, _MOST)), _NO_STORE)

    def cancel(self, ask: Ask) -> Answer:
        self._job(ask).cancel()
        return Answer(204)

    def _job(self, ask: Ask) -> Job:
        """Raises Elsewhere, Refused (404, 403)."""
        job_id = ask.path[0]
        missing = Refused(404, f"There is no job {job_id[:100]}, or none any more")
        worker = _worker_of(job_id)
        if worker != self.here.worker_id:
            if worker not in self.here.workers():  # whom a client names is asked only where it is one of us
                raise missing
            gone = {"error_code": 404, "message": f"{worker}, which has the job, does not answer"}
            raise Elsewhere(worker, Answer(404, gone), seconds=10.0)
        job = self.jobs.get(job_id)
        if job is None:
            raise missing
        if not _may_see(ask, job):
            raise Refused(403, f"This job is another user's, or needs the role {job.role.word}")
        return job


def _may_see(ask: Ask, job: Job) -> bool:
    return ask.visitor.name == job.by and ask.visitor.role >= job.role


_ANY_OBJECT: Final[Schema] = {"type": "object", "additionalProperties": True}
SCHEMAS: Final = {
    "JobProgress": record(
        "doing", "done", "of",
        doing=nullable(STRING, "What it is at, or waits for"), done=INTEGER, of=nullable(INTEGER),
    ),
    "Job": record(
        "id", "kind", "connector", "by", "state", "progress", "items", "next", "notes", "result", "error", "made_at",
        "ended_at",
        id=STRING,
        kind={**STRING, "description": "Which call it came of: records, letters, preview, schemas, keys, checks"},
        connector=nullable(STRING),
        by=STRING,
        state=word("WAITING", "RUNNING", *OVER),
        progress=ref("JobProgress"),
        items=listed(_ANY_OBJECT, "What it has found so far, each as its kind describes it"),
        next={**INTEGER, "description": "To be given as after, for the items that follow"},
        notes=listed(STRING, "What should be known beside the result"),
        result=nullable(_ANY_OBJECT, "What is said of the whole, once it is done"),
        error=nullable(STRING, "Why it failed, one sentence"),
        made_at={**INTEGER, "description": "ms since the epoch"},
        ended_at=nullable(INTEGER, "ms since the epoch; it is kept for five minutes after that"),
    ),
    "JobList": listed(ref("Job")),
}  # fmt: skip
OPERATIONS: Final[tuple[Operation[JobCalls], ...]] = (
    Operation("GET", PATH, "Your jobs of the worker that is asked, without items", JobCalls.every, {200: "JobList"}),
    Operation(
        "GET", f"{PATH}/{{job}}", "How far a job is, and what it has found", JobCalls.one, {200: "Job"},
        query=(Query("after", "Only the items after so many", integer(0, _MOST, 0)),),
    ),
    Operation("DELETE", f"{PATH}/{{job}}", "Cancel a job", JobCalls.cancel, {204: None}),
)  # fmt: skip
