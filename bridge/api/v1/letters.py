"""Dead letters of a connector, the newest first, with stage, reason and headers; ciphertext is not opened."""

from __future__ import annotations

from typing import Final

from attrs import define

from bridge.api.exchange import Answer, Ask
from bridge.api.users import Role
from bridge.api.v1.here import Here
from bridge.api.v1.jobs import JOB_ANSWERS, submitted
from bridge.api.v1.operation import CONNECTOR, Operation, closed, integer
from bridge.api.v1.subject import options, stored, whole
from bridge.api.v1.work import Job, Jobs
from bridge.reading.letters import Letter
from bridge.worker.letters import letter_box

MOST: Final = 200
_DEFAULT: Final = 20
_LARGE: Final = 64 * 1024


@define(eq=False)
class Letters:
    """The handlers."""

    here: Here
    jobs: Jobs

    def of_connector(self, ask: Ask) -> Answer:
        subject = stored(self.here, ask.path[0])
        limit = whole(options(ask, "limit"), "limit", _DEFAULT, 1, MOST)

        def task(job: Job) -> dict[str, object]:
            with letter_box(subject.loaded(), notice=job.note, waiting=job.say, stopped=job.stopped) as box:
                newest = 2 * limit + 10  # a mark of a transaction stands after a record at most
                letters = list(box.letters(progress=job.progress, newest=newest))
                letters.sort(key=lambda one: (one[0].timestamp or 0, one[0].offset), reverse=True)
                for letter, replayed in letters[:limit]:
                    job.add(described(letter, replayed))
                return {"topic": box.topic, "count": len(job.items)}

        return submitted(self.jobs, ask, "letters", subject.name, Role.RECORDS, task)


def described(letter: Letter, replayed: bool) -> dict[str, object]:
    """A letter with its headers and, where that is no ciphertext, its event."""
    size = len(letter.value or b"")
    told: dict[str, object] = {
        **letter.document(),
        "replayed": replayed,
        "bytes": size,
        "headers": {name: content.decode("utf-8", "replace") for name, content in letter.headers.items()},
        "event": None,
        "note": None,
    }
    if letter.encrypted:
        return told | {"note": f"encrypted whole, {size} bytes"}
    if size > _LARGE:
        return told | {"note": f"{size} bytes, not shown"}
    event = letter.event()
    return told | {"event": event.value, "note": event.note}


SCHEMAS: Final = {
    "LettersRequest": closed(limit={**integer(1, MOST, _DEFAULT), "description": "How many at most"}),
}
OPERATIONS: Final[tuple[Operation[Letters], ...]] = (
    Operation(
        "POST", f"{CONNECTOR}/letters",
        "A job that reads its newest dead letters. Items: partition, offset, put_aside_at, replay_id, stage, reason, "
        "headers, replayed, encrypted, event (none where it is ciphertext), note",
        Letters.of_connector, JOB_ANSWERS, role=Role.RECORDS, body="LettersRequest",
    ),
)  # fmt: skip
