"""Whom our own requests to a worker's https listener trust: the system, ``SSL_CERT_FILE``, and a file that is named."""

from __future__ import annotations

from typing import Any

import requests
from requests.adapters import HTTPAdapter

from bridge.errors import ConfigurationError, Fault
from bridge.salesforce.tls import CA_FILE, trust_context


class _Trusting(HTTPAdapter):
    """requests itself knows only its bundle of public authorities."""

    def __init__(self, ca_file: str | None) -> None:
        self._context = trust_context(ca_file)
        super().__init__()

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **more)

    def proxy_manager_for(self, proxy: str, **more: Any) -> Any:
        return super().proxy_manager_for(proxy, ssl_context=self._context, **more)


def session(ca_file: str | None = None, named_by: str = CA_FILE) -> requests.Session:
    """A session for http and https. Raises ConfigurationError for a file that holds no certificate."""
    made = requests.Session()
    try:
        made.mount("https://", _Trusting(ca_file))
    except ConfigurationError as error:
        faults = [Fault(named_by if f.key == CA_FILE else f.key, f.message) for f in error.faults]
        raise ConfigurationError(faults) from None
    return made
