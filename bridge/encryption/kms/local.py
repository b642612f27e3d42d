"""``local-kms``: a secret instead of a key management service, for tests and demonstrations.

The wrapping key is HKDF-SHA256 of the secret's UTF-8 (no salt, empty info, 16 bytes); a wrapped DEK is
IV(12) ‖ AES-128-GCM ciphertext ‖ tag(16). Source: Confluent's local driver, proved by tests/vectors/csfle.
"""

from __future__ import annotations

import os

from attrs import field, frozen
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bridge.config.egress import ANYWHERE, Egress
from bridge.encryption.envelope import IV, TAG
from bridge.encryption.kms import Params
from bridge.errors import fatal


@frozen
class Local:
    """The key made of a secret."""

    key_id: str
    _aead: AESGCM = field(repr=False)

    def wrap(self, material: bytes) -> bytes:
        """Encrypt under the secret."""
        iv = os.urandom(IV)
        return iv + self._aead.encrypt(iv, material, None)

    def unwrap(self, wrapped: bytes) -> bytes:
        """Decrypt. Fatal for another secret."""
        if len(wrapped) < IV + TAG:
            raise fatal(f"the wrapped key is too short for local-kms key {self.key_id}")
        try:
            return self._aead.decrypt(wrapped[:IV], wrapped[IV:], None)
        except InvalidTag:
            raise fatal(
                f"local-kms key {self.key_id} does not open this DEK: another secret wrapped it"
            ) from None


def open_key(key_id: str, params: Params, egress: Egress = ANYWHERE) -> Local:
    """``secret``, or the environment's LOCAL_SECRET."""
    secret = params.get("secret") or os.environ.get("LOCAL_SECRET")
    if not secret:
        raise fatal(
            f"local-kms key {key_id} needs a secret: rule.executors._default_.param.secret, or LOCAL_SECRET in "
            "the environment"
        )
    key = HKDF(algorithm=SHA256(), length=16, salt=None, info=b"").derive(secret.encode())
    return Local(key_id, AESGCM(key))
