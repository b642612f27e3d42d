"""Keys for service accounts, made through Confluent Cloud's IAM API when a connector starts.

They are never stored: their display name says what for, and a process that restarts makes new ones.

=====================================  ======================================================================
``sfbridge G/C``                       the connector's own; only the holder of its lease makes one, which
                                       deletes those of that name that are older. Deleted when ``run`` ends.
``sfbridge G/C lease HOST-SLOT``       of one process that runs C or stands by, for the lease alone; older
                                       ones are of processes that are gone. Deleted when the lease is given back.
``sfbridge G/C validate HOST-PID``     for one look. Deleted after it; those that a killed process left behind
``sfbridge G/C offsets HOST-PID``      are deleted by a later look, an hour after they were made.
``sfbridge G/C letters HOST-PID``      The same with ``preview``, ``records`` and ``consume``.
=====================================  ======================================================================
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from bridge.addresses import is_loopback
from bridge.config.config import Config, Loaded
from bridge.config.service_accounts import ACCOUNT, CLUSTER, MODE, READER, REGISTRY, no_key_for_reader
from bridge.deadline import Interrupted, ended_by
from bridge.errors import BridgeError, ConfigurationError, Fatal, Fault, Retriable, Stage
from bridge.kafka.cluster import Cluster
from bridge.kafka.committed import never
from bridge.kafka.settings import admin_settings, is_placeholder, uses_api_key
from bridge.log import for_connector, register_secrets
from bridge.turns import Turns
from bridge.waits import CLOUD, NEW_KEY

LOOKS: Final = ("validate", "offsets", "letters", "preview", "records", "consume")
_INFO: Final = "value.converter.basic.auth.user.info"
_SOURCE: Final = "value.converter.basic.auth.credentials.source"

_ABANDONED: Final = 3600.0
"""Seconds after which a key that was made for a look is nobody's any more."""

_made: dict[tuple[str, ...], tuple[str, str]] = {}
_lookers: Counter[tuple[str, ...]] = Counter()
_lock = threading.Lock()
_MAKING: Final = Turns("make that key", longest=float("inf"), most=1)


def with_keys(
    loaded: Loaded,
    purpose: str = "",
    *,
    registry: bool = True,
    stopped: Callable[[], bool] = never,
) -> Loaded:
    """The configuration with keys for its service accounts; as it is where it needs none.

    ``purpose`` tells apart keys that are made beside a running connector's; ``registry``: whether schemas are asked
    for, too. Raises Fatal when the cloud refuses, Retriable when it does not answer, or it is ``stopped`` before.
    """
    connector, worker = loaded.connector, loaded.worker
    label, added, fresh = _label(loaded, purpose), dict[str, str](), False
    account, reader = _accounts(loaded)
    if account:
        iam = _Iam(worker, f"{ACCOUNT} and {CLUSTER}, or use KAFKA_API_KEY", stopped)
        key, secret, fresh = _keys(iam, label, account, worker[CLUSTER])
        added |= {"kafka.api.key": key, "kafka.api.secret": secret}
        register_secrets([secret])
    if reader and registry:
        iam = _Iam(worker, f"{READER} and {REGISTRY}", stopped)
        user, password, _ = _keys(iam, label, reader, worker[REGISTRY])
        added |= {_SOURCE: "USER_INFO", _INFO: f"{user}:{password}"}
        register_secrets([password])
    if not added:
        return loaded
    completed = Loaded(_with(connector, added), worker, loaded.notices)
    if fresh:
        _wait_until_accepted(completed, stopped)
    return completed


def _accounts(loaded: Loaded) -> tuple[str | None, str | None]:
    """For whom keys are made: for Kafka, and for the schema registry. One that nobody would use is not made."""
    connector, worker = loaded.connector, loaded.worker
    of_kafka = connector.get(MODE) == "SERVICE_ACCOUNT" and uses_api_key(loaded)
    account, reader = connector.get(ACCOUNT) if of_kafka else None, connector.get(READER)
    if (
        reader
        and no_key_for_reader(connector, connector.raw(), connector.origin, worker, worker.raw()) is not None
    ):
        reader = None
    return account, reader


def accounts(loaded: Loaded) -> list[str]:
    """The service accounts that keys are made for."""
    return [account for account in dict.fromkeys(_accounts(loaded)) if account]


def needs_keys(loaded: Loaded) -> bool:
    """Whether Kafka can be asked with made keys only: a worker that has a login of its own uses that."""
    return loaded.connector.get(MODE) == "SERVICE_ACCOUNT" and is_placeholder(admin_settings(loaded))


def drop_keys(loaded: Loaded, purpose: str = "") -> list[str]:
    """Delete the keys that this process made for a purpose. In words what stays, because the cloud keeps it."""
    label, stays = _label(loaded, purpose), []
    with _lock:
        mine = [(which, key) for which, (key, _) in _made.items() if which[1] == label]
    for which, key in mine:
        try:
            _Iam(loaded.worker).delete(key)
        except BridgeError as error:
            stays.append(f"the API key {key} ({label}) of {which[2]} stays: {error.message}")
        with _lock:
            _made.pop(which, None)
    return stays


def kept(loaded: Loaded) -> list[str]:
    """The keys that this process made for a connector and has not deleted, in words."""
    with _lock:
        mine = [(which, key) for which, (key, _) in _made.items() if _belongs(which[1], loaded)]
    return [
        f"the API key {key} ({which[1]}) of {which[2]} stays; the next start deletes it"
        for which, key in mine
    ]


@contextmanager
def looking(
    loaded: Loaded, purpose: str, say: Callable[[str], None], *, registry: bool = True
) -> Iterator[Loaded]:
    """Keys for a look, deleted after it; ``say`` is told what stays. Raises as :func:`with_keys`."""
    if not accounts(loaded):
        yield loaded
        return
    purpose = f"{purpose} {socket.gethostname()}-{os.getpid()}"
    which = (_label(loaded, purpose),)
    with _lock:
        _lookers[which] += 1
    try:
        yield with_keys(loaded, purpose, registry=registry)
    finally:
        with _lock:
            _lookers[which] -= 1
            last = not _lookers[which]
        for text in drop_keys(loaded, purpose) if last else ():
            say(text)


def _label(loaded: Loaded, purpose: str) -> str:
    name = f"sfbridge {loaded.worker['group.id']}/{loaded.connector.name}"
    return f"{name} {purpose}" if purpose else name


def _belongs(label: str, loaded: Loaded) -> bool:
    return f"{label} ".startswith(f"{_label(loaded, '')} ")


def _with(config: Config, added: Mapping[str, str]) -> Config:
    values = {**config, **added}
    raw = {**config.raw(), **added}
    secrets = config.secrets | frozenset(added.values())
    return Config(values, raw, config.name, secrets, config.resolved, config.origin, config.egress)


def _keys(iam: _Iam, label: str, account: str, resource: str) -> tuple[str, str, bool]:
    """Key, secret, and whether they have just been made: this process's own are used again."""
    which = (iam.endpoint, label, account, resource)
    with _MAKING.turn(which, iam.stopped):
        with _lock:
            minted = _made.get(which)
        if minted is not None:
            return *minted, False
        older = iam.keys(label, account, resource)
        pair = iam.create(label, account, resource)
        for one in older:
            iam.delete(one)
        with _lock:
            _made[which] = pair
        return *pair, True


class _Iam:
    """The few calls of the IAM API that are needed. None begins once it is ``stopped``, which ends a question, too, but
    nothing that changes something: a key would be made that nobody knows of."""

    def __init__(self, worker: Config, checked: str = "", stopped: Callable[[], bool] = never) -> None:
        self.stopped = stopped
        self._checked = checked or f"{ACCOUNT} and {READER}"
        self.endpoint = str(worker["confluent.cloud.endpoint"]).rstrip("/")
        parts = urlsplit(self.endpoint)
        if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
            raise ConfigurationError(
                [Fault("confluent.cloud.endpoint", "must begin with https://", self.endpoint)]
            )
        self._login = (worker["confluent.cloud.api.key"], worker["confluent.cloud.api.secret"])

    def keys(self, label: str, account: str, resource: str) -> list[str]:
        """The ids of the keys of that name; where it is one for a look, also of those that others have left behind."""
        ids: list[str] = []
        query: dict[str, str] | None = {"spec.owner": account, "spec.resource": resource, "page_size": "100"}
        address = f"{self.endpoint}/iam/v2/api-keys"
        while address:
            answer = self._ask("GET", address, params=query)
            ids += [
                one["id"]
                for one in answer.get("data") or ()
                if _name(one) == label or _is_abandoned(one, label)
            ]
            following = str((answer.get("metadata") or {}).get("next") or "")
            # The login goes to no other address than the one that was configured.
            address = following if following.startswith(f"{self.endpoint}/") else ""
            query = None
        return ids

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

        # here: it brings requests along
        from bridge.trust.in_time import session_in_time

        try:
            if self.stopped() and method != "DELETE":
                raise Interrupted
            with session_in_time() as session, ended_by(self.stopped if method == "GET" else never):
                answer = session.request(
                    method, address, auth=self._login, timeout=CLOUD.longest, allow_redirects=False, **more
                )
        except Interrupted:
            raise Retriable(
                f"{self.endpoint} is not asked for keys any more, because the connector stops",
                stage=Stage.CONFIGURATION,
            ) from None
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
                f"confluent.cloud.api.key, {self._checked}",
                stage=Stage.CONFIGURATION,
            )
        try:
            return dict(answer.json()) if answer.content else {}
        except ValueError:
            return {}


def _is_abandoned(key: Mapping[str, Any], label: str) -> bool:
    """Whether a key was made for such a look, by a process that is gone."""
    look = next((f" {word} " for word in LOOKS if f" {word} " in label), None)
    if look is None or not _name(key).startswith(label.partition(look)[0] + look):
        return False
    try:
        created = datetime.fromisoformat(str((key.get("metadata") or {}).get("created_at")))
    except ValueError:
        return False
    return datetime.now(UTC) - (created if created.tzinfo else created.replace(tzinfo=UTC)) > timedelta(
        seconds=_ABANDONED
    )


def _name(key: Mapping[str, Any]) -> str:
    return str((key.get("spec") or {}).get("display_name") or "")


def _wait_until_accepted(loaded: Loaded, stopped: Callable[[], bool]) -> None:
    """A new key takes some time to be known everywhere."""
    until = time.monotonic() + NEW_KEY.longest
    while True:
        try:
            with Cluster(admin_settings(loaded), stopped=lambda: True) as cluster:
                cluster.brokers()
            return
        except BridgeError as error:
            if stopped() or time.monotonic() > until:
                raise
            for_connector(loaded.connector.name).info("waiting until the new key is known: %s", error.message)
            time.sleep(1)
