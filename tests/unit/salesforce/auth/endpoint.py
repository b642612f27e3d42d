"""Replies of a token endpoint, and a connector that logs in there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bridge.config import config_of
from tests.support.web_server import Answer, Web

DATA = Path(__file__).parents[3] / "data" / "oauth"
SECRET_VALUES = {
    "salesforce.password": "pass-8431",
    "salesforce.password.token": "token-5512",
    "salesforce.consumer.key": "consumer-key-7710",
    "salesforce.consumer.secret": "consumer-secret-2266",
    "oauth.refresh.token": "refresh-token-9034",
    "salesforce.jwt.keystore.password": "confluent",
}
ACCESS = "00D5g000004XyZz!AccessToken.4711"


def reply(web: Web, **changes: Any) -> dict[str, Any]:
    """A token reply in the recorded shape."""
    document = {
        "access_token": ACCESS,
        "instance_url": web.url,
        "id": "https://login.salesforce.com/id/00D5g000004XyZzEAK/0055g00000Ab1cdAAA",
        "token_type": "Bearer",
        "issued_at": "1700000000123",
        "signature": "c2lnbmF0dXJl",
    }
    return {key: value for key, value in {**document, **changes}.items() if value is not None}


def connector(url: str, grant: str = "PASSWORD", **changes: str) -> Any:
    given = {
        "salesforce.grant.type": grant,
        "salesforce.instance": url,
        "salesforce.username": "bridge@example.com",
        "salesforce.auth.retries.time.ms": "0",
        **SECRET_VALUES,
        **{key.replace("__", "."): value for key, value in changes.items()},
    }
    if grant == "JWT_BEARER":
        given.setdefault("salesforce.jwt.keystore.path", str(DATA / "sample.p12"))
    return config_of({key: value for key, value in given.items() if value is not None})


def refusal(error: str, description: str = "", status: int = 400) -> Answer:
    return Answer({"error": error, "error_description": description}, status)
