"""Which proxy a request goes through: ``http.proxy*`` of the connector, else ``HTTPS_PROXY``; ``NO_PROXY``
exempts."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import SplitResult, unquote, urlsplit

from attrs import field, frozen

from bridge.config.property import Values
from bridge.errors import ConfigurationError, Fault

PROXY = "http.proxy"
SCHEME = "http.proxy.auth.scheme"
USER = "http.proxy.user"
PASSWORD = "http.proxy.password"  # noqa: S105 - a property's name


@frozen
class Proxy:
    """``url`` is ``http://host:port`` without credentials; ``scheme`` is NONE or BASIC."""

    url: str
    scheme: str
    auth: tuple[str, str] | None = field(repr=False)


def find_proxy(connector: Values, environ: Mapping[str, str]) -> Proxy | None:
    """The connector's proxy, else the environment's, else none. Raises ConfigurationError for one we cannot
    use."""
    given = str(connector.get(PROXY) or "").strip()
    if not given:
        return _from_environment(environ)
    scheme = str(connector.get(SCHEME) or "NONE").upper()
    if scheme not in ("NONE", "BASIC"):
        why = (
            "NTLM needs the old MD4 hash and a connection-bound handshake, neither of which is offered here"
            if scheme == "NTLM"
            else "it must be NONE or BASIC"
        )
        raise _refused(
            SCHEME, f"{scheme} is not supported: {why}; use BASIC, or a local relay that logs in for you"
        )
    url, embedded = _parse(PROXY, given)
    if scheme == "BASIC":
        user = str(connector.get(USER) or "")
        auth = (user, str(connector.get(PASSWORD) or "")) if user else embedded
        if auth is None:
            raise _refused(USER, f"is missing, while {SCHEME}=BASIC")
        return Proxy(url, scheme, auth)
    return Proxy(url, "BASIC" if embedded else "NONE", embedded)


def _from_environment(environ: Mapping[str, str]) -> Proxy | None:
    for name in ("https_proxy", "HTTPS_PROXY"):
        if value := environ.get(name, "").strip():
            url, auth = _parse(name, value)
            return Proxy(url, "BASIC" if auth else "NONE", auth)
    return None


def _parse(key: str, text: str) -> tuple[str, tuple[str, str] | None]:
    """``host:port`` or a URL → (url without credentials, credentials)."""
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        port = parts.port or 80
    except ValueError:
        raise _refused(key, "is not a proxy's address; write host:port or http://host:port") from None
    if parts.scheme != "http":
        raise _refused(
            key, f"a {parts.scheme}:// proxy is not supported; write host:port or http://host:port"
        )
    if not parts.hostname or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise _refused(key, "is not a proxy's address; write host:port or http://host:port")
    return f"http://{_bracketed(parts)}:{port}", _credentials(parts)


def _credentials(parts: SplitResult) -> tuple[str, str] | None:
    return (unquote(parts.username), unquote(parts.password or "")) if parts.username else None


def _bracketed(parts: SplitResult) -> str:
    host = parts.hostname or ""
    return f"[{host}]" if ":" in host else host


def exempt(host: str, port: int, no_proxy: str) -> bool:
    """Whether ``NO_PROXY`` names this host: ``*``, a name, a domain (with or without dot), an address, a
    network."""
    return any(_matches(host.lower().rstrip("."), port, item.strip().lower()) for item in no_proxy.split(","))


def _matches(host: str, port: int, item: str) -> bool:
    if item in ("", "*"):
        return item == "*"
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(item, strict=False)
    except ValueError:
        pass
    name, _, wanted = item.partition(":") if item.count(":") == 1 else (item, "", "")
    if wanted and wanted != str(port):
        return False
    name = name.removeprefix("*").lstrip(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _refused(key: str, message: str) -> ConfigurationError:
    return ConfigurationError([Fault(key, message)])
