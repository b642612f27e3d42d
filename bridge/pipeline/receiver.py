"""The thread that receives: runs a source, and says through the buffer how it ended."""

from __future__ import annotations

import threading
from contextvars import copy_context

from bridge.buffer import Buffer
from bridge.errors import BridgeError, Fatal, Stage
from bridge.errors.words import exception_words
from bridge.log import ConnectorLog
from bridge.source import Ended, Source


class Receiver:
    """Starts with ``start``; ``Ended`` is the last that it puts into the buffer, whatever happens."""

    def __init__(self, source: Source, buffer: Buffer, log: ConnectorLog) -> None:
        self._source = source
        self._stop = threading.Event()
        self._buffer = buffer
        self._log = log
        run = copy_context().run  # whether others' words may be quoted goes with it
        self._thread = threading.Thread(target=run, args=(self._run,), name="receive", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def end(self) -> None:
        """Stop fetching at once."""
        self._stop.set()
        self._source.interrupt()

    def join(self, timeout: float) -> None:
        """Wait until it has ended, at most so many seconds."""
        self._thread.join(timeout)

    def _run(self) -> None:
        failure: BridgeError | None = None
        try:
            self._source.run(self._stop)
        except BridgeError as error:
            failure = error
        except Exception as error:
            self._log.exception("unexpected error while receiving: this is a fault of the bridge")
            failure = Fatal(f"unexpected {exception_words(error)}", stage=Stage.RECEIVE)
        finally:
            self._buffer.put(Ended(failure))
            self._buffer.close()
