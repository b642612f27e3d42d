"""``/services/oauth2/token``: the grants of a connected app, their errors, and the tokens that are valid.

Grants: password, JWT bearer, client credentials, refresh token. Errors are Salesforce's own words:
HTTP 400 with ``error`` and ``error_description``.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from typing import Any, Final
from urllib.parse import parse_qsl

import jwt
from attrs import frozen
from cryptography import x509
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from bridge.sandbox.org import faults as at
from bridge.sandbox.org.broken import PAGE
from bridge.sandbox.org.faults import Faults

JWT_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCES: Final = ("https://login.salesforce.com", "https://test.salesforce.com")
_JWT_LIFETIME = 300


@frozen
class Credentials:
    """What the simulated org accepts. Without a ``certificate`` (PEM) a JWT's signature is not checked."""

    username: str = "bridge@example.com"
    password: str = "sandbox-password"  # noqa: S105 - a simulator's
    security_token: str = "sandboxtoken"  # noqa: S105
    client_id: str = "sandbox-consumer-key"
    client_secret: str = "sandbox-consumer-secret"  # noqa: S105
    refresh_token: str = "sandbox-refresh-token"  # noqa: S105
    certificate: str | None = None


class Refused(Exception):
    """A refused token request: OAuth's error code and Salesforce's description."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description


class Tokens:
    """The access tokens that are valid now. Sets are replaced, not changed, so any thread may ask."""

    def __init__(self) -> None:
        self._valid: frozenset[str] = frozenset()
        self.issued = 0

    def issue(self, org_id: str) -> str:
        """A new token; it begins with the org id as real ones do."""
        token = f"{org_id[:15]}!{secrets.token_urlsafe(48)}"
        self._valid |= {token}
        self.issued += 1
        return token

    def valid(self, authorization: str) -> bool:
        """Whether an ``Authorization`` header (Bearer or OAuth) carries a valid token."""
        scheme, _, token = authorization.partition(" ")
        return scheme in ("Bearer", "OAuth") and token in self._valid

    def revoke_all(self) -> None:
        """End every token."""
        self._valid = frozenset()


class TokenEndpoint:
    """The endpoint."""

    def __init__(self, credentials: Credentials, tokens: Tokens, faults: Faults) -> None:
        self.credentials = credentials
        self.org_id = ""
        self.user_id = ""
        self.url = ""
        self._tokens = tokens
        self._faults = faults
        self.refused = 0

    async def answer(self, request: Request) -> Response:
        """Answer a token request."""
        fault = self._faults.take(at.LOGIN)
        if fault and fault.kind == "login_busy":
            return HTMLResponse(PAGE, status_code=503)
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))
        try:
            if fault:
                raise Refused("invalid_grant", "authentication failure")
            grant = self._check(form)
        except Refused as refused:
            self.refused += 1
            answer = {"error": refused.error, "error_description": refused.description}
            return JSONResponse(answer, status_code=400)
        return JSONResponse(self._granted(grant))

    def _check(self, form: dict[str, str]) -> str:
        grant = form.get("grant_type", "")
        if grant == JWT_GRANT:
            self._check_assertion(form.get("assertion", ""))
            return grant
        if grant not in ("password", "client_credentials", "refresh_token"):
            raise Refused("unsupported_grant_type", "grant type not supported")
        credentials = self.credentials
        if form.get("client_id") != credentials.client_id:
            raise Refused("invalid_client_id", "client identifier invalid")
        if form.get("client_secret") != credentials.client_secret:
            raise Refused("invalid_client", "invalid client credentials")
        if grant == "password":
            secret = credentials.password + credentials.security_token
            if (form.get("username"), form.get("password")) != (credentials.username, secret):
                raise Refused("invalid_grant", "authentication failure")
        if grant == "refresh_token" and form.get("refresh_token") != credentials.refresh_token:
            raise Refused("invalid_grant", "expired access/refresh token")
        return grant

    def _check_assertion(self, assertion: str) -> None:
        credentials = self.credentials
        try:
            claims = self._claims(assertion)
            lifetime = int(claims["exp"]) - time.time()
        except (jwt.PyJWTError, KeyError, ValueError, TypeError):
            raise Refused("invalid_grant", "invalid assertion") from None
        if claims.get("iss") != credentials.client_id:
            raise Refused("invalid_client_id", "client identifier invalid")
        if claims.get("aud") not in (*AUDIENCES, self.url):
            raise Refused("invalid_grant", "audience is invalid")
        if not 0 < lifetime <= _JWT_LIFETIME:
            raise Refused("invalid_grant", "expired authorization code")
        if claims.get("sub") != credentials.username:
            raise Refused("invalid_grant", "user hasn't approved this consumer")

    def _claims(self, assertion: str) -> dict[str, Any]:
        checks = {"verify_exp": False, "verify_aud": False, "verify_iat": False}
        if self.credentials.certificate is None:
            options = {**checks, "verify_signature": False}
            return jwt.decode(assertion, options=options, algorithms=["RS256"])  # type: ignore[arg-type]
        certificate = x509.load_pem_x509_certificate(self.credentials.certificate.encode())
        key: Any = certificate.public_key()
        return jwt.decode(assertion, key, algorithms=["RS256"], options=checks)  # type: ignore[arg-type]

    def _granted(self, grant: str) -> dict[str, str]:
        identity = f"https://login.salesforce.com/id/{self.org_id}/{self.user_id}"
        issued = str(int(time.time() * 1000))
        digest = hashlib.sha256((identity + issued).encode()).digest()
        answer = {
            "access_token": self._tokens.issue(self.org_id),
            "instance_url": self.url,
            "id": identity,
            "token_type": "Bearer",
            "issued_at": issued,
            "signature": base64.b64encode(digest).decode(),
        }
        if grant != "password":
            answer["scope"] = "api refresh_token"
        if grant == "client_credentials":
            answer["token_format"] = "opaque"  # noqa: S105
        return answer
