"""``hcvault``: HashiCorp Vault's transit engine; the wrapped DEK is its ASCII ciphertext (``vault:v1:…``).

Key id: ``http(s)://host[:port]/<mount>/keys/<name>`` (``hcvault://`` before it is taken off). Parameters:
``token.id`` (VAULT_TOKEN), or ``approle.role.id`` and ``approle.secret.id`` (VAULT_APP_ROLE_ID,
VAULT_APP_ROLE_SECRET_ID); ``namespace`` (VAULT_NAMESPACE); ``ssl.truststore.location`` (a PEM file of CAs,
VAULT_CACERT), ``ssl.keystore.location`` and ``ssl.key.location`` (PEM) for a client certificate.
Requests: Vault HTTP API, ``/v1/<mount>/encrypt|decrypt/<name>``.
"""

from __future__ import annotations

import base64
import os
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from attrs import define, field

from bridge.config.egress import ANYWHERE, Egress
from bridge.encryption.kms import KeyIdError, Params, check_url
from bridge.errors import BridgeError, fatal, retriable
from bridge.waits import KMS

if TYPE_CHECKING:
    import hvac
    from requests import PreparedRequest, Response

T = TypeVar("T")


@define
class Vault:
    """One key of a transit engine. A token that expired is renewed once by AppRole."""

    key_id: str
    mount: str
    name: str
    _client: hvac.Client = field(repr=False)
    _login: Callable[[], None] | None = field(default=None, repr=False)
    _lock: threading.Lock = field(factory=threading.Lock, repr=False)

    def wrap(self, material: bytes) -> bytes:
        """Encrypt."""
        plain = base64.b64encode(material).decode()
        answer = self._ask(
            lambda: self._client.secrets.transit.encrypt_data(self.name, plain, mount_point=self.mount)
        )
        return str(answer["data"]["ciphertext"]).encode()

    def unwrap(self, wrapped: bytes) -> bytes:
        """Decrypt."""
        try:
            text = wrapped.decode("ascii")
        except UnicodeDecodeError:
            raise fatal(
                f"Vault key {self.key_id} does not open this DEK: it is no ciphertext of Vault"
            ) from None
        answer = self._ask(
            lambda: self._client.secrets.transit.decrypt_data(self.name, text, mount_point=self.mount)
        )
        return base64.b64decode(answer["data"]["plaintext"])

    def _ask(self, call: Callable[[], T]) -> T:
        from hvac.exceptions import Forbidden, VaultError
        from requests.exceptions import RequestException

        try:
            try:
                return call()
            except Forbidden:
                if self._login is None:
                    raise
                with self._lock:
                    self._login()
                return call()
        except (VaultError, RequestException) as error:
            raise _worded(self.key_id, error) from None


def _worded(key_id: str, error: Exception) -> BridgeError:
    from hvac.exceptions import (
        BadGateway,
        Forbidden,
        InternalServerError,
        InvalidPath,
        RateLimitExceeded,
        Unauthorized,
        VaultDown,
    )
    from requests.exceptions import RequestException, SSLError

    if isinstance(error, SSLError):
        return fatal(
            f"the certificate of Vault for {key_id} is not trusted; name its CA in ssl.truststore.location"
        )
    if isinstance(error, RequestException):
        return retriable(f"Vault cannot be reached for {key_id} ({type(error).__name__})")
    if isinstance(error, BadGateway | InternalServerError | RateLimitExceeded | VaultDown):
        return retriable(f"Vault does not answer for {key_id} now ({type(error).__name__})")
    if isinstance(error, Forbidden | Unauthorized):
        return fatal(
            f"Vault refuses {key_id}: the token, or its policy, does not allow encrypt and decrypt there"
        )
    if isinstance(error, InvalidPath):
        return fatal(f"Vault has no key {key_id}, or no transit engine there")
    return fatal(f"Vault refuses {key_id} ({type(error).__name__}): another key may have wrapped this DEK")


def _check_all(client: hvac.Client, egress: Egress) -> None:
    """For the SDK: whatever it sends, where Vault redirects it included, goes where it may go."""
    from requests.adapters import HTTPAdapter

    class Checking(HTTPAdapter):
        def send(
            self,
            request: PreparedRequest,
            stream: bool = False,
            timeout: float | tuple[float, float] | tuple[float, None] | None = None,
            verify: bool | str = True,
            cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
            proxies: Mapping[str, str] | None = None,
        ) -> Response:
            check_url(egress, str(request.url))
            return super().send(request, stream, timeout, verify, cert, proxies)

    for scheme in ("https://", "http://"):
        client.session.mount(scheme, Checking())


def open_key(key_id: str, params: Params, egress: Egress = ANYWHERE) -> Vault:
    """Fatal for an id that is none, and without credentials."""
    import hvac

    url = urlsplit(key_id.removeprefix("hcvault://"))
    parts = url.path.strip("/").split("/")
    if url.scheme not in ("http", "https") or not url.netloc or len(parts) < 3 or parts[-2] != "keys":
        raise KeyIdError(f"{key_id} is no key of Vault: https://host:8200/transit/keys/<name> is expected")

    def given(name: str, variable: str) -> str | None:
        return params.get(name) or os.environ.get(variable)

    token = given("token.id", "VAULT_TOKEN")
    role = given("approle.role.id", "VAULT_APP_ROLE_ID")
    secret = given("approle.secret.id", "VAULT_APP_ROLE_SECRET_ID")
    if not token and not (role and secret):
        raise fatal(
            f"Vault key {key_id} needs credentials: rule.executors._default_.param.token.id, or approle.role.id and "
            "approle.secret.id"
        )
    certificate = params.get("ssl.keystore.location"), params.get("ssl.key.location")
    client = hvac.Client(
        url=f"{url.scheme}://{url.netloc}",
        token=token,
        namespace=given("namespace", "VAULT_NAMESPACE"),
        verify=given("ssl.truststore.location", "VAULT_CACERT") or True,
        cert=certificate if certificate[0] and certificate[1] else None,
        timeout=KMS.longest,
    )
    _check_all(client, egress)
    login = None
    if not token:

        def login_again() -> None:
            client.auth.approle.login(role_id=role, secret_id=secret)

        login = login_again
    key = Vault(key_id, "/".join(parts[:-2]), parts[-1], client, login)
    if login is not None:
        from hvac.exceptions import VaultError
        from requests.exceptions import RequestException

        try:
            login()
        except (VaultError, RequestException) as error:
            raise _worded(key_id, error) from None
    return key
