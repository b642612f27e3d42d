"""A key management service that takes the connection and never answers is given up in time, and tried again later."""

import time
from typing import Any

import pytest
from attrs import evolve

from bridge.encryption.kms import aws, azure, vault
from bridge.errors import Retriable
from bridge.waits import KMS
from tests.support.dripping import dripping

ARN = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"


@pytest.mark.parametrize("kind", ["aws", "vault"])
def test_silence_is_retriable(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for driver in (aws, vault):
        monkeypatch.setattr(driver, "KMS", evolve(KMS, seconds=0.5))
    with dripping(lambda: [b""] * 100, 0.5) as url:
        if kind == "aws":
            monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", url)
            params = {"access.key.id": "a", "secret.access.key": "b"}
            key: Any = aws.open_key(ARN, params)
        else:
            key = vault.open_key(f"hcvault://{url}/transit/keys/orders", {"token.id": "t"})
        began = time.monotonic()
        with pytest.raises(Retriable, match="cannot be reached"):
            key.wrap(bytes(32))
        assert time.monotonic() - began < 10


def test_azures_client_asks_once_and_for_no_longer() -> None:
    key = azure.open_key(
        f"https://v.vault.azure.net/keys/orders/{'0' * 32}",
        {"tenant.id": "t", "client.id": "c", "client.secret": "s"},
    )
    asking: Any = key._client(key.version)
    wire = asking._client._client._pipeline
    transport = wire._transport.connection_config
    assert (transport.timeout, transport.read_timeout) == (KMS.longest, KMS.longest)
    (retries,) = [one for one in wire._impl_policies if "Retry" in type(one).__name__]
    assert retries.total_retries == 0
