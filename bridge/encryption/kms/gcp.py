"""``gcp-kms``: Google Cloud KMS, Encrypt and Decrypt of a symmetric key, without additional authenticated data.

Key id: ``projects/…/locations/…/keyRings/…/cryptoKeys/<name>`` (``gcp-kms://`` before it is taken off). Parameters:
``client.id``, ``client.email``, ``private.key.id``, ``private.key`` of a service account; ``account.type`` (default
``service_account``); without them the application default credentials.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

from attrs import field, frozen

from bridge.config.egress import ANYWHERE, Egress
from bridge.encryption.kms import KeyIdError, Params, check_url
from bridge.errors import BridgeError, fatal, retriable
from bridge.waits import KMS

if TYPE_CHECKING:
    from google.cloud.kms_v1 import KeyManagementServiceClient

T = TypeVar("T")

client: Callable[[Params], KeyManagementServiceClient] | None = None
"""For tests: makes the SDK's client instead of one with credentials."""
_TOKENS: Final = "https://oauth2.googleapis.com/token"
_HOSTS: Final = ("https://cloudkms.googleapis.com", _TOKENS)
_PASSING: Final = (
    "Aborted",
    "DeadlineExceeded",
    "InternalServerError",
    "ResourceExhausted",
    "RetryError",
    "ServerError",
    "ServiceUnavailable",
    "TooManyRequests",
)


@frozen
class Gcp:
    """One key of Cloud KMS."""

    key_id: str
    name: str
    _client: KeyManagementServiceClient = field(repr=False)

    def wrap(self, material: bytes) -> bytes:
        """Encrypt."""
        request = {"name": self.name, "plaintext": material}
        return bytes(
            self._ask(
                lambda: self._client.encrypt(request=request, retry=None, timeout=KMS.longest)
            ).ciphertext
        )

    def unwrap(self, wrapped: bytes) -> bytes:
        """Decrypt; the service finds the version by itself."""
        name = self.name.partition("/cryptoKeyVersions/")[0]
        request = {"name": name, "ciphertext": wrapped}
        return bytes(
            self._ask(
                lambda: self._client.decrypt(request=request, retry=None, timeout=KMS.longest)
            ).plaintext
        )

    def _ask(self, call: Callable[[], T]) -> T:
        from google.api_core.exceptions import GoogleAPIError
        from google.auth.exceptions import GoogleAuthError

        try:
            return call()
        except (GoogleAPIError, GoogleAuthError) as error:
            raise _worded(self.key_id, error) from None


def _worded(key_id: str, error: Exception) -> BridgeError:
    from google.auth.exceptions import TransportError

    names = {kind.__name__ for kind in type(error).__mro__}
    if isinstance(error, TransportError) or not names.isdisjoint(_PASSING):
        return retriable(f"Google Cloud KMS does not answer for {key_id} now ({type(error).__name__})")
    if names & {"PermissionDenied", "Forbidden"}:
        return fatal(f"Google Cloud KMS refuses {key_id}: the role cryptoKeyEncrypterDecrypter is needed")
    if names & {"NotFound"}:
        return fatal(f"Google Cloud KMS has no key {key_id}")
    if names & {"InvalidArgument", "BadRequest"}:
        return fatal(f"Google Cloud KMS refuses {key_id}: another key may have wrapped this DEK")
    return fatal(f"Google Cloud KMS cannot be used for {key_id} ({type(error).__name__})")


def open_key(key_id: str, params: Params, egress: Egress = ANYWHERE) -> Gcp:
    """Fatal for an id that is none, and credentials that cannot be read."""
    name = key_id.removeprefix("gcp-kms://")
    if not name.startswith("projects/") or "/cryptoKeys/" not in name:
        raise KeyIdError(
            f"{key_id} is no key of Google Cloud KMS: projects/…/locations/…/keyRings/…/cryptoKeys/<name> is expected"
        )
    for url in _HOSTS:
        check_url(egress, url)
    try:
        return Gcp(key_id, name, (client or _client)(params))
    except (ValueError, OSError) as error:
        raise fatal(f"the credentials for {key_id} cannot be used ({type(error).__name__})") from None


def _client(params: Params) -> KeyManagementServiceClient:
    from google.auth.exceptions import GoogleAuthError
    from google.cloud.kms_v1 import KeyManagementServiceClient
    from google.oauth2.service_account import Credentials

    try:
        if not params.get("private.key"):
            return KeyManagementServiceClient()
        info = {
            "type": params.get("account.type", "service_account"),
            "client_id": params.get("client.id"),
            "client_email": params.get("client.email"),
            "private_key_id": params.get("private.key.id"),
            "private_key": params["private.key"].replace("\\n", "\n"),
            "token_uri": _TOKENS,
        }
        login = Credentials.from_service_account_info(info)  # type: ignore[no-untyped-call]  # google-auth gives it no types
        return KeyManagementServiceClient(credentials=login)
    except GoogleAuthError as error:
        raise ValueError(type(error).__name__) from None
