"""For ``requests``: an answer that drips is over in time, too (``bridge/deadline.py``)."""

from __future__ import annotations

import requests
from requests.adapters import HTTPAdapter
from urllib3 import ProxyManager

from bridge.trust.pools import POOLS


class InTime(HTTPAdapter):
    """The time for reading counts for the whole answer."""

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **more: object) -> None:
        super().init_poolmanager(connections, maxsize, block, **more)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, proxy: str, **more: object) -> ProxyManager:
        manager: ProxyManager = super().proxy_manager_for(proxy, **more)
        if not proxy.lower().startswith("socks"):  # which has pools of its own
            manager.pool_classes_by_scheme = POOLS
        return manager


def session_in_time() -> requests.Session:
    """One that is as ``requests`` makes it, but for that."""
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, InTime())
    return session
