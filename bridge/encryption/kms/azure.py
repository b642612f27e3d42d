"""``azure-kms``: Azure Key Vault, RSA-OAEP-256 by the keys' encrypt and decrypt operations.

Key id: ``https://<vault>.vault.azure.net/keys/<name>[/<version>]`` (``azure-kms://`` before it is taken off).
Parameters: ``tenant.id``, ``client.id``, ``client.secret``; without them what azure-identity finds by itself. With
``encrypt.azure.key.version.save`` a wrapped DEK is ``azure:v1:<32 hex version>:`` and the ciphertext, so that it
opens after the key got a new version; both forms are read always.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, TypeVar

from attrs import define, field

from bridge.config.egress import ANYWHERE, Egress
from bridge.encryption.kms import KeyIdError, Params, check_url
from bridge.errors import BridgeError, fatal, retriable
from bridge.waits import KMS

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.pipeline import PipelineRequest
    from azure.core.pipeline.policies import SansIOHTTPPolicy
    from azure.core.rest import HttpRequest, HttpResponse
    from azure.keyvault.keys.crypto import CryptographyClient

T = TypeVar("T")

_ID: Final = re.compile(r"(https://[^/]+)/keys/([^/]+)(?:/([0-9a-fA-F]{32}))?/?")
_VERSIONED: Final = re.compile(rb"azure:v1:([0-9a-f]{32}):(.*)", re.DOTALL)
_TIMES: Final[Mapping[str, float]] = {"connection_timeout": KMS.longest, "read_timeout": KMS.longest}
"""Left to itself, the SDK waits five minutes for each answer."""
_ONCE: Final[Mapping[str, object]] = {**_TIMES, "retry_total": 0}
"""And asks several times."""

credential: Callable[[Params], TokenCredential] | None = None
"""For tests: makes the credential instead of azure-identity."""
options: Mapping[str, object] = {}
"""For tests: further arguments of the SDK's client (``connection_verify``, ``verify_challenge_resource``)."""


@define
class Azure:
    """One key of a vault. ``version`` None: the newest."""

    key_id: str
    vault: str
    name: str
    version: str | None
    saves_version: bool
    _credential: TokenCredential = field(repr=False)
    _egress: Egress = ANYWHERE
    _clients: dict[str, CryptographyClient] = field(factory=dict, repr=False)

    def wrap(self, material: bytes) -> bytes:
        """Encrypt with RSA-OAEP-256."""
        from azure.keyvault.keys.crypto import EncryptionAlgorithm

        answer = self._ask(
            lambda: self._client(self.version).encrypt(EncryptionAlgorithm.rsa_oaep_256, material)
        )
        used = str(answer.key_id).rstrip("/").rpartition("/")[2].lower()
        if self.saves_version and re.fullmatch("[0-9a-f]{32}", used):
            return b"azure:v1:" + used.encode() + b":" + bytes(answer.ciphertext)
        return bytes(answer.ciphertext)

    def unwrap(self, wrapped: bytes) -> bytes:
        """Decrypt, with the version the DEK names, if it names one."""
        from azure.keyvault.keys.crypto import EncryptionAlgorithm

        named = _VERSIONED.fullmatch(wrapped)
        version, body = (named[1].decode(), named[2]) if named else (self.version, wrapped)
        algorithm = EncryptionAlgorithm.rsa_oaep_256
        return bytes(self._ask(lambda: self._client(version).decrypt(algorithm, body)).plaintext)

    def _client(self, version: str | None) -> CryptographyClient:
        from azure.keyvault.keys import KeyClient
        from azure.keyvault.keys.crypto import CryptographyClient

        client = self._clients.get(version or "")
        if client is None:
            checked = {**_ONCE, **options, "per_retry_policies": [_checking(self._egress)]}
            if version is None:
                newest = KeyClient(self.vault, self._credential, **checked).get_key(self.name)
                client = CryptographyClient(newest, self._credential, **checked)
            else:
                client = CryptographyClient(
                    f"{self.vault}/keys/{self.name}/{version}", self._credential, **checked
                )
            self._clients[version or ""] = client
        return client

    def _ask(self, call: Callable[[], T]) -> T:
        from azure.core.exceptions import AzureError

        try:
            return call()
        except AzureError as error:
            raise _worded(self.key_id, error) from None
        except ValueError:  # the SDK may encrypt and decrypt by itself where it has the key
            raise fatal(f"Azure key {self.key_id} does not open this DEK: another key wrapped it") from None


def _worded(key_id: str, error: Exception) -> BridgeError:
    from azure.core.exceptions import (
        ClientAuthenticationError,
        HttpResponseError,
        ResourceNotFoundError,
        ServiceRequestError,
        ServiceResponseError,
    )

    if isinstance(error, ResourceNotFoundError):
        return fatal(f"Azure Key Vault has no key {key_id}")
    if isinstance(error, ClientAuthenticationError):
        return fatal(
            f"Azure does not accept the credentials for {key_id}: tenant.id, client.id, client.secret"
        )
    if isinstance(error, HttpResponseError):
        status = error.status_code or 0
        if status == 429 or status >= 500:
            return retriable(f"Azure Key Vault does not answer for {key_id} now ({status})")
        if status == 403:
            return fatal(
                f"Azure refuses {key_id} (403): the keys' permissions encrypt and decrypt are needed"
            )
        return fatal(f"Azure refuses {key_id} ({status}): another key may have wrapped this DEK")
    if isinstance(error, ServiceRequestError | ServiceResponseError):
        return retriable(f"Azure Key Vault cannot be reached for {key_id} ({type(error).__name__})")
    return fatal(f"Azure Key Vault cannot be used for {key_id} ({type(error).__name__})")


def open_key(key_id: str, params: Params, egress: Egress = ANYWHERE) -> Azure:
    """Fatal for an id that is none."""
    parts = _ID.fullmatch(key_id.removeprefix("azure-kms://"))
    if parts is None:
        raise KeyIdError(
            f"{key_id} is no key of Azure: https://<vault>.vault.azure.net/keys/<name> is expected"
        )
    check_url(egress, parts[1])
    saves = params.get("encrypt.azure.key.version.save", "").lower() == "true"
    login = (credential or _credential)(params)
    version = parts[3].lower() if parts[3] else None
    return Azure(key_id, parts[1], parts[2], version, saves, login, egress)


def _checking(egress: Egress) -> SansIOHTTPPolicy[HttpRequest, HttpResponse]:
    """For the SDK: whatever it sends goes where it may go."""
    from azure.core.pipeline.policies import SansIOHTTPPolicy
    from azure.core.rest import HttpRequest, HttpResponse

    class Checking(SansIOHTTPPolicy[HttpRequest, HttpResponse]):
        def on_request(self, request: PipelineRequest[HttpRequest]) -> None:
            check_url(egress, request.http_request.url)

    return Checking()


def _credential(params: Params) -> TokenCredential:
    from azure.identity import ClientSecretCredential, DefaultAzureCredential

    tenant, client, secret = (params.get(name) for name in ("tenant.id", "client.id", "client.secret"))
    if tenant and client and secret:
        return ClientSecretCredential(tenant, client, secret, **_ONCE)
    return DefaultAzureCredential(**_TIMES)
