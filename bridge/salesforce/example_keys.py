"""The throw-away keys that ship in ``keys-example/``: refused, because everybody has their private half.

SHA-256 of the certificate's DER, and of the public key's SubjectPublicKeyInfo, so that neither a re-wrapped
keystore nor a new certificate for the same key gets through.
"""

from __future__ import annotations

import hashlib

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CERTIFICATES = frozenset({"2a02ae3c7d2db6e2baf3a4ea65bb21c8d0e2528dea186d91d225a2e3a4dd59c6"})
PUBLIC_KEYS = frozenset({"9036d79c697a2ee71dc0a7e60f19a5c0234227066b01eb236057455a37931952"})


def is_example(key: RSAPrivateKey, certificate: x509.Certificate | None) -> bool:
    """Whether key or certificate is one of ``keys-example/``."""
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if hashlib.sha256(public).hexdigest() in PUBLIC_KEYS:
        return True
    if certificate is None:
        return False
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest() in CERTIFICATES
