"""``aws-kms``: the wrapped DEK is the blob that Encrypt returns (AWS KMS API 2014-11-01), no encryption context.

Parameters: ``access.key.id`` and ``secret.access.key``, or ``profile``; ``role.arn`` with ``role.session.name``
and ``role.external.id`` (also AWS_ROLE_ARN, AWS_ROLE_SESSION_NAME, AWS_ROLE_EXTERNAL_ID); without any, what
boto3 finds by itself. The region is the ARN's.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

from attrs import field, frozen

from bridge.config.egress import ANYWHERE, Egress
from bridge.encryption.kms import KeyIdError, Params, check_url
from bridge.errors import BridgeError, fatal, retriable
from bridge.waits import KMS

if TYPE_CHECKING:
    import boto3
    from botocore.client import BaseClient
    from botocore.config import Config
    from botocore.credentials import RefreshableCredentials

T = TypeVar("T")

_PASSING: Final = frozenset(
    {
        "DependencyTimeoutException",
        "KMSInternalException",
        "KeyUnavailableException",
        "LimitExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)


@frozen
class Aws:
    """One key of AWS KMS."""

    key_id: str
    _client: BaseClient = field(repr=False)

    def wrap(self, material: bytes) -> bytes:
        """Encrypt."""
        return bytes(
            self._ask(lambda: self._client.encrypt(KeyId=self.key_id, Plaintext=material))["CiphertextBlob"]
        )

    def unwrap(self, wrapped: bytes) -> bytes:
        """Decrypt."""
        return bytes(
            self._ask(lambda: self._client.decrypt(KeyId=self.key_id, CiphertextBlob=wrapped))["Plaintext"]
        )

    def _ask(self, call: Callable[[], T]) -> T:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return call()
        except (ClientError, BotoCoreError) as error:
            raise _worded(self.key_id, error) from None


def _worded(key_id: str, error: Exception) -> BridgeError:
    from botocore.exceptions import ClientError, HTTPClientError, NoCredentialsError
    from botocore.exceptions import ConnectionError as Unreachable

    if isinstance(error, ClientError):
        code = str(error.response.get("Error", {}).get("Code", "unknown"))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code in _PASSING or status >= 500 or status == 429:
            return retriable(f"AWS KMS does not answer for {key_id} now ({code})")
        return fatal(f"AWS KMS refuses {key_id} ({code}); {_REMEDIES.get(code, 'see the key policy')}")
    if isinstance(error, HTTPClientError | Unreachable):
        return retriable(f"AWS KMS cannot be reached for {key_id} ({type(error).__name__})")
    if isinstance(error, NoCredentialsError):
        return fatal(
            f"there are no AWS credentials for {key_id}: rule.executors._default_.param.access.key.id"
        )
    return fatal(f"AWS KMS cannot be used for {key_id} ({type(error).__name__})")


_REMEDIES: Final = {
    "AccessDeniedException": "kms:Encrypt and kms:Decrypt are needed, and the ciphertext must be of this key",
    "NotFoundException": "there is no such key in that region",
    "InvalidCiphertextException": "another key wrapped this DEK",
    "IncorrectKeyException": "another key wrapped this DEK",
    "DisabledException": "the key is disabled",
    "KMSInvalidStateException": "the key is pending deletion or import",
}


def open_key(key_id: str, params: Params, egress: Egress = ANYWHERE) -> Aws:
    """``arn:aws:kms:<region>:<account>:key/<id>`` (or an alias), in any AWS partition; ``aws-kms://`` before it is
    taken off."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    arn = key_id.removeprefix("aws-kms://")
    parts = arn.split(":", 5)
    if len(parts) < 6 or parts[0] != "arn" or parts[2] != "kms" or not parts[3]:
        raise KeyIdError(
            f"{key_id} is no key of AWS KMS: arn:aws:kms:<region>:<account>:key/<id> is expected"
        )
    region = parts[3]
    try:
        session = boto3.Session(
            aws_access_key_id=params.get("access.key.id"),
            aws_secret_access_key=params.get("secret.access.key"),
            profile_name=params.get("profile"),
            region_name=region,
        )
        _check_all(session, egress)
        role = params.get("role.arn") or os.environ.get("AWS_ROLE_ARN")
        if role and not os.environ.get("AWS_WEB_IDENTITY_TOKEN_FILE"):
            session = _assumed(session, role, params, region)
            _check_all(session, egress)
        return Aws(arn, session.client("kms", config=_bounded()))
    except (ClientError, BotoCoreError) as error:
        raise _worded(arn, error) from None


def _bounded() -> Config:
    """For a client of the SDK: left to itself it waits a minute for each answer, five times."""
    from botocore.config import Config

    return Config(connect_timeout=KMS.longest, read_timeout=KMS.longest, retries={"total_max_attempts": 1})


def _check_all(session: boto3.Session, egress: Egress) -> None:
    """For the SDK: whatever the session's clients send goes where it may go."""
    session.events.register("before-send", lambda request, **_: check_url(egress, request.url))


def _assumed(session: boto3.Session, role: str, params: Params, region: str) -> boto3.Session:
    """A session in a role, renewed by itself before it ends."""
    import boto3
    from botocore.credentials import CredentialProvider, DeferredRefreshableCredentials
    from botocore.session import get_session

    wanted = {
        "RoleArn": role,
        "RoleSessionName": params.get("role.session.name")
        or os.environ.get("AWS_ROLE_SESSION_NAME")
        or "confluent-encrypt",
    }
    external = params.get("role.external.id") or os.environ.get("AWS_ROLE_EXTERNAL_ID")
    if external:
        wanted["ExternalId"] = external
    sts = session.client("sts", config=_bounded())

    def renewed() -> dict[str, str]:
        credentials = sts.assume_role(**wanted)["Credentials"]
        return {
            "access_key": credentials["AccessKeyId"],
            "secret_key": credentials["SecretAccessKey"],
            "token": credentials["SessionToken"],
            "expiry_time": credentials["Expiration"].isoformat(),
        }

    class Role(CredentialProvider):  # type: ignore[misc]
        METHOD = CANONICAL_NAME = "bridge-role"

        def load(self) -> RefreshableCredentials:
            return DeferredRefreshableCredentials(renewed, "assume-role")

    inner = get_session()
    inner.get_component("credential_provider").insert_before("env", Role())
    return boto3.Session(botocore_session=inner, region_name=region)
