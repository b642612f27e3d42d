"""Keys for a service account, made through Confluent Cloud's IAM API when a connector starts.

They are never stored: their display name holds group and connector, those of that name that are older are
deleted, and a process that restarts makes new ones.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from bridge.config.checks import is_loopback
from bridge.config.config import Config, Loaded
from bridge.errors import BridgeError, ConfigurationError, Fatal, Fault, Retriable, Stage
from bridge.kafka.cluster import Cluster
from bridge.kafka.settings import admin_settings
from bridge.log import for_connector, register_secrets

MODE: Final = "kafka.auth.mode"
PATIENCE: Final = 120.0  # seconds until a new key must be accepted
_TIMEOUT: Final = 30.0
_INFO: Final = "value.converter.basic.auth.user.info"
_SOURCE: Final = "value.converter.basic.auth.credentials.source"

_made: dict[tuple[str, ...], tuple[str, str]] = {}
_lock = threading.Lock()


def with_keys(loaded: Loaded, purpose: str = "", *, stopped: Callable[[], bool] = lambda: False) -> Loaded:
    """The configuration with keys for its service accounts; as it is where it needs none.

    ``purpose`` tells apart keys that are made beside a running connector's. Raises Fatal when the cloud refuses,
    Retriable when it does not answer.
    """
    connector, worker = loaded.connector, loaded.worker
    if connector.get(MODE) != "SERVICE_ACCOUNT":
        return loaded
    label = " ".join(["sfbridge", f"{worker['group.id']}/{connector.name}", *([purpose] if purpose else [])])
    iam = _Iam(worker)
    added: dict[str, str] = {}
    account = connector["kafka.service.account.id"]
    key, secret, fresh = _keys(iam, label, account, worker["bridge.cloud.kafka.cluster.id"])
    added |= {"kafka.api.key": key, "kafka.api.secret": secret}
    reader = connector.get("sr.service.account.id")
    if reader:
        user, password, _ = _keys(iam, label, reader, worker["bridge.cloud.schema.registry.id"])
        added |= {_SOURCE: "USER_INFO", _INFO: f"{user}:{password}"}
        register_secrets([password])
    register_secrets([secret])
    completed = Loaded(_with(connector, added), worker, loaded.notices)
    if fresh:
        _wait_until_accepted(completed, stopped)
    return completed


def _with(config: Config, added: Mapping[str, str]) -> Config:
    values = {**config, **added}
    raw = {**config.raw(), **added}
    secrets = config.secrets | frozenset(added.values())
    return Config(values, raw, config.name, secrets, config.resolved, config.origin)


def _keys(iam: _Iam, label: str, account: str, resource: str) -> tuple[str, str, bool]:
    """Key, secret, and whether they have just been made: this process's own are used again."""
    which = (iam.endpoint, label, account, resource)
    with _lock:
        known = _made.get(which)
        if known is not None:
            return *known, False
        older = iam.keys(label, account, resource)
        made = iam.create(label, account, resource)
        for one in older:
            iam.delete(one)
        _made[which] = made
        return *made, True


class _Iam:
    """The few calls of the IAM API that are needed."""

    def __init__(self, worker: Config) -> None:
        self.endpoint = str(worker["confluent.cloud.endpoint"]).rstrip("/")
        parts = urlsplit(self.endpoint)
        if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
            raise ConfigurationError(
                [Fault("confluent.cloud.endpoint", "must begin with https://", self.endpoint)]
            )
        self._login = (worker["confluent.cloud.api.key"], worker["confluent.cloud.api.secret"])

    def keys(self, label: str, account: str, resource: str) -> list[str]:
        """The ids of the keys of that name."""
        found: list[str] = []
        query: dict[str, str] | None = {"spec.owner": account, "spec.resource": resource, "page_size": "100"}
        address = f"{self.endpoint}/iam/v2/api-keys"
        while address:
            answer = self._ask("GET", address, params=query)
            found += [one["id"] for one in answer.get("data") or () if _name(one) == label]
            following = str((answer.get("metadata") or {}).get("next") or "")
            # The login goes to no other address than the one that was configured.
            address = following if following.startswith(f"{self.endpoint}/") else ""
            query = None
        return found

    def create(self, label: str, account: str, resource: str) -> tuple[str, str]:
        """A new key and its secret."""
        spec = {"display_name": label, "owner": {"id": account}, "resource": {"id": resource}}
        answer = self._ask("POST", f"{self.endpoint}/iam/v2/api-keys", json={"spec": spec})
        try:
            return str(answer["id"]), str(answer["spec"]["secret"])
        except (KeyError, TypeError):
            raise Fatal(f"{self.endpoint} made a key without a secret", stage=Stage.CONFIGURATION) from None

    def delete(self, key: str) -> None:
        """Gone is as good as deleted."""
        self._ask("DELETE", f"{self.endpoint}/iam/v2/api-keys/{key}", fine=(404,))

    def _ask(self, method: str, address: str, fine: tuple[int, ...] = (), **more: Any) -> dict[str, Any]:
        import requests

        try:
            answer = requests.request(
                method, address, auth=self._login, timeout=_TIMEOUT, allow_redirects=False, **more
            )
        except requests.RequestException as error:
            reason = type(error).__name__
            raise Retriable(
                f"{self.endpoint} does not answer ({reason}); keys for the service account come from there",
                stage=Stage.CONFIGURATION,
            ) from error
        if answer.status_code == 429 or answer.status_code >= 500:
            raise Retriable(f"{self.endpoint} answers {answer.status_code}", stage=Stage.CONFIGURATION)
        if answer.status_code >= 300 and answer.status_code not in fine:
            raise Fatal(
                f"{self.endpoint} refuses to make keys for the service account ({answer.status_code}): check "
                "confluent.cloud.api.key, kafka.service.account.id and bridge.cloud.kafka.cluster.id, or use "
                "KAFKA_API_KEY",
                stage=Stage.CONFIGURATION,
            )
        try:
            return dict(answer.json()) if answer.content else {}
        except ValueError:
            return {}


def _name(key: Mapping[str, Any]) -> str:
    return str((key.get("spec") or {}).get("display_name") or "")


def _wait_until_accepted(loaded: Loaded, stopped: Callable[[], bool]) -> None:
    """A new key takes some time to be known everywhere."""

    until = time.monotonic() + PATIENCE
    while True:
        try:
            Cluster(admin_settings(loaded), stopped=lambda: True).brokers()
            return
        except BridgeError as error:
            if stopped() or time.monotonic() > until:
                raise
            for_connector(loaded.connector.name).info("waiting until the new key is known: %s", error.message)
            time.sleep(1)
