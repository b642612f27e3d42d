"""One request to the REST API, for a session that we have; what goes wrong is ours in one sentence.

By ``requests`` alone: the package that wraps it for Salesforce brings a SOAP client along, which costs a sixth of the
time of a start and 20 MB, and it writes ``https://`` before every host, where a simulator may speak plain http.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import requests

from bridge.deadline import Interrupted
from bridge.errors import Retriable, Stage
from bridge.salesforce.http_settings import HttpSettings, Origin
from bridge.salesforce.network import network_error
from bridge.salesforce.rest_errors import StaleSession, answer_error
from bridge.salesforce.token import Session

T = TypeVar("T")


class _Unsuccessful(Exception):
    """An answer that is none to the question."""

    def __init__(self, response: requests.Response) -> None:
        super().__init__()
        self.status = response.status_code
        self.content = _content(response)


def _content(response: requests.Response) -> Any:
    """The body, parsed where it is JSON."""
    try:
        return response.json()
    except (ValueError, RecursionError):
        return response.text


class Client:
    """One version of an org's REST API, at the very address that the login named."""

    def __init__(self, session: Session, version: str, http: requests.Session) -> None:
        self.origin = Origin.of(session.instance_url, "the instance_url of the login", Stage.METADATA)
        self.version = version
        self._http = http
        self._headers = {"Authorization": f"Bearer {session.access_token}", "Accept": "application/json"}

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """The JSON object or list at a path of the versioned API, None where it is empty. TypeError for other JSON."""
        response = self._answer(f"/services/data/v{self.version}/{path}", params)
        answer = {} if response.status_code == 204 else response.json()
        if not isinstance(answer, dict | list | str):
            raise TypeError
        return answer or None

    def outside(self, path: str) -> Any:
        """The JSON at a path outside the versioned API."""
        return self._answer(path).json()

    def _answer(self, path: str, params: Mapping[str, str] | None = None) -> requests.Response:
        response = self._http.get(f"{self.origin}{path}", params=params, headers=self._headers)
        if response.status_code >= 300:
            raise _Unsuccessful(response)
        return response


def call(client: Client, question: Callable[[Client], T], what: str, settings: HttpSettings) -> T:
    """Ask once. Raises StaleSession if the token is not accepted, else Retriable or Fatal in one sentence.

    The library's own exceptions go no further: they hold whole URLs and whole answers.
    """
    where = str(client.origin)
    try:
        return question(client)
    except _Unsuccessful as error:
        raise answer_error(what, error.status, error.content) from None
    except (requests.exceptions.JSONDecodeError, TypeError, RecursionError):
        raise Retriable(
            f"{what}: {where} answered something that is not the JSON expected, or only half of it",
            stage=Stage.METADATA,
        ) from None
    except Interrupted:
        raise Retriable(
            f"{what}: not asked for any more, because the connector stops", stage=Stage.METADATA
        ) from None
    except (requests.RequestException, OSError) as error:
        raise network_error(error, where, settings.proxy_for(where), settings, Stage.METADATA) from None


__all__ = ["Client", "StaleSession", "call"]
