"""A new key pair for the JWT flow: RSA 2048, a self-signed certificate to upload, a PKCS#12 keystore to keep."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12
from cryptography.x509.oid import NameOID

BITS = 2048


def make_pair(common_name: str, days: int, password: str, alias: str) -> tuple[bytes, bytes]:
    """The keystore (PKCS#12, AES-256; Java 8u301 and later read it too) and the certificate (PEM)."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = datetime.now(UTC).replace(microsecond=0)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # Salesforce's clock may be a little behind ours.
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    keystore = pkcs12.serialize_key_and_certificates(
        alias.encode(), key, certificate, None, BestAvailableEncryption(password.encode())
    )
    return keystore, certificate.public_bytes(Encoding.PEM)
