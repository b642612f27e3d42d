"""One kit over every KMS driver: wrap, unwrap, another key, denied, throttled, unreachable, a key id with a version."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest
from attrs import define, field

from bridge.encryption.envelope import Algorithm, new_material
from bridge.encryption.kms import DRIVERS, Kms, azure, gcp, open_kms
from bridge.errors import Fatal, Retriable, Stage
from tests.support import kms_doubles

MATERIALS = [new_material(algorithm) for algorithm in Algorithm]


@define
class Service:
    """A KMS type in front of something that answers."""

    kms_type: str
    key: str
    other: str
    params: Mapping[str, str] = field(factory=dict)
    versioned: str | None = None
    fault: Callable[[str | None], None] | None = None
    unreachable: Callable[[], tuple[str, Mapping[str, str]]] | None = None

    def open(self, key: str | None = None, **more: str) -> Kms:
        return open_kms(self.kms_type, key or self.key, {**self.params, **more})


@pytest.fixture(params=DRIVERS)
def service(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    with ExitStack() as stack:
        yield _SERVICES[request.param](stack, monkeypatch)


def _local(stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> Service:
    return Service("local-kms", "one", "one", {"secret": "s3cret"})


def _aws(stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> Service:
    import boto3
    import botocore.client
    from botocore.exceptions import ClientError, EndpointConnectionError
    from moto import mock_aws

    stack.enter_context(mock_aws())
    params = {"access.key.id": "AKIA", "secret.access.key": "x"}
    kms = boto3.client("kms", region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b")
    keys = [kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2)]
    call = botocore.client.BaseClient._make_api_call
    state: dict[str, str | None] = {"fault": None}
    codes = {
        "denied": "AccessDeniedException",
        "throttled": "ThrottlingException",
        "missing": "NotFoundException",
    }

    def asked(self: Any, operation: str, arguments: Any) -> Any:
        if state["fault"] == "unreachable":
            raise EndpointConnectionError(endpoint_url="https://kms.eu-central-1.amazonaws.com")
        if state["fault"]:
            code, status = codes[state["fault"]], 400
            answer = {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}}
            raise ClientError(answer, operation)
        return call(self, operation, arguments)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", asked)
    return Service("aws-kms", *keys, params=params, fault=lambda fault: state.update(fault=fault))


def _azure(stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> Service:
    double = kms_doubles.Double()
    monkeypatch.setattr(azure, "credential", lambda params: _Token())
    options = {
        "transport": kms_doubles.AzureTransport(double),
        "verify_challenge_resource": False,
        "retry_total": 0,
    }
    monkeypatch.setattr(azure, "options", options)
    vault = "https://v.vault.azure.net/keys"

    def fault(name: str | None) -> None:
        double.fault = name

    return Service("azure-kms", f"{vault}/one", f"{vault}/two", {}, f"{vault}/one/{'a1' * 16}", fault)


def _gcp(stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> Service:
    import grpc
    from google.cloud.kms_v1 import KeyManagementServiceClient
    from google.cloud.kms_v1.services.key_management_service.transports import (
        KeyManagementServiceGrpcTransport,
    )

    double = stack.enter_context(kms_doubles.gcp())
    address = {"": double.url}

    def client(params: Mapping[str, str]) -> Any:
        transport = KeyManagementServiceGrpcTransport(channel=grpc.insecure_channel(address[""]))
        return KeyManagementServiceClient(transport=transport)

    monkeypatch.setattr(gcp, "client", client)
    ring = "projects/p/locations/l/keyRings/r/cryptoKeys"

    def fault(name: str | None) -> None:
        if name == "unreachable":
            address[""] = "127.0.0.1:1"
        else:
            double.fault = name

    return Service("gcp-kms", f"{ring}/one", f"{ring}/two", {}, f"{ring}/one/cryptoKeyVersions/1", fault)


def _vault(stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> Service:
    double = stack.enter_context(kms_doubles.vault())

    def fault(name: str | None) -> None:
        double.fault = name

    keys = f"{double.url}/transit/keys"
    unreachable = lambda: ("http://127.0.0.1:1/transit/keys/one", {"token.id": "good"})  # noqa: E731
    return Service("hcvault", f"{keys}/one", f"{keys}/two", {"token.id": "good"}, None, fault, unreachable)


class _Token:
    """A credential without a login."""

    def get_token(self, *_: Any, **__: Any) -> Any:
        from azure.core.credentials import AccessToken

        return AccessToken("token", 1 << 40)


_SERVICES = {"local-kms": _local, "aws-kms": _aws, "azure-kms": _azure, "gcp-kms": _gcp, "hcvault": _vault}


def test_what_is_wrapped_unwraps(service: Service) -> None:
    for material in MATERIALS:
        wrapped = service.open().wrap(material)
        assert material not in wrapped
        assert service.open().unwrap(wrapped) == material


def test_another_key_does_not_unwrap(service: Service) -> None:
    wrapped = service.open().wrap(MATERIALS[0])
    other = service.open(secret="other") if service.kms_type == "local-kms" else service.open(service.other)
    with pytest.raises(
        Fatal, match=re.escape(service.other if service.kms_type != "local-kms" else "one")
    ) as caught:
        other.unwrap(wrapped)
    assert caught.value.stage is Stage.ENCRYPT


def test_what_is_no_wrapped_key_is_refused(service: Service) -> None:
    for junk in (b"", b"junk", b"\xff" * 80):
        with pytest.raises(Fatal):
            service.open().unwrap(junk)


@pytest.mark.parametrize(
    ("fault", "error"), [("denied", Fatal), ("missing", Fatal), ("throttled", Retriable)]
)
def test_what_may_pass_and_what_will_not(service: Service, fault: str, error: type[Exception]) -> None:
    if service.fault is None:
        assert service.kms_type == "local-kms"
        return
    kms = service.open()
    service.fault(fault)
    with pytest.raises(error, match=re.escape(service.key)):
        kms.wrap(MATERIALS[0])
    service.fault(None)
    assert kms.unwrap(kms.wrap(MATERIALS[0])) == MATERIALS[0]


def test_unreachable_is_retriable(service: Service) -> None:
    if service.kms_type == "local-kms":
        return
    if service.unreachable is not None:
        key, params = service.unreachable()
        with pytest.raises(Retriable):
            open_kms(service.kms_type, key, params).wrap(MATERIALS[0])
        return
    assert service.fault is not None
    service.fault("unreachable")
    with pytest.raises(Retriable):
        service.open().wrap(MATERIALS[0])


def test_a_key_id_with_a_version(service: Service) -> None:
    if service.versioned is None:
        assert service.kms_type in ("local-kms", "aws-kms", "hcvault")
        return
    versioned = service.open(service.versioned)
    assert versioned.unwrap(versioned.wrap(MATERIALS[0])) == MATERIALS[0]


@pytest.mark.parametrize(
    ("kms_type", "key"),
    [
        ("aws-kms", "arn:aws:s3:::x"),
        ("azure-kms", "http://v/keys/k"),
        ("gcp-kms", "p/x"),
        ("hcvault", "https://v/k"),
    ],
)
def test_an_id_that_is_none(kms_type: str, key: str) -> None:
    with pytest.raises(Fatal, match="is expected"):
        open_kms(kms_type, key, {"token.id": "t"})


def test_azure_saves_the_version_and_reads_both_forms(monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as stack:
        service = _azure(stack, monkeypatch)
        saving = service.open(service.versioned, **{"encrypt.azure.key.version.save": "true"})
        wrapped = saving.wrap(MATERIALS[0])
        assert wrapped.startswith(b"azure:v1:" + b"a1" * 16 + b":")
        assert service.open().unwrap(wrapped) == MATERIALS[0]


def test_vault_logs_in_again_when_a_token_expired(monkeypatch: pytest.MonkeyPatch) -> None:
    with kms_doubles.vault() as double:
        params = {"approle.role.id": "role", "approle.secret.id": "secret"}
        kms = open_kms("hcvault", f"{double.url}/transit/keys/k", params)
        wrapped = kms.wrap(MATERIALS[0])
        double.tokens.clear()
        assert kms.unwrap(wrapped) == MATERIALS[0]
        assert double.logins == 2
        with pytest.raises(Fatal, match="needs credentials"):
            open_kms("hcvault", f"{double.url}/transit/keys/k", {})


def test_aws_in_a_role(monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as stack:
        service = _aws(stack, monkeypatch)
        kms = service.open(
            **{"role.arn": "arn:aws:iam::123456789012:role/bridge", "role.external.id": "external"}
        )
        assert kms.unwrap(kms.wrap(MATERIALS[0])) == MATERIALS[0]
