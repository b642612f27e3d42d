"""How keys are listed."""

from __future__ import annotations

from bridge.encryption.inventory import DekDocument, row
from bridge.encryption.uses import FIRST

DEK: DekDocument = {
    "kek": "sales", "subject": "orders-value", "algorithm": "AES256_GCM", "version": 1, "age_days": 0,
    "versions": 1, "expiry_days": None, "wrapped_under": "k", "use": "writes",
}  # fmt: skip


def test_what_is_reserved_ahead_is_not_said_to_be_encrypted() -> None:
    assert row(DEK)[-1] == "writes"
    assert row({**DEK, "values": FIRST})[-1] == "writes, up to 8192 values"
