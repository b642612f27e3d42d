"""A private key as PEM text (PKCS#8 or PKCS#1), as OpenSSL writes it, with its certificate where the file has
one."""

from __future__ import annotations

import base64
import binascii
import re

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from bridge.trust.der import refuse_long_derivation
from bridge.trust.store_errors import WRONG_PASSWORD, KeystoreError

PRIVATE = re.compile(rb"-----BEGIN ((?:RSA |ENCRYPTED |EC )?PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)
CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


def read_pem(data: bytes, password: str) -> tuple[object, x509.Certificate | None]:
    """The first private key and its certificate. Raises KeystoreError."""
    match = PRIVATE.search(data)
    if match is None:
        what = (
            "a certificate, not the private key"
            if CERTIFICATE.search(data)
            else "a PEM file without a private key"
        )
        raise KeystoreError(f"is {what}; the keystore with the private key belongs here")
    refuse_long_derivation(_der(match[0]))
    try:
        key = _load(match[0], password)
    except TypeError:
        raise KeystoreError("holds an encrypted PEM key, and no password is given", password=True) from None
    except UnicodeEncodeError:
        raise KeystoreError(WRONG_PASSWORD, password=True) from None
    except ValueError as error:
        wrong = "password" in str(error).lower() or "decrypt" in str(error).lower()
        raise KeystoreError(WRONG_PASSWORD if wrong else "holds a damaged PEM key", wrong) from None
    except Exception as error:  # UnsupportedAlgorithm and what else a version of cryptography may raise
        raise KeystoreError(f"holds a PEM key that cannot be read ({type(error).__name__})") from None
    return key, _certificate(data, key)


def _load(pem: bytes, password: str) -> object:
    try:
        return load_pem_private_key(pem, password.encode() if password else None)
    except TypeError:
        # A password for a key that needs none: Connect's configuration requires one, so it is not a mistake.
        if b"ENCRYPTED" in pem or not password:
            raise
        return load_pem_private_key(pem, None)


def _der(pem: bytes) -> bytes:
    """The bytes between the lines; nothing if they are not plain base64 (old keys have headers there)."""
    try:
        return base64.b64decode(b"".join(pem.split(b"\n")[1:-1]))
    except binascii.Error:
        return b""


def _certificate(data: bytes, key: object) -> x509.Certificate | None:
    """The first certificate of the file that belongs to the key; chains may be in any order."""
    wanted = key.public_key() if hasattr(key, "public_key") else None
    for match in CERTIFICATE.finditer(data):
        try:
            certificate = x509.load_pem_x509_certificate(match[0])
            if certificate.public_key() == wanted:
                return certificate
        except Exception:  # noqa: S112 - an unreadable certificate is as good as none here
            continue
    return None
