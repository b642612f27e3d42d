"""How the bridge reaches Salesforce over HTTP: trust, proxies, and which addresses may be spoken to without
TLS."""

from __future__ import annotations

import base64
import os
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from attrs import field, frozen

from bridge import __version__
from bridge.addresses import is_loopback
from bridge.config import Config
from bridge.config.egress import ANYWHERE, Egress
from bridge.errors import Fatal, Stage
from bridge.salesforce.proxy import PROXY, exempt, find_proxy
from bridge.trust.context import CA_FILE, trust_context

INSTANCE = "salesforce.instance"
USER_AGENT = f"salesforce-kafka-bridge/{__version__}"


@frozen
class HttpSettings:
    """How to connect. ``proxy`` is ``http://host:port`` without credentials; ``connect_timeout`` in seconds."""

    ca_file: str | None = None
    proxy: str | None = None
    proxy_auth: tuple[str, str] | None = field(default=None, repr=False)
    proxy_auth_scheme: str = "NONE"
    connect_timeout: float = 30.0
    no_proxy: str = ""
    egress: Egress = ANYWHERE
    own_proxy: bool = True
    """Whether the connector names it; one of the process's environment is the operator's choice."""

    def proxy_for(self, url: str) -> str | None:
        """The proxy this URL goes through; none for plain http (loopback only) and what ``NO_PROXY`` exempts.

        Everything that connects to Salesforce asks here first. Raises Fatal for a host outside of the egress lists.
        """
        origin = Origin.of(url)
        proxy = self._proxy_of(origin)
        self.egress.check(origin.host, origin.port, Stage.LOGIN, salesforce=True)
        if proxy is not None and self.own_proxy:
            through = urlsplit(proxy)
            self.egress.check(through.hostname or "", through.port, Stage.LOGIN, salesforce=True)
        return proxy

    def _proxy_of(self, origin: Origin) -> str | None:
        if self.proxy is None or origin.scheme == "http" or exempt(origin.host, origin.port, self.no_proxy):
            return None
        if not self.own_proxy and is_loopback(origin.host):
            return None  # a proxy of the environment's reaches no sandbox on this machine
        return self.proxy

    def proxy_headers(self) -> dict[str, str]:
        """What a CONNECT request carries (RFC 7617)."""
        if self.proxy_auth is None:
            return {}
        token = base64.b64encode(":".join(self.proxy_auth).encode()).decode("ascii")
        return {"Proxy-Authorization": f"Basic {token}"}


@frozen
class Origin:
    """Scheme, host and port of a URL that the bridge is willing to send a token to."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str, named: str = INSTANCE, stage: Stage = Stage.LOGIN) -> Origin:
        """Parse; Fatal naming ``named`` for anything but https, or plain http to a loopback address."""
        try:
            parts = urlsplit(url.strip())
            host, port = parts.hostname or "", parts.port
        except ValueError:
            host, port, parts = "", None, urlsplit("")
        if not host or parts.scheme not in ("https", "http") or parts.username is not None:
            raise Fatal(f"{named} is not a URL such as https://login.salesforce.com", stage=stage)
        if parts.scheme == "http" and not is_loopback(host):
            raise Fatal(
                f"{named}: http://{host} is not encrypted, which is accepted for loopback addresses only; "
                f"write https://{host}",
                stage=stage,
            )
        return cls(parts.scheme, host, port or (443 if parts.scheme == "https" else 80))

    @property
    def netloc(self) -> str:
        """Host and port as they stand in a URL, the default port left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.scheme == "https" else 80) else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.netloc}"


def http_settings(connector: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> HttpSettings:
    """From ``http.proxy*``, ``HTTPS_PROXY``, ``NO_PROXY``, ``bridge.salesforce.ca.file``,
    ``connection.timeout``.

    Raises ConfigurationError for a proxy that cannot be used.
    """
    proxy = find_proxy(connector, environ)
    return HttpSettings(
        ca_file=connector.get(CA_FILE) or None,
        proxy=proxy.url if proxy else None,
        proxy_auth=proxy.auth if proxy else None,
        proxy_auth_scheme=proxy.scheme if proxy else "NONE",
        connect_timeout=(connector.get("connection.timeout") or 30_000) / 1000,
        no_proxy=environ.get("no_proxy") or environ.get("NO_PROXY") or "",
        egress=connector.egress if isinstance(connector, Config) else ANYWHERE,
        own_proxy=bool(str(connector.get(PROXY) or "").strip()),
    )


def ssl_context(settings: HttpSettings) -> ssl.SSLContext:
    """System trust, ``SSL_CERT_FILE`` and the CA file. Raises ConfigurationError when a file is no PEM file."""
    return trust_context(settings.ca_file)
