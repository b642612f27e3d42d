"""Which certificate authorities are trusted: the system's, ``SSL_CERT_FILE`` and
``bridge.salesforce.ca.file`` together.

OpenSSL lets ``SSL_CERT_FILE`` *replace* the system's file and ignores it silently when it is missing; here it
adds, and a file that cannot be read is a configuration error.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from bridge.errors import ConfigurationError, Fault

CA_FILE = "bridge.salesforce.ca.file"
SSL_CERT_FILE = "SSL_CERT_FILE"
_HASHED = re.compile(r"[0-9a-f]{8}\.\d+")
Files = tuple[tuple[str, str, int], ...]
"""Property, path, when it was written (ns)."""


def trust_context(ca_file: str | None, environ: Mapping[str, str] = os.environ) -> ssl.SSLContext:
    """A client context (TLS 1.2 or later, names checked); the same one as long as the files stay the same.

    Raises ConfigurationError when a named file is missing, unreadable or holds no PEM certificate.
    """
    return _context(trusted_files(ca_file, environ))


def own_context(environ: Mapping[str, str] = os.environ) -> ssl.SSLContext:
    """A new context with the same trust, for who adds a client certificate to it. Raises ConfigurationError."""
    return _built(trusted_files(None, environ))


def trusted_pem(ca_file: str | None, environ: Mapping[str, str] = os.environ) -> bytes:
    """The same authorities as PEM, for a library that has its own TLS and its own idea of the system's trust.

    Raises ConfigurationError as :func:`trust_context`.
    """
    named = trusted_files(ca_file, environ)
    _context(named)  # says what is wrong with a file
    return _pem(named)


def trusted_files(ca_file: str | None, environ: Mapping[str, str] = os.environ) -> Files:
    """The files that are named, and when they were written (ns): while it is equal, the trust is the same.

    Raises ConfigurationError as :func:`trust_context`.
    """
    named = ((CA_FILE, ca_file), (SSL_CERT_FILE, environ.get(SSL_CERT_FILE)))
    return tuple((key, path, _changed(key, path)) for key, path in named if path)


@lru_cache(maxsize=8)
def _context(named: Files) -> ssl.SSLContext:
    return _built(named)


def _built(named: Files) -> ssl.SSLContext:
    context = empty_context()
    _trust_system(context)
    for key, path, _ in named:
        _trust_file(context, key, path)
    return context


def empty_context() -> ssl.SSLContext:
    """A client context that trusts nobody yet.

    Not ``ssl.create_default_context``: from Python 3.13 on it is strict about extensions (RFC 5280) that certificates
    of private authorities often lack, and that neither Java nor OpenSSL asks for.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A company's file often holds just its intermediate authority: what the user names is trusted as it is.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.set_alpn_protocols(["http/1.1"])
    return context


def _trust_system(context: ssl.SSLContext) -> None:
    folders, file = _system()
    for folder in folders:
        context.load_verify_locations(capath=folder)
    if file:
        context.load_verify_locations(cafile=file)


def _system() -> tuple[set[str], str | None]:
    """The places OpenSSL was built with and ``SSL_CERT_DIR``; the certifi bundle on a machine that has
    neither."""
    paths = ssl.get_default_verify_paths()
    folders = {path for path in (paths.capath, paths.openssl_capath) if path and _filled(path)}
    if Path(paths.openssl_cafile).is_file():
        return folders, paths.openssl_cafile
    if folders:
        return folders, None
    import certifi

    return folders, certifi.where()


@lru_cache(maxsize=8)
def _pem(named: Files) -> bytes:
    folders, file = _system()
    files = [Path(file)] if file else []
    for folder in folders:
        # OpenSSL finds an authority by the hash of its name; the other files are the same ones again.
        files += [path for path in sorted(Path(folder).iterdir()) if _HASHED.fullmatch(path.name)]
    files += [Path(path) for _, path, _ in named]
    texts = dict.fromkeys(path.read_bytes().strip() for path in files if path.is_file())
    return b"\n".join(texts) + b"\n"


def _filled(folder: str) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(True for _ in entries)
    except OSError:
        return False


def _trust_file(context: ssl.SSLContext, key: str, path: str) -> None:
    try:
        context.load_verify_locations(cafile=path)
    except ssl.SSLError:
        raise _refused(
            key, f"{path} holds no PEM certificate; it must begin with -----BEGIN CERTIFICATE-----"
        ) from None
    except OSError as error:
        raise _refused(
            key, f"{path} cannot be read ({error.strerror}); name a PEM file of CA certificates"
        ) from None


def _changed(key: str, path: str) -> int:
    """When the file was written (ns), so that a renewed CA file is read again without a restart."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        raise _refused(key, f"there is no file {path}; name a PEM file of CA certificates") from None
    except (OSError, ValueError):
        raise _refused(key, f"{path} cannot be read; name a PEM file of CA certificates") from None
    return status.st_mtime_ns


def _refused(key: str, message: str) -> ConfigurationError:
    return ConfigurationError([Fault(key, message)])
