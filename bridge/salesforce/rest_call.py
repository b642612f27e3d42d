"""simple-salesforce held by the hand: its client without its logins, its exceptions turned into ours.

Imported only where metadata is asked for: with requests and zeep it costs about 20 MB and a tenth of a second.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import requests
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceError
from simple_salesforce.util import exception_handler

from bridge.deadline import Interrupted
from bridge.errors import Retriable, Stage
from bridge.salesforce.http_settings import HttpSettings, Origin
from bridge.salesforce.network import network_error
from bridge.salesforce.rest_errors import StaleSession, answer_error
from bridge.salesforce.token import Session

T = TypeVar("T")


class Client(Salesforce):  # type: ignore[misc, unused-ignore]  # the package is not typed
    """simple-salesforce for a session that we have, at the very address the login named.

    By itself it writes ``https://`` before every host, and a simulator on loopback may speak plain http.
    """

    def __init__(self, session: Session, version: str, http: requests.Session) -> None:
        self.origin = Origin.of(session.instance_url, "the instance_url of the login", Stage.METADATA)
        super().__init__(
            instance=self.origin.netloc,
            session_id=session.access_token,
            version=version,
            session=http,
            object_pairs_hook=dict,
        )
        self.base_url = f"{self.origin}/services/data/v{version}/"
        self.tooling_url = f"{self.base_url}tooling/"

    def outside(self, path: str) -> Any:
        """The JSON at a path outside the versioned API; raises as the other methods do."""
        response = self.session.get(f"{self.origin}{path}", headers=self.headers)
        if response.status_code >= 300:
            exception_handler(response)
        return response.json()


def call(client: Client, question: Callable[[Client], T], what: str, settings: HttpSettings) -> T:
    """Ask once. Raises StaleSession if the token is not accepted, else Retriable or Fatal in one sentence.

    The package's own exceptions go no further: they hold whole URLs and whole answers.
    """
    where = str(client.origin)
    try:
        return question(client)
    except SalesforceError as error:
        raise answer_error(what, error.status, error.content) from None
    except (requests.exceptions.JSONDecodeError, TypeError, RecursionError):
        # TypeError: the package asks an answer such as 7 or null for its length.
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
