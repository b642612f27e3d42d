"""PKCS#12 keystores, through ``cryptography``."""

from __future__ import annotations

import warnings

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

from bridge.trust.der import refuse_long_derivation
from bridge.trust.store_errors import WRONG_PASSWORD, KeystoreError

SHROUDED_KEY_BAG = bytes.fromhex("060b2a864886f70d010c0a0102")


def read_pkcs12(data: bytes, password: str) -> tuple[object, x509.Certificate | None, str, int]:
    """The private key (None if there is none), its certificate, its alias, and how many keys can be seen.

    Raises KeystoreError.
    """
    store = load(data, password)
    named = store.cert.friendly_name if store.cert else None
    certificate = store.cert.certificate if store.cert else _certificate_of(store)
    return store.key, certificate, (named or b"").decode("utf-8", "replace"), data.count(SHROUDED_KEY_BAG)


def load(data: bytes, password: str | None) -> pkcs12.PKCS12KeyAndCertificates:
    """The store. Raises KeystoreError."""
    refuse_long_derivation(data)
    try:
        with warnings.catch_warnings():
            # It says aloud that a file is BER and not DER, which is nothing to bother a user with.
            warnings.simplefilter("ignore")
            store = pkcs12.load_pkcs12(data, None if password is None else password.encode())
    except UnicodeEncodeError:  # half a surrogate pair, which no keystore can have been made with
        raise KeystoreError(WRONG_PASSWORD, password=True) from None
    except ValueError as error:
        if password is None:
            raise KeystoreError("cannot be opened without its password", password=True) from None
        if "password" in str(error).lower():
            raise KeystoreError(WRONG_PASSWORD, password=True) from None
        raise KeystoreError("is no PKCS#12 keystore, or is cut short or damaged") from None
    except Exception as error:
        # Which kinds beside ValueError there are (UnsupportedAlgorithm…) differs between versions of
        # cryptography.
        raise KeystoreError(
            f"cannot be read ({type(error).__name__}); make it anew with a current keytool"
        ) from None
    return store


def certificates(data: bytes, password: str | None) -> list[bytes]:
    """Every certificate, DER. Raises KeystoreError."""
    store = load(data, password)
    entries = [store.cert, *store.additional_certs]
    return [entry.certificate.public_bytes(Encoding.DER) for entry in entries if entry is not None]


def as_pem(data: bytes, password: str | None) -> bytes:
    """The private key, in plaintext, and its certificates, the key's own first. Raises KeystoreError."""
    store = load(data, password)
    if store.key is None or store.cert is None:
        raise KeystoreError("holds no private key with a certificate")
    pem = store.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    chain = (store.cert, *store.additional_certs)
    return pem + b"".join(entry.certificate.public_bytes(Encoding.PEM) for entry in chain)


def _certificate_of(store: pkcs12.PKCS12KeyAndCertificates) -> x509.Certificate | None:
    """Some tools do not say which certificate is the key's: then it is the one with the same public key."""
    if store.key is None:
        return None
    wanted = store.key.public_key()
    return next((c.certificate for c in store.additional_certs if c.certificate.public_key() == wanted), None)
