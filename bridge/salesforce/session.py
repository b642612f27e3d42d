"""A ``requests`` session that behaves like the rest of the bridge: our trust, our proxies, answers bounded in
time and size, nothing implicit."""

from __future__ import annotations

import ssl
from functools import lru_cache
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Timeout

from bridge.errors import Retriable, Stage
from bridge.salesforce.http_settings import USER_AGENT, HttpSettings, Origin
from bridge.trust.in_time import InTime

LARGEST: Final = 16 << 20
"""Bytes of an answer, unpacked; the largest that is known of, the list of an org's objects, has about five million."""
_BLOCK: Final = 1 << 16


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


class _Adapter(InTime, TrustingAdapter):
    """Through the connector's proxy, where there is one, and by a deadline."""

    def __init__(self, context: ssl.SSLContext, settings: HttpSettings) -> None:
        self._settings = settings
        super().__init__(context)

    def proxy_headers(self, proxy: str) -> dict[str, str]:
        return self._settings.proxy_headers()


class _Session(requests.Session):
    """Never follows a redirect (it would carry the token along), and takes no answer that is endless or huge:
    one of more than ``LARGEST`` bytes is Retriable."""

    def __init__(self, settings: HttpSettings, context: ssl.SSLContext, timeout: float) -> None:
        super().__init__()
        # Otherwise ~/.netrc replaces the Authorization header, and *_PROXY our own proxy rules.
        self.trust_env = False
        self.headers["User-Agent"] = USER_AGENT
        # Left to itself, requests takes whatever else this machine's packages can unpack.
        self.headers["Accept-Encoding"] = "gzip, deflate"
        # Metadata needs no cookies, and a jar shared between threads is what goes wrong first.
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._settings = settings
        self._timeout = Timeout(total=timeout, connect=min(timeout, settings.connect_timeout), read=timeout)
        self.mount("https://", _Adapter(context, settings))
        self.mount("http://", _Adapter(context, settings))

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs.setdefault("timeout", self._timeout)
        kwargs["allow_redirects"] = False
        proxy = self._settings.proxy_for(str(url))
        kwargs["proxies"] = {"https": proxy} if proxy else {}
        response = super().request(method, url, *args, **{**kwargs, "stream": True})
        try:
            response._content = _content(response)
            response._content_consumed = True  # type: ignore[attr-defined]  # what reading it all at once sets
        finally:
            response.close()
        return response


def _content(response: requests.Response) -> bytes:
    """The body, unpacked piece by piece, so that neither a length nor a packed one fills the memory."""
    told = response.headers.get("Content-Length", "")
    content = bytearray()
    if not (told.isdigit() and int(told[:18]) > LARGEST):
        for block in response.iter_content(_BLOCK):
            content += block
            if len(content) > LARGEST:
                break
        else:
            return bytes(content)
    raise Retriable(
        f"{Origin.of(response.url)} answers with more than {LARGEST >> 20} MB of metadata, which no org has",
        stage=Stage.METADATA,
    )


@lru_cache(maxsize=8)
def build_session(settings: HttpSettings, context: ssl.SSLContext, timeout: float) -> requests.Session:
    """See ``bridge.salesforce.http.requests_session``. The same one for the same settings: all connectors of a
    process share its connections, and can, because it keeps neither cookies nor credentials."""
    return _Session(settings, context, timeout)
