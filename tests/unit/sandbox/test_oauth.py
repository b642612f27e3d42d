"""The token endpoint: each grant, each refusal in OAuth's and Salesforce's words."""

import datetime
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from bridge.sandbox.org import Credentials, Org
from tests.support.sandbox_client import Client

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def signed_org(tmp_path: Path, key: rsa.RSAPrivateKey) -> Iterator[Org]:
    """Knows the certificate of ``key``."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bridge")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
    with Org(directory=tmp_path, credentials=Credentials(certificate=pem)) as org:
        yield org


def assertion(org: Org, key: Any, **changes: Any) -> dict[str, str]:
    claims = {
        "iss": org.credentials.client_id,
        "sub": org.credentials.username,
        "aud": "https://login.salesforce.com",
        "exp": int(time.time()) + 180,
        **changes,
    }
    claims = {name: value for name, value in claims.items() if value is not None}
    return {"grant_type": JWT_GRANT, "assertion": jwt.encode(claims, key, algorithm="RS256")}


def test_password(org: Org, client: Client) -> None:
    answer = client.login()
    assert set(answer) == {"access_token", "instance_url", "id", "token_type", "issued_at", "signature"}
    assert answer["instance_url"] == org.url
    assert answer["id"] == f"https://login.salesforce.com/id/{org.org_id}/{org.user_id}"
    assert answer["token_type"] == "Bearer"
    assert abs(int(answer["issued_at"]) / 1000 - time.time()) < 60
    assert answer["access_token"].startswith(org.org_id[:15] + "!")


@pytest.mark.parametrize(
    ("changes", "error", "description"),
    [
        ({"client_id": "x"}, "invalid_client_id", "client identifier invalid"),
        ({"client_secret": "x"}, "invalid_client", "invalid client credentials"),
        ({"username": "x"}, "invalid_grant", "authentication failure"),
        ({"password": "sandbox-password"}, "invalid_grant", "authentication failure"),
        ({"grant_type": "magic"}, "unsupported_grant_type", "grant type not supported"),
        ({"grant_type": ""}, "unsupported_grant_type", "grant type not supported"),
        (
            {"grant_type": "refresh_token", "refresh_token": "x"},
            "invalid_grant",
            "expired access/refresh token",
        ),
    ],
)
def test_refusals(client: Client, changes: dict[str, str], error: str, description: str) -> None:
    assert client.login(**changes) == {"error": error, "error_description": description}
    assert client.last
    assert client.last.status == 400


def test_client_credentials_and_refresh_token(org: Org, client: Client) -> None:
    known = org.credentials
    form = {"client_id": known.client_id, "client_secret": known.client_secret}
    answer = client.token({**form, "grant_type": "client_credentials"})
    assert answer["token_format"] == "opaque"
    answer = client.token({**form, "grant_type": "refresh_token", "refresh_token": known.refresh_token})
    assert "access_token" in answer


def test_jwt_bearer(signed_org: Org, key: rsa.RSAPrivateKey) -> None:
    client = Client(signed_org, login=False)
    for audience in ("https://login.salesforce.com", "https://test.salesforce.com", signed_org.url):
        assert "access_token" in client.token(assertion(signed_org, key, aud=audience))
    assert "access_token" in client.token(assertion(signed_org, key, exp=str(int(time.time()) + 100)))


@pytest.mark.parametrize(
    ("changes", "description"),
    [
        ({"exp": 1}, "expired authorization code"),
        ({"exp": 10**11}, "expired authorization code"),
        ({"exp": None}, "invalid assertion"),
        ({"aud": "https://example.com"}, "audience is invalid"),
        ({"sub": "nobody"}, "user hasn't approved this consumer"),
        ({"iss": "x"}, "client identifier invalid"),
    ],
)
def test_jwt_refusals(signed_org: Org, key: Any, changes: dict[str, Any], description: str) -> None:
    client = Client(signed_org, login=False)
    assert client.token(assertion(signed_org, key, **changes))["error_description"] == description


def test_a_jwt_of_another_key_is_refused(signed_org: Org) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    answer = Client(signed_org, login=False).token(assertion(signed_org, other))
    assert answer == {"error": "invalid_grant", "error_description": "invalid assertion"}
