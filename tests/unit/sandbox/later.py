"""What the tests of the Bayeux side share: the sample event's channel, and things done meanwhile."""

import threading
import time
from collections.abc import Callable
from typing import Any

CHANNEL = "/event/Order_Placed__e"
EVENT = "Order_Placed__e"


class Later:
    """Something done in a thread, and how long it took."""

    def __init__(self, action: Callable[[], Any]) -> None:
        self.result: Any = None
        self.seconds = 0.0
        self._thread = threading.Thread(target=self._run, args=(action,))
        self._thread.start()

    def _run(self, action: Callable[[], Any]) -> None:
        began = time.monotonic()
        self.result = action()
        self.seconds = time.monotonic() - began

    def wait(self) -> Any:
        self._thread.join(15)
        return self.result
