"""Whom our own requests to a worker's https listener trust: the system, ``SSL_CERT_FILE``, and a file that is named."""

from __future__ import annotations

import requests

from bridge.errors import ConfigurationError, Fault
from bridge.salesforce.session import TrustingAdapter
from bridge.trust.context import CA_FILE, trust_context
from bridge.trust.in_time import DirectHere


def session(ca_file: str | None = None, named_by: str = CA_FILE) -> requests.Session:
    """A session for http and https. Raises ConfigurationError for a file that holds no certificate."""
    http = DirectHere()
    try:
        http.mount("https://", TrustingAdapter(trust_context(ca_file)))
    except ConfigurationError as error:
        faults = [Fault(named_by if f.key == CA_FILE else f.key, f.message) for f in error.faults]
        raise ConfigurationError(faults) from None
    return http
