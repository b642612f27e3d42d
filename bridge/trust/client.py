"""TLS towards the registry: trust and client certificate as Java clients name them, PEM, PKCS#12 or JKS.

Trust is the trust store's where one is named, else the system's and ``SSL_CERT_FILE`` beside it.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from bridge.errors import ConfigurationError, Fault
from bridge.trust.context import empty_context, own_context
from bridge.trust.truststore import StoreError, kind_of, read_file, to_pem, trusted_certificates

_NAME = "schema.registry.ssl."


def tls_context(settings: Mapping[str, str]) -> ssl.SSLContext:
    """The context for settings without prefix (``ssl.truststore.location`` …). ConfigurationError.

    The same one as long as settings and files are the same: each costs a megabyte and 30 ms, and connections that
    are kept open belong to one.
    """
    given = {key: value for key, value in settings.items() if key.startswith("ssl.")}
    paths = [os.environ.get("SSL_CERT_FILE", ""), *(v for k, v in given.items() if k.endswith(".location"))]
    return _context(tuple(sorted(given.items())), tuple((path, _changed(path)) for path in paths if path))


def _changed(path: str) -> int:
    """When a file was changed last (ns), 0 if that cannot be told."""
    try:
        return Path(path).stat().st_mtime_ns
    except (OSError, ValueError):
        return 0


@lru_cache(maxsize=8)
def _context(given: tuple[tuple[str, str], ...], files: tuple[tuple[str, int], ...]) -> ssl.SSLContext:
    settings = dict(given)
    context = _trusting(settings)
    _client_certificate(context, settings)
    algorithm = settings.get("ssl.endpoint.identification.algorithm", "https").strip().lower()
    if algorithm not in ("https", ""):
        raise _fault("endpoint.identification.algorithm", "must be https or empty")
    context.check_hostname = algorithm == "https"
    return context


def _fault(key: str, message: str) -> ConfigurationError:
    return ConfigurationError([Fault(_NAME + key, message)])


def _trusting(settings: Mapping[str, str]) -> ssl.SSLContext:
    """A named trust store stands instead of the system's trust, as in Java."""
    inline = settings.get("ssl.truststore.certificates", "")
    path = settings.get("ssl.truststore.location") or settings.get("ssl.ca.location", "")
    if not inline and not path:
        return own_context()
    try:
        data = inline.encode() if inline else read_file(path)
        pem = to_pem(trusted_certificates(data, settings.get("ssl.truststore.password")))
        context = empty_context()
        context.load_verify_locations(cadata=pem)
        return context
    except (StoreError, ssl.SSLError, ValueError) as error:
        raise _fault("truststore.location", f"cannot be used: {error}") from None


def _client_certificate(context: ssl.SSLContext, settings: Mapping[str, str]) -> None:
    path = settings.get("ssl.keystore.location") or settings.get("ssl.certificate.location", "")
    chain, key = settings.get("ssl.keystore.certificate.chain", ""), settings.get("ssl.keystore.key", "")
    if not path and not chain:
        return
    password = settings.get("ssl.key.password") or settings.get("ssl.keystore.password") or None
    try:
        if chain:
            _load(context, (key + "\n" + chain).encode(), password)
        elif kind_of(data := read_file(path)) == "PEM":
            context.load_cert_chain(path, settings.get("ssl.key.location") or None, password)
        elif kind_of(data) == "PKCS12":
            # here: loads cryptography, and most keystores are PEM
            from bridge.trust.pkcs12 import as_pem

            _load(context, as_pem(data, password), None)
        else:
            raise StoreError("is JKS; convert it with keytool -importkeystore -deststoretype pkcs12")
    except (StoreError, ssl.SSLError, OSError, ValueError) as error:
        raise _fault("keystore.location", f"cannot be used: {error}") from None


def _load(context: ssl.SSLContext, pem: bytes, password: str | None) -> None:
    """OpenSSL wants a path; an anonymous memory file keeps the key off the disk."""
    descriptor = os.memfd_create("client-certificate")
    try:
        os.write(descriptor, pem)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}", None, password)
    finally:
        os.close(descriptor)
