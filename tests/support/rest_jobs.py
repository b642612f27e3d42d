"""Jobs of the REST API, asked for and waited for as a client would."""

from __future__ import annotations

from typing import Any

from tests.support.bridge_run import wait_until
from tests.support.worker_run import Rest


def job(rest: Rest, path: str, body: Any = None, timeout: float = 60, **more: Any) -> dict[str, Any]:
    """The job of a POST once it has ended; every answer to it has been looked at by then."""
    answer = rest.ask("POST", f"/bridge/v1{path}", {} if body is None else body, **more)
    assert answer.status_code in (200, 202), (path, answer.status_code, answer.text)
    told: dict[str, Any] = answer.json()

    def over() -> bool:
        if told["state"] in ("WAITING", "RUNNING"):
            told.update(rest.ask("GET", f"/bridge/v1/jobs/{told['id']}", **more).json())
        return told["state"] not in ("WAITING", "RUNNING")

    wait_until(over, timeout, 0.1)
    return told
