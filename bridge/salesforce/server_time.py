"""What time Salesforce has, where a transport does not say it."""

from __future__ import annotations

import contextlib
import http.client
import time
from collections.abc import Callable

from bridge.deadline import Deadline, Interrupted, bounded
from bridge.errors import BridgeError
from bridge.salesforce.http import connect
from bridge.salesforce.http_settings import USER_AGENT, HttpSettings
from bridge.waits import http_date_ms

_PATH = "/services/data"


def server_ms(url: str, settings: HttpSettings, seconds: float, stopped: Callable[[], bool]) -> int:
    """A moment in Unix ms that is not later than the question: the ``Date`` of the instance's answer (whole seconds,
    rounded down) or our clock, less the time the answer took. The earlier of the two, because a clock that is fast
    would make events of today look older. Our clock alone where the instance does not answer."""
    began = time.time()
    with contextlib.suppress(BridgeError, Interrupted, OSError, http.client.HTTPException):
        connection = connect(url, settings, seconds, stopped=stopped)
        with contextlib.closing(connection):
            bounded(connection, Deadline(seconds, stopped))
            asked = time.time()
            connection.request("GET", _PATH, headers={"User-Agent": USER_AGENT, "Connection": "close"})
            date = http_date_ms(connection.getresponse().headers.get("Date"))
            if date is not None:
                return int(min(date - (time.time() - asked) * 1000, began * 1000))
    return int(began * 1000)
