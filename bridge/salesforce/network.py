"""What went wrong on the wire, in one sentence: a table from exceptions to sentences, tried from the top."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from collections.abc import Iterator

from bridge.deadline import Overdue
from bridge.errors import BridgeError, Fatal, Retriable, Stage
from bridge.salesforce.http_settings import HttpSettings
from bridge.trust.context import CA_FILE, SSL_CERT_FILE

# X509_V_ERR_*: self-signed, self-signed in the chain, no issuer found, cannot verify the first certificate.
UNKNOWN_AUTHORITY = {18, 19, 20, 21}
HOST_MISMATCH = {62, 64}
TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")


def network_error(
    error: BaseException, where: str, proxy: str | None, settings: HttpSettings, stage: Stage
) -> BridgeError:
    """Our error for an exception of ``socket``, ``ssl``, ``http.client`` or ``requests``.

    ``where`` is scheme, host and port only: a whole URL could hold something secret. ``proxy`` is the one in
    use.
    """
    causes = list(_family(error))
    nearest = f"the proxy {proxy}" if proxy else where
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _certificate(cause, where, settings, stage)
    for cause in causes:
        if match := TUNNEL.search(str(cause)):
            return _tunnel(int(match[1]), where, proxy, stage)
    return Retriable(_sentence(causes, where, nearest, settings), stage=stage)


def _sentence(causes: list[BaseException], where: str, nearest: str, settings: HttpSettings) -> str:
    def seen(*kinds: type[BaseException]) -> BaseException | None:
        return next((cause for cause in causes if isinstance(cause, kinds)), None)

    if seen(socket.gaierror):
        return f"the host name of {nearest} cannot be resolved; check the address and this machine's DNS"
    if seen(ConnectionRefusedError):
        return f"{nearest} refuses the connection; nothing listens there, or a firewall forbids it"
    if (overdue := seen(Overdue)) is not None:
        return f"{where} {overdue}"
    if seen(TimeoutError) or any(type(cause).__name__.endswith("TimeoutError") for cause in causes):
        return f"{where} did not answer in time (connection.timeout={settings.connect_timeout * 1000:.0f})"
    if seen(ConnectionResetError, BrokenPipeError, http.client.RemoteDisconnected, ssl.SSLEOFError):
        return f"{where} closed the connection without an answer"
    if (tls := seen(ssl.SSLError)) is not None:
        reason = getattr(tls, "reason", None) or "no reason given"
        return f"no TLS connection could be made with {where} ({reason}); does the port speak TLS?"
    if any(type(cause).__name__ == "IncompleteRead" for cause in causes):
        return f"{where} broke off in the middle of its answer"
    if seen(http.client.HTTPException) or any("Decod" in type(cause).__name__ for cause in causes):
        return f"{where} answered something that is not HTTP, or is damaged"
    system = next((c.strerror for c in causes if isinstance(c, OSError) and c.strerror), None)
    return f"{where} cannot be reached ({system or type(causes[-1]).__name__})"


def _certificate(
    cause: ssl.SSLCertVerificationError, where: str, settings: HttpSettings, stage: Stage
) -> BridgeError:
    said = cause.verify_message
    if cause.verify_code in UNKNOWN_AUTHORITY:
        remedy = (
            f"{CA_FILE}={settings.ca_file} does not hold that authority: put its PEM certificate there"
            if settings.ca_file
            else f"set {CA_FILE} (or {SSL_CERT_FILE}) to a PEM file that holds it"
        )
        return Fatal(
            f"{where} shows a certificate of an authority unknown here ({said}); {remedy}", stage=stage
        )
    if cause.verify_code in HOST_MISMATCH:
        return Fatal(
            f"{where} shows a certificate that was made for another name; check the address", stage=stage
        )
    return Retriable(
        f"the certificate of {where} is not valid now ({said}); check this machine's clock, or ask who runs "
        "that server",
        stage=stage,
    )


def _tunnel(status: int, where: str, proxy: str | None, stage: Stage) -> BridgeError:
    if status == 407:
        return Fatal(
            f"the proxy {proxy} wants a login or refuses the one given; set http.proxy.auth.scheme=BASIC, "
            "http.proxy.user and http.proxy.password",
            stage=stage,
        )
    message = f"the proxy {proxy} does not open a connection to {where} (status {status})"
    if 400 <= status < 500 and status not in (408, 429):
        return Fatal(f"{message}; it must be allowed there", stage=stage)
    return Retriable(message, stage=stage)


def _family(error: BaseException) -> Iterator[BaseException]:
    """The exception and everything it wraps: requests and urllib3 hide the cause in args, ``reason`` and
    causes."""
    waiting, seen = [error], set[int]()
    while waiting:
        current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        hidden = [current.__cause__, current.__context__, getattr(current, "reason", None), *current.args]
        waiting.extend(item for item in hidden if isinstance(item, BaseException))
