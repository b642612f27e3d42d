"""What the worker shows while it runs: to a REST client, and to an operator who looks into a connector."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

import requests

from tests.leaks.evidence import Evidence
from tests.leaks.run import LONGEST, Run
from tests.support.worker_run import Process

_VIEWS: Final = (
    "/connectors?expand=status&expand=info",
    "/metrics",
    "/admin/loggers",
    "/health",
    "/console/",
    *(
        f"/bridge/v1/{path}"
        for path in (
            "connectors?spark=true",
            "connectors?page=2",
            "workers",
            "workers/here/connectors",
            "session",
            "workers/here/logs?level=DEBUG&limit=500",
            "workers/here/logs?level=ERROR&limit=500",
            "jobs",
        )
    ),
)
_JOBS: Final = (
    ("records", {"start": "oldest"}), ("records", {"limit": 500}), ("letters", {"limit": 200}),
    ("schemas", {"texts": True}), ("keys", {}), ("keys/verify", {}),
    ("preview", {"explain": True, "max_events": 20, "until_idle": 1}), ("checks", {}),
)  # fmt: skip


def show(worker: Process, runs: Sequence[Run], evidence: Evidence) -> None:
    """What a REST client is shown: of all connectors at once, and of some each by itself."""
    alone = [f"/connectors/{run.name}{end}" for run in runs[::10] for end in ("", "/status", "/offsets")]
    ours = [
        f"/bridge/v1/connectors/{run.name}{end}"
        for run in runs
        for end in ("", "/series", "/logs?level=DEBUG&limit=500")
    ]
    for path in (*_VIEWS, *alone, *ours):
        answer = worker.rest.ask("GET", path)
        evidence.add("REST", answer.text)
        evidence.add("REST", str(answer.headers))


def look_into(worker: Process, run: Run, evidence: Evidence) -> Counter[tuple[str, str]]:
    """What an operator is shown who looks into a connector: every answer of every job."""
    session = requests.Session()
    ended: Counter[tuple[str, str]] = Counter()
    waiting = []
    for kind, body in _JOBS:
        path = f"{worker.rest.url}/bridge/v1/connectors/{run.name}/{kind}"
        answer = session.post(path, json=body, timeout=60)
        assert answer.status_code in (200, 202), (kind, answer.text)
        evidence.add("jobs", answer.text)
        waiting.append(answer.json()["id"])
    until = time.monotonic() + LONGEST
    while waiting:
        assert time.monotonic() < until, waiting
        answer = session.get(f"{worker.rest.url}/bridge/v1/jobs/{waiting[0]}", timeout=60)
        if answer.json()["state"] in ("WAITING", "RUNNING"):
            time.sleep(0.2)
            continue
        evidence.add("jobs", answer.text)
        ended[answer.json()["kind"], answer.json()["state"]] += 1
        waiting.pop(0)
    return ended
