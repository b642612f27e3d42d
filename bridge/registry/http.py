"""Requests to a schema registry: several addresses, credentials, time limits, retries.

Over ``urllib3`` and not the official ``SchemaRegistryClient``, because that costs 20 MB and up to a second
of import, and in the version that can be installed fails on schemas whose metadata has tags. Retried are 408,
429, 500, 502, 503, 504 and network errors, on the next address at once and then with growing, jittered waits,
until ``errors.retry.timeout`` is over. All connectors of a process share the connections to a registry.
Protocol: Schema Registry 8.3 REST API.
"""

from __future__ import annotations

import base64
import json
import socket
import ssl
import threading
from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit

import urllib3
from attrs import define, field, frozen

from bridge import calls, spans
from bridge.config.egress import ANYWHERE, Egress
from bridge.documents import LARGEST, Broken, Json, json_of
from bridge.errors import ConfigurationError, Fatal, Fault, Retriable, Stage
from bridge.errors.words import words
from bridge.retry import TIMEOUT, patiently
from bridge.trust.client import tls_context
from bridge.trust.pools import POOLS
from bridge.waits import REGISTRY, retry_after

_CONTENT: Final = "application/vnd.schemaregistry.v1+json"
_RETRIED: Final = frozenset({408, 429, 500, 502, 503, 504})
_IDLE: Final = 16  # connections to one registry that are kept open


class Refused(Exception):
    """The registry answered with an error that a retry would not change."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class NoRegistryError(Fatal):
    """The answer is no registry's: its body is not JSON."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message, stage=Stage.SCHEMA)
        self.status = status


@frozen
class Address:
    """One registry. ``shown`` is the URL without credentials."""

    scheme: str
    host: str
    port: int
    path: str
    shown: str
    user_info: str | None = field(default=None, repr=False)


class Caller(Protocol):
    """What answers for the registry: ``Http``, or what stands in for it."""

    def call(self, method: str, path: str, body: object = None) -> object:
        """As ``Http.call``."""


@define
class Http:
    """Calls one of several registries that are the same. Thread-safe."""

    addresses: tuple[Address, ...]
    headers: Mapping[str, str] = field(repr=False)
    tls: ssl.SSLContext | None = field(repr=False)
    retry_seconds: float = 300.0
    longest_wait: float = 60.0
    egress: Egress = ANYWHERE
    closed: threading.Event = field(factory=threading.Event, repr=False)
    _preferred: int = 0
    _is_one: bool = False
    """Whether that was looked at, because an answer was none of a registry's."""

    def call(self, method: str, path: str, body: object = None) -> Json:
        """The parsed answer, None for an empty one.

        Raises Refused, Fatal for what is no registry's answer, Retriable when the time is over.
        """
        try:
            return self._patiently(method, path, body)
        except Refused as refused:
            if refused.status == refused.code == 404 and not self._is_one:  # no code of a registry's
                self._look_what_it_is()
            raise

    def _patiently(self, method: str, path: str, body: object) -> Json:
        pause, longest = self.closed.wait, self.longest_wait
        attempt = partial(self._round, method, path, body)
        return patiently(attempt, seconds=self.retry_seconds, limit=TIMEOUT, pause=pause, longest=longest)[0]

    def _look_what_it_is(self) -> None:
        """NoRegistryError where the address is Kafka Connect's, which answers 404 to whatever a registry knows."""
        try:
            self._is_one = isinstance(self._patiently("GET", "/schemas/types", None), list)
            root = None if self._is_one else self._patiently("GET", "/", None)
        except Refused:
            try:
                root = self._patiently("GET", "/", None)
            except Refused:
                root = None
        if isinstance(root, dict) and {"version", "commit"} <= set(root):
            where = self.addresses[self._preferred].shown
            raise NoRegistryError(
                404,
                f"{where} is the REST API of Kafka Connect {words(root['version'])}, and no schema registry: correct "
                "schema.registry.url",
            )
        self._is_one = True

    def _round(self, method: str, path: str, body: object) -> tuple[Json]:
        """Each address once, beginning with the one that answered last. Raises Retriable where none answers."""
        failure = _Failure("", "was not asked")
        for offset in range(len(self.addresses)):
            index = (self._preferred + offset) % len(self.addresses)
            address = self.addresses[index]
            try:
                answer = self._once(address, method, path, body)
            except urllib3.exceptions.HTTPError as error:
                failure = _Failure(address.shown, _network(_reason(error), address))
            else:
                if not isinstance(answer, _Failure):
                    self._preferred = index
                    return answer
                failure = answer
        told = f"the schema registry {failure.where} {failure.reason}"
        raise Retriable(told, stage=Stage.SCHEMA, retry_after=failure.retry_after or None)

    def _once(self, address: Address, method: str, path: str, body: object) -> tuple[Json] | _Failure:
        self.egress.check(address.host, address.port, Stage.SCHEMA)
        headers = {"Accept": f"{_CONTENT}, application/json", **self.headers}
        if address.user_info is not None:
            headers.setdefault("Authorization", basic(address.user_info))
        data = None
        if body is not None:
            data = json.dumps(body, ensure_ascii=False).encode()
            headers |= {"Content-Type": _CONTENT, "Confluent-Accept-Unknown-Properties": "true"}
        facts = {"http.request.method": method, **spans.server(address.shown)}
        with calls.REGISTRY.timed(_operation(method, path), facts=facts) as call:
            pool = _connections(self.tls).connection_from_host(address.host, address.port, address.scheme)
            response = pool.urlopen(
                method,
                address.path + path,
                data,
                headers,
                retries=False,
                redirect=False,
                preload_content=False,
            )
            try:
                raw = response.read(LARGEST + 1)
            finally:
                response.release_conn()
            call.outcome, call.status = _outcome(response.status), response.status
        return _judge(address, response, raw)


@lru_cache(maxsize=8)
def _connections(tls: ssl.SSLContext | None) -> urllib3.PoolManager:
    """Open connections by host, for everything in this process that trusts the same."""
    manager = (
        urllib3.PoolManager(maxsize=_IDLE, timeout=REGISTRY.longest)
        if tls is None
        else urllib3.PoolManager(
            maxsize=_IDLE,
            timeout=REGISTRY.longest,
            ssl_context=tls,
            # Left to itself, urllib3 compares names even where the context is told not to.
            assert_hostname=None if tls.check_hostname else False,
        )
    )
    manager.pool_classes_by_scheme = POOLS
    return manager


@frozen
class _Failure:
    """Why an attempt may be repeated."""

    where: str
    reason: str
    retry_after: float = 0.0


def _operation(method: str, path: str) -> str:
    """What a request is for, as its metric calls it: one of few words, without names of subjects."""
    plain = path.partition("?")[0]
    if method == "POST" and plain.startswith("/subjects/") and plain.endswith("/versions"):
        return "register"
    return _OPERATIONS.get(plain.lstrip("/").partition("/")[0], "other")


_OPERATIONS: Final = {
    "subjects": "subject",
    "schemas": "schema",
    "compatibility": "compatibility",
    "config": "config",
    "dek-registry": "dek",
}


def _outcome(status: int) -> str:
    if status in _RETRIED or status >= 500:
        return calls.FAILED
    return calls.OK if 200 <= status < 300 else calls.REFUSED


def _reason(error: BaseException) -> BaseException:
    """What an exception of urllib3 is about: its cause, or the exception that it quotes last."""
    quoted = error.args[-1] if error.args and isinstance(error.args[-1], Exception) else None
    inner = error.__cause__ or quoted
    return error if inner is None else _reason(inner)


def _network(error: BaseException, address: Address) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        raise Fatal(
            f"the certificate of the schema registry {address.shown} is not trusted "
            f"({error.verify_message}); name its CA in schema.registry.ssl.truststore.location",
            stage=Stage.SCHEMA,
        ) from None
    if isinstance(error, socket.gaierror):
        return "cannot be found (unknown host name)"
    if isinstance(error, TimeoutError):
        return f"did not answer within {REGISTRY.longest:.0f} s"
    reason = getattr(error, "strerror", None) or type(error).__name__
    return f"is unreachable ({reason})"


def _judge(address: Address, response: urllib3.BaseHTTPResponse, raw: bytes) -> tuple[Json] | _Failure:
    status = response.status
    if status in _RETRIED:
        who = f"the schema registry {address.shown}"
        wait = retry_after(response.headers.get("Retry-After"), who) or 0.0
        return _Failure(address.shown, f"answered {status}", wait)
    if status in (204, 205):
        return (None,)
    parsed: Json = None
    broken: Broken | None = None
    try:
        parsed = json_of(raw)
    except Broken as error:
        broken = error
    if status == 401:
        raise Fatal(
            f"the schema registry {address.shown} refused the credentials (401); check "
            "value.converter.basic.auth.user.info or schema.registry.basic.auth.user.info",
            stage=Stage.SCHEMA,
        )
    if broken is not None:
        kind = response.headers.get("Content-Type", "nothing").split(";")[0]
        if raw and kind.endswith("json"):
            raise NoRegistryError(status, f"{address.shown} answered {status} with a document that {broken}")
        raise NoRegistryError(
            status,
            f"{address.shown} answered {status} with {kind} instead of JSON; is it the address of a schema "
            "registry (and not of a proxy or a web page)?",
        )
    if 200 <= status < 300:
        return (parsed,)
    document = parsed if isinstance(parsed, dict) else {}
    message = str(document.get("message") or response.reason)
    code = document.get("error_code")
    raise Refused(status, code if isinstance(code, int) else status, message)


def basic(user_info: str) -> str:
    """The Authorization header for ``user:password``."""
    return "Basic " + base64.b64encode(user_info.encode()).decode()


def http_of(
    settings: Mapping[str, str], *, retry_seconds: float, longest_wait: float, egress: Egress = ANYWHERE
) -> Http:
    """From settings without prefix, as ``config.registry_settings`` gives them. ConfigurationError."""
    addresses = tuple(_address(url.strip()) for url in settings.get("url", "").split(",") if url.strip())
    if not addresses:
        raise ConfigurationError([Fault("schema.registry.url", "is needed for this output format")])
    secure = any(a.scheme == "https" for a in addresses)
    return Http(
        addresses,
        _credentials(settings),
        tls_context(settings) if secure else None,
        retry_seconds,
        longest_wait,
        egress,
    )


def _address(url: str) -> Address:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError([Fault("schema.registry.url", "must be http:// or https:// and a host")])
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    shown = f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}{parts.path.rstrip('/')}"
    info = None
    if parts.username is not None:
        info = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return Address(parts.scheme, parts.hostname, port, parts.path.rstrip("/"), shown, info)


def _credentials(settings: Mapping[str, str]) -> dict[str, str]:
    bearer = settings.get("bearer.auth.credentials.source", "").upper()
    if bearer or settings.get("bearer.auth.token"):
        return _bearer(settings, bearer or "STATIC_TOKEN")
    source = settings.get("basic.auth.credentials.source", "").upper()
    info = settings.get("basic.auth.user.info")
    if source == "SASL_INHERIT":
        raise ConfigurationError(
            [
                Fault(
                    "basic.auth.credentials.source",
                    "SASL_INHERIT is not supported; use USER_INFO with basic.auth.user.info",
                )
            ]
        )
    if source == "USER_INFO" and not info:
        raise ConfigurationError(
            [Fault("basic.auth.user.info", "is needed, because the credentials' source is USER_INFO")]
        )
    return {"Authorization": basic(info)} if info else {}


def _bearer(settings: Mapping[str, str], source: str) -> dict[str, str]:
    token = settings.get("bearer.auth.token")
    if source != "STATIC_TOKEN":
        raise ConfigurationError(
            [
                Fault(
                    "bearer.auth.credentials.source",
                    f"{source} is not supported; use STATIC_TOKEN with bearer.auth.token",
                )
            ]
        )
    if not token:
        raise ConfigurationError([Fault("bearer.auth.token", "is needed for bearer authentication")])
    headers = {"Authorization": f"Bearer {token}"}
    for key, header in (
        ("bearer.auth.logical.cluster", "target-sr-cluster"),
        ("bearer.auth.identity.pool.id", "Confluent-Identity-Pool-Id"),
    ):
        if settings.get(key):
            headers[header] = settings[key]
    return headers
