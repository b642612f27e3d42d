"""A ``requests`` session that behaves like the rest of the bridge: our trust, our proxies, a timeout, nothing
implicit."""

from __future__ import annotations

import ssl
from functools import lru_cache
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from bridge.salesforce.http_settings import USER_AGENT, HttpSettings


class TrustingAdapter(HTTPAdapter):
    """Uses our TLS context and nothing else: left to itself, requests adds its own CA bundle to it."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, ssl_context=self._context)

    def proxy_manager_for(self, proxy: Any, **kwargs: Any) -> Any:
        return super().proxy_manager_for(proxy, **kwargs, ssl_context=self._context)

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        conn.cert_reqs = "CERT_REQUIRED"
        conn.ca_certs = conn.ca_cert_dir = None


class _Adapter(TrustingAdapter):
    """Through the connector's proxy, where there is one."""

    def __init__(self, context: ssl.SSLContext, settings: HttpSettings) -> None:
        self._settings = settings
        super().__init__(context)

    def proxy_headers(self, proxy: str) -> dict[str, str]:
        return self._settings.proxy_headers()


class _Session(requests.Session):
    """Never follows a redirect (it would carry the token along) and never waits without a limit."""

    def __init__(self, settings: HttpSettings, context: ssl.SSLContext, timeout: float) -> None:
        super().__init__()
        # Otherwise ~/.netrc replaces the Authorization header, and *_PROXY our own proxy rules.
        self.trust_env = False
        self.headers["User-Agent"] = USER_AGENT
        # Metadata needs no cookies, and a jar shared between threads is what goes wrong first.
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._settings = settings
        self._timeout = (settings.connect_timeout, timeout)
        self.mount("https://", _Adapter(context, settings))
        self.mount("http://", _Adapter(context, settings))

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs.setdefault("timeout", self._timeout)
        kwargs["allow_redirects"] = False
        proxy = self._settings.proxy_for(str(url))
        kwargs["proxies"] = {"https": proxy} if proxy else {}
        return super().request(method, url, *args, **kwargs)


@lru_cache(maxsize=8)
def build_session(settings: HttpSettings, context: ssl.SSLContext, timeout: float) -> requests.Session:
    """See ``bridge.salesforce.http.requests_session``. The same one for the same settings: all connectors of a
    process share its connections, and can, because it keeps neither cookies nor credentials."""
    return _Session(settings, context, timeout)
