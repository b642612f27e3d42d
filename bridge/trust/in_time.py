"""For ``requests``: an answer that drips is over in time, too (``bridge/deadline.py``)."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import ProxyManager

from bridge.addresses import is_loopback
from bridge.trust.pools import POOLS

if TYPE_CHECKING:
    from requests.sessions import _Settings


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


class DirectHere(requests.Session):
    """Uses no proxy of the environment's for this machine itself: none would reach it."""

    def merge_environment_settings(
        self,
        url: str | bytes | None,
        proxies: MutableMapping[str, str] | None,
        stream: bool | None,
        verify: bool | str | None,
        cert: str | tuple[str, str] | None,
    ) -> _Settings:
        """What ``requests`` asks before each request."""
        if isinstance(url, str) and is_loopback(urlsplit(url).hostname or ""):
            proxies = {"http": "", "https": "", **(proxies or {})}
        return super().merge_environment_settings(url, proxies, stream, verify, cert)


def session_in_time() -> requests.Session:
    """One that is as ``requests`` makes it, but for that, and for this machine itself."""
    session = DirectHere()
    for scheme in ("http://", "https://"):
        session.mount(scheme, InTime())
    return session
