"""Talking to a running worker's REST API from the command line."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from bridge.errors import BridgeError, ConfigurationError, Fatal, Fault, Stage
from bridge.waits import CLIENT

DEFAULT_URL: Final = "http://127.0.0.1:8083"
USER: Final = "SFBRIDGE_REST_USER"
URL: Final = "SFBRIDGE_URL"
_FAULTS: Final = re.compile(
    r"contains the following \d+ error\(s\):\n(.*)\nYou can also find the above list", re.DOTALL
)
"""Kafka Connect's words around the faults of a configuration, one a line."""
_FAULT: Final = re.compile(r"([\w.*-]+): (.+)")
CLOUD: Final = "/connect/v1/environments/-/clusters/-/connectors"


def add_url_option(parser: argparse.ArgumentParser, default: str | None = DEFAULT_URL) -> None:
    """``--url``; user and password from the URL or the environment. ``default``: where the environment names none."""
    told = f" (default: {URL}, else {default})" if default else ""
    default = usual_url(default) if default else None
    parser.add_argument(
        "--url",
        default=default,
        metavar="U",
        help=f"a worker's REST API{told}; user:password in the URL or in {USER}",
    )


def usual_url(otherwise: str = DEFAULT_URL) -> str:
    """The worker that is meant where none is named."""
    return os.environ.get(URL) or otherwise


def is_file(connector: str) -> bool:
    """Whether a word that stands for a connector means its file, there or not."""
    path = Path(connector)
    return path.exists() or path.suffix in (".json", ".properties") or path.name != connector


_OF_CONFIGURATION: Final = ("/config", "/config/validate")


class NotThere(Fatal):
    """The worker does not have what was asked for."""


class WorkerClient:
    """Requests to one worker. What it refuses becomes one sentence."""

    def __init__(self, url: str, timeout: float = CLIENT.longest) -> None:
        from requests.auth import HTTPBasicAuth

        from bridge.api.trust import session

        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigurationError([Fault("--url", "is no URL beginning with http:// or https://", url)])
        self._session = session()
        user = os.environ.get(USER, "")
        if parts.username is not None:
            user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        if user:
            name, _, password = user.partition(":")
            self._session.auth = HTTPBasicAuth(name.encode(), password.encode())
        self.base = urlunsplit(
            (parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", "")
        )
        self._timeout = timeout

    def ask(self, method: str, path: str, body: Any = None, timeout: float | None = None) -> Any:
        """The answer's JSON, None without a body. Raises Fatal with the worker's own sentence, ConfigurationError with
        every fault of a configuration that was sent."""
        answer = self._request(method, path, body, timeout)
        if not answer.content:
            return None
        try:
            return answer.json()
        except ValueError as error:
            raise Fatal(f"{self.base} does not answer with JSON", stage=Stage.CONFIGURATION) from error

    def _request(self, method: str, path: str, body: Any, timeout: float | None) -> Any:
        import requests

        try:
            answer = self._session.request(
                method, self.base + path, json=body, timeout=timeout or self._timeout, allow_redirects=False
            )
        except requests.RequestException as error:
            reason = "does not answer in time" if isinstance(error, requests.Timeout) else "cannot be reached"
            raise Fatal(
                f"the worker at {self.base} {reason}: start one with 'sfbridge worker', or give --url",
                stage=Stage.CONFIGURATION,
            ) from error
        if answer.status_code >= 400:
            raise _refusal(answer, is_configuration=path == "/connectors" or path.endswith(_OF_CONFIGURATION))
        return answer

    def answers(self) -> bool:
        """Whether a worker of ours is there right now."""
        try:
            health = self.ask("GET", "/health", timeout=2.0)
        except Fatal:
            return False
        return isinstance(health, dict) and "status" in health


def _refusal(answer: Any, *, is_configuration: bool) -> BridgeError:
    try:
        document = answer.json()
        message = str(document.get("message") or document["error"]["message"])
    except (ValueError, KeyError, TypeError, AttributeError):
        message = answer.reason
    sentence = f"the worker answers {answer.status_code}: {message}"
    if answer.status_code == 400 and (faults := _FAULTS.search(message)):
        return ConfigurationError([_fault(line) for line in faults[1].splitlines()])
    if answer.status_code == 400 and is_configuration:
        return ConfigurationError([Fault("", sentence)])
    return (NotThere if answer.status_code == 404 else Fatal)(sentence, stage=Stage.CONFIGURATION)


def _fault(line: str) -> Fault:
    """A line of the worker's, which may begin with a property's name."""
    match = _FAULT.fullmatch(line)
    return Fault("", line) if match is None else Fault(match[1], match[2])


def path_of(connector: str, *rest: str) -> str:
    """``/connectors/<name>/…``, the name quoted."""
    return "/".join(["/connectors", quote(connector, safe=""), *rest])


def cloud_path(connector: str, *rest: str) -> str:
    """The same in the cloud-style API."""
    return "/".join([CLOUD, quote(connector, safe=""), *rest])
