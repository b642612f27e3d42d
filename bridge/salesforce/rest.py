"""Metadata over Salesforce's REST API: what an event looks like, which events there are, how fields are
classified.

``simple-salesforce`` makes the requests; login, trust, proxies, time limits and errors are ours.
"""

from __future__ import annotations

import importlib
import re
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote

from bridge import calls, spans
from bridge.changes import entity_of
from bridge.config.property import Values
from bridge.deadline import ended_by
from bridge.errors import Fatal, Retriable, Stage
from bridge.metadata.sources import NotDescribed
from bridge.retry import patiently
from bridge.salesforce.auth import Login, Session
from bridge.salesforce.http import requests_session
from bridge.salesforce.nearest import nearest
from bridge.salesforce.rest_errors import Moved, NotFound, StaleSession
from bridge.shared import Shared
from bridge.trust.context import Files, trusted_files
from bridge.waits import OUTAGE

if TYPE_CHECKING:
    import requests

    from bridge.salesforce.rest_call import Client

T = TypeVar("T")
RETRIES = OUTAGE.key
VERSION = "salesforce.version"
EVENT_NAME = "salesforce.platform.event.name"
CHANGE_NAME = "salesforce.cdc.name"
API_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,254}")
MAX_PAGES = 100
UNKNOWN_VERSION = "0.0"  # while the versions themselves are asked for
CLASSIFICATION = (
    "SELECT QualifiedApiName, SecurityClassification, ComplianceGroup, BusinessStatus FROM FieldDefinition "
    "WHERE EntityDefinition.QualifiedApiName = '{event}'"
)
_CALLS: Final = "bridge.salesforce.rest_call"
_VERSION_HOLDS: Final = 3600.0  # seconds; a new one comes three times a year
_OPERATIONS: Final = {
    "describe": "describe",
    "event": "schema",
    "data": "classification",
    "the list of API versions": "versions",
    "the list of objects": "objects",
    "the org's limits": "limits",
}

_VERSIONS: Final = Shared[tuple["_Asker", str], str]()
_CLASSIFIED: Final = Shared[tuple["_Asker", str, str], list[dict[str, object]]]()
"""By org and event, for all connectors of the process that ask as the same user in the same way: what one user is
refused, or does not get through a proxy, says nothing of others."""
_Asker = tuple[bytes, float]
"""The account, and how long its connectors ask (s)."""


class Rest:
    """Thread-safe. Every method raises Retriable when ``request.max.retries.time.ms`` is over, Fatal
    otherwise."""

    def __init__(self, login: Login, connector: Values) -> None:
        self._login = login
        self._seconds = connector[RETRIES] / 1000
        self._asker: _Asker = (login.account.key, self._seconds)
        self._version = _version_given(connector.get(VERSION))
        self._lock = threading.Lock()
        self._http: requests.Session | None = None
        self._files: Files = ()
        self._client: tuple[Session, Client] | None = None
        self._closed = threading.Event()
        _load_beside()

    def api_version(self) -> str:
        """The version of the API in use, as in ``66.0``: ``salesforce.version``, or the newest of the org."""
        if self._version is None:
            org, newer_than = self._login.session().instance_url, time.monotonic() - _VERSION_HOLDS
            key = (self._asker, org)
            self._version = _VERSIONS.get(key, newer_than, self._newest_version, self._closed.is_set).value
        return self._version

    def _newest_version(self) -> str:
        return self._ask("the list of API versions", _newest_version, versioned=False)

    def describe(self, event: str) -> dict[str, object]:
        """``sobjects/{event}/describe``; of a change event that of its object. Fatal, with the nearest name, if there
        is no event of exactly this name."""
        _check_name(event)
        if (entity := entity_of(event)) is not None:
            return self._describe_object(event, entity)
        try:
            description = self._object(f"sobjects/{event}/describe", f"describe of {event}")
        except NotFound:
            raise self._no_such_event(event) from None
        # describe does not mind the case of a name, but a subscription to it does.
        actual = description.get("name")
        if isinstance(actual, str) and actual != event and actual.lower() == event.lower():
            raise Fatal(
                f"{EVENT_NAME}: the event is called {actual}, not {event}; upper and lower case count",
                stage=Stage.METADATA,
            )
        return description

    def _describe_object(self, event: str, entity: str) -> dict[str, object]:
        """Of an object, else of its change event, which may be there where the object may not be read."""
        for name in (entity, event):
            with suppress(NotFound):
                found = self._object(f"sobjects/{name}/describe", f"describe of {name}")
                if found.get("name") == name:
                    return found
        raise NotDescribed(
            f"{CHANGE_NAME}: Could not find the specified CDC channel in your Salesforce organization: the object "
            f"{entity} of {event} is not there, or the user may not read it (upper and lower case count)",
            stage=Stage.METADATA,
        )

    def event_schema(self, schema_id: str) -> dict[str, object] | None:
        """The Avro schema an event was published with, by the id in ``data.schema``; None if Salesforce knows
        it not."""
        return self._schema(
            f"event/eventSchema/{quote(schema_id, safe='')}", f"event schema {schema_id[:64]}"
        )

    def event_schema_of(self, event: str) -> dict[str, object] | None:
        """The Avro schema that the event has now; None if there is none."""
        _check_name(event)
        return self._schema(f"sobjects/{event}/eventSchema", f"event schema of {event}")

    def events(self) -> list[str]:
        """Names of the org's own platform events (``…__e``), sorted."""
        return [name for name in self._object_names() if name.endswith("__e")]

    def field_classification(self, event: str) -> list[dict[str, object]]:
        """Name, SecurityClassification, ComplianceGroup and BusinessStatus of every field, from the Tooling
        API; of a change event those of its object."""
        _check_name(event)
        event = entity_of(event) or event
        what = f"data classification of {event}"
        page = self._query({"q": CLASSIFICATION.format(event=event)}, what)
        records = _objects(page.get("records"))
        for _ in range(MAX_PAGES):
            following = page.get("nextRecordsUrl")
            if page.get("done", True) or not isinstance(following, str):
                return records
            page = self._tooling(f"query/{following.rpartition('/')[2]}", {}, what)
            records += _objects(page.get("records"))
        raise Retriable(f"{what}: the answer does not end", stage=Stage.METADATA)

    def shared_classification(self, event: str, newer_than: float) -> tuple[float, list[dict[str, object]]]:
        """The same, asked for after ``newer_than`` (monotonic) for any connector of the account; and when."""
        key = (self._asker, self._login.session().org_id, event)
        answer = _CLASSIFIED.get(
            key, newer_than, lambda: self.field_classification(event), self._closed.is_set
        )
        return answer.asked, answer.value

    def limits(self) -> dict[str, object]:
        """``limits``: for each limit of the org its ``Max`` and what is ``Remaining``."""
        return self._object("limits", "the org's limits")

    def close(self) -> None:
        """End the waiting between two attempts."""
        self._closed.set()

    # ---- how it is asked -------------------------------------------------------------------------------

    def _object(self, path: str, what: str, params: dict[str, str] | None = None) -> dict[str, Any]:
        return self._ask(what, lambda client: _as_object(client.restful(path, params), what))

    def _tooling(self, action: str, params: dict[str, str], what: str) -> dict[str, Any]:
        return self._ask(what, lambda client: _as_object(client.toolingexecute(action, params=params), what))

    def _query(self, params: dict[str, str], what: str) -> dict[str, Any]:
        # Salesforce takes the path with and without the slash; what stands before or for it may know one only.
        try:
            return self._tooling("query/", params, what)
        except (NotFound, Moved):
            return self._tooling("query", params, what)

    def _schema(self, path: str, what: str) -> dict[str, Any] | None:
        try:
            return self._object(path, what, {"payloadFormat": "EXPANDED"})
        except NotFound:
            return None

    def _object_names(self) -> list[str]:
        objects = self._object("sobjects", "the list of objects").get("sobjects")
        return sorted(str(item["name"]) for item in _objects(objects) if "name" in item)

    def _no_such_event(self, event: str) -> Fatal:
        try:
            names = self._object_names()
        except NotFound:
            return Fatal(
                f"{VERSION}={self.api_version()} is not known to this org; use 'latest' or an older one",
                stage=Stage.METADATA,
            )
        if event in names:
            return Fatal(f"{EVENT_NAME}: {event} exists, but the user may not read it", stage=Stage.METADATA)
        return Fatal(f"{EVENT_NAME}: {nearest(event, names)}", stage=Stage.METADATA)

    def _ask(self, what: str, question: Callable[[Client], T], versioned: bool = True) -> T:
        """Ask, with a new session if the present one is not accepted, and again while it is worth it."""
        # here: loaded meanwhile, see _load_beside
        from bridge.salesforce.rest_call import call

        version = self.api_version() if versioned else UNKNOWN_VERSION

        def once(session: Session) -> T:
            where = spans.server(session.instance_url)
            with ended_by(self._closed.is_set), calls.SALESFORCE.timed(_operation(what), facts=where):
                return call(self._client_for(session, version), question, what, self._login.http)

        def attempt() -> T:
            session = self._login.session()
            try:
                return once(session)
            except StaleSession:
                return once(self._login.renew(session))

        return patiently(attempt, seconds=self._seconds, limit=RETRIES, pause=self._closed.wait)

    def _client_for(self, session: Session, version: str) -> Client:
        # here: loaded meanwhile, see _load_beside
        from bridge.salesforce.rest_call import Client

        with self._lock:
            files = trusted_files(self._login.http.ca_file)
            if self._http is None or files != self._files:
                self._http, self._files, self._client = requests_session(self._login.http), files, None
            current = self._client
            if current is None or current[0] is not session or current[1].sf_version != version:
                # The HTTP session stays, with its open connections.
                current = self._client = (session, Client(session, version, self._http))
            return current[1]


def _operation(what: str) -> str:
    """What a question is for, as its metric calls it."""
    return _OPERATIONS.get(what) or _OPERATIONS.get(what.partition(" ")[0], "other")


def _version_given(value: Any) -> str | None:
    text = str(value or "latest").strip().removeprefix("v")
    if text == "latest":
        return None
    return text if "." in text else f"{text}.0"


def _newest_version(client: Client) -> str:
    versions = client.outside("/services/data")
    listed = (str(item.get("version")) for item in _objects(versions))
    numbers = [text for text in listed if re.fullmatch(r"\d{1,4}\.\d", text)]
    if not numbers:
        raise Retriable("the list of API versions: Salesforce's answer names none", stage=Stage.METADATA)
    return max(numbers, key=float)


def _as_object(answer: Any, what: str) -> dict[str, Any]:
    # simple-salesforce gives None for an empty object and text for what is no JSON.
    if answer is None:
        return {}
    if not isinstance(answer, dict):
        raise Retriable(f"{what}: Salesforce's answer is not the JSON object expected", stage=Stage.METADATA)
    return answer


def _objects(value: Any) -> list[dict[str, Any]]:
    """The JSON objects of a list, whatever else was sent."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _check_name(event: str) -> None:
    if not API_NAME.fullmatch(event):
        raise Fatal(
            f"{EVENT_NAME}: {event[:80]!r} is not an API name such as Order_Placed__e", stage=Stage.METADATA
        )


def _load_beside() -> None:
    """simple-salesforce comes with zeep and httpx, a fifth of what a start loads, and is needed when the first event is
    there: it is loaded while the start waits for Salesforce and Kafka."""
    if _CALLS not in sys.modules:
        threading.Thread(target=importlib.import_module, args=(_CALLS,), name="load", daemon=True).start()
