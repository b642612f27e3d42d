"""The key that signs the JWT: ``salesforce.jwt.keystore.file`` or ``.path``, recognised by content, never by
name.

Understood: JKS, PKCS#12, and a PEM private key (with its certificate, if the file holds one).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from attrs import field, frozen

from bridge.config.property import Values
from bridge.errors import ConfigurationError, Fatal, Fault, Stage
from bridge.salesforce.example_keys import is_example
from bridge.salesforce.keyfile import FILE, PATH, read_keystore_bytes
from bridge.trust.jks import JCEKS_MAGIC, MAGIC, decrypt, read_keys
from bridge.trust.store_errors import KeystoreError

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

PASSWORD = "salesforce.jwt.keystore.password"  # noqa: S105 - a property's name
ALLOW_EXAMPLE = "bridge.allow.example.keys"
MIN_BITS = 2048  # RFC 7518 §3.3
NO_KEY = "holds no private key, only certificates; it must hold the key that signs the login"
MAKE_ONE = "make a new one with 'sfbridge auth keystore' and upload its certificate to the app"
WARN_BEFORE = timedelta(days=30)


@frozen
class SigningKey:
    """The private key, where it came from, its certificate if there is one, and what the user should know."""

    private_key: RSAPrivateKey = field(repr=False)
    kind: str
    alias: str = ""
    certificate: x509.Certificate | None = field(default=None, repr=False)
    source: str = FILE
    notices: tuple[str, ...] = ()

    def check_validity(self, now: datetime | None = None) -> None:
        """Raise Fatal if the certificate has expired or is not valid yet: Salesforce refuses its signatures."""
        if self.certificate is None:
            return
        now = now or datetime.now(UTC)
        begin, end = self.certificate.not_valid_before_utc, self.certificate.not_valid_after_utc
        if now > end:
            raise Fatal(
                f"the certificate in {self.source} expired on {end:%Y-%m-%d}, and Salesforce refuses what is "
                f"signed with it; {MAKE_ONE}",
                stage=Stage.LOGIN,
            )
        if now < begin:
            raise Fatal(
                f"the certificate in {self.source} is valid only from {begin:%Y-%m-%d %H:%M} UTC on; check "
                "this "
                f"machine's clock, or {MAKE_ONE}",
                stage=Stage.LOGIN,
            )


def load_keystore(connector: Values) -> SigningKey:
    """The connector's key. Raises ConfigurationError; its validity in time is checked at each use."""
    source, data = read_keystore_bytes(connector)
    password = str(connector.get(PASSWORD) or "")
    try:
        key = open_keystore(data, password, source)
        if not connector.get(ALLOW_EXAMPLE):
            _refuse_example(key)
    except KeystoreError as error:
        raise ConfigurationError(
            [Fault(PASSWORD if error.password else source, _told(error, source))]
        ) from None
    return key


def _told(error: KeystoreError, source: str) -> str:
    return f"the keystore in {source} {error.message}" if error.password else error.message


def open_keystore(data: bytes, password: str, source: str = FILE) -> SigningKey:
    """Recognise the format and take the key out. Raises KeystoreError, and nothing else, whatever the bytes
    are."""
    if data[:4] == MAGIC:
        return _from_jks(data, password, source)
    if data[:4] == JCEKS_MAGIC:
        raise KeystoreError(
            "is a JCEKS keystore, which is not supported; convert it: keytool -importkeystore -srckeystore "
            "OLD "
            "-srcstoretype JCEKS -destkeystore NEW.p12 -deststoretype PKCS12"
        )
    if data[:1] == b"\x30":
        return _from_pkcs12(data, password, source)
    if b"-----BEGIN " in data[:4096]:
        # here: each kind of store loads what reads it
        from bridge.trust.pem import read_pem

        return _signing_key(*read_pem(data, password), kind="PEM", alias="", source=source)
    raise KeystoreError(
        "is neither a JKS nor a PKCS#12 keystore nor a PEM private key; check what was encoded"
    )


def _from_jks(data: bytes, password: str, source: str) -> SigningKey:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    entries = read_keys(data, password)
    if not entries:
        raise KeystoreError(NO_KEY)
    entry = entries[0]
    plain = decrypt(entry, password)
    try:
        key = load_der_private_key(plain, None)
        certificate = x509.load_der_x509_certificate(entry.chain[0]) if entry.chain else None
    except Exception:  # which kinds cryptography raises for unreadable bytes differs between its versions
        raise KeystoreError(f"holds the key '{entry.alias}', but key or certificate cannot be read") from None
    return _signing_key(key, certificate, kind="JKS", alias=entry.alias, source=source, count=len(entries))


def _from_pkcs12(data: bytes, password: str, source: str) -> SigningKey:
    # here: each kind of store loads what reads it
    from bridge.trust.pkcs12 import read_pkcs12

    try:
        key, certificate, alias, count = read_pkcs12(data, password)
    except KeystoreError:
        if _is_certificate(data):
            raise KeystoreError(
                "is a certificate, not a keystore; the keystore with the private key belongs here"
            ) from None
        raise
    if key is None:
        raise KeystoreError(NO_KEY)
    return _signing_key(key, certificate, kind="PKCS12", alias=alias, source=source, count=count)


def _is_certificate(data: bytes) -> bool:
    from cryptography import x509

    try:
        x509.load_der_x509_certificate(data)
    except Exception:  # anything else than a certificate
        return False
    return True


def _signing_key(
    key: object, certificate: x509.Certificate | None, *, kind: str, alias: str, source: str, count: int = 1
) -> SigningKey:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    if not isinstance(key, RSAPrivateKey):
        name = type(key).__name__.removesuffix("PrivateKey") or "unknown"
        raise KeystoreError(f"holds a key of the kind {name}; Salesforce's JWT flow needs RSA: {MAKE_ONE}")
    if key.key_size < MIN_BITS:
        raise KeystoreError(
            f"holds an RSA key of {key.key_size} bits; at least {MIN_BITS} are needed: {MAKE_ONE}"
        )
    notices = []
    if count > 1:
        notices.append(
            f"{source} holds {count} private keys; the first is used{f' ({alias})' if alias else ''}"
        )
    if certificate is None:
        notices.append(f"{source} holds no certificate, so its expiry cannot be watched")
    elif _belongs(certificate, key):
        notices += _expiring(certificate, source)
    else:
        raise KeystoreError(
            "holds a certificate that does not belong to its key; the pair must be made together"
        )
    return SigningKey(key, kind, alias, certificate, source, tuple(notices))


def _expiring(certificate: x509.Certificate, source: str) -> list[str]:
    left = certificate.not_valid_after_utc - datetime.now(UTC)
    if not timedelta(0) < left < WARN_BEFORE:
        return []
    return [f"the certificate in {source} expires in {left.days} days, and logins end with it; {MAKE_ONE}"]


def _belongs(certificate: x509.Certificate, key: RSAPrivateKey) -> bool:
    try:
        return certificate.public_key() == key.public_key()
    except Exception:  # a certificate whose public key is not even readable
        return False


def _refuse_example(key: SigningKey) -> None:
    if is_example(key.private_key, key.certificate):
        raise KeystoreError(
            "is the example keystore, whose private key everybody has; make your own with 'sfbridge auth "
            "keystore', or "
            f"set {ALLOW_EXAMPLE}=true to try things out",
        )


__all__ = ["FILE", "PATH", "KeystoreError", "SigningKey", "load_keystore", "open_keystore"]
