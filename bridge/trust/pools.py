"""Connection pools of ``urllib3`` whose time for reading counts for the whole answer (``bridge/deadline.py``)."""

from __future__ import annotations

from typing import Final

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.response import HTTPResponse

from bridge.deadline import Deadline, bounded


class _Plain(HTTPConnection):
    """The time for reading counts for the whole answer."""

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3's own
        bounded(self, Deadline.of_thread(float(self.timeout or 0)))
        return super().getresponse()


class _Secure(HTTPSConnection):
    """The same; and for the answer of a proxy that is asked to connect."""

    def connect(self) -> None:
        bounded(self, Deadline.of_thread(float(self.timeout or 0)))
        super().connect()

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3's own
        bounded(self, Deadline.of_thread(float(self.timeout or 0)))
        return super().getresponse()


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


POOLS: Final = {"http": _PlainPool, "https": _SecurePool}
"""For ``PoolManager.pool_classes_by_scheme``."""
