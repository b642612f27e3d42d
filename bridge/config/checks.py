"""What can be wrong with one value on its own: each check ends a sentence, or gives None."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from bridge.addresses import is_loopback
from bridge.changes import EVERY_CHANGE, SUFFIX, entity_of
from bridge.config import egress
from bridge.config.classes import CDC_MANAGED, MANAGED
from bridge.config.placeholders import every, filled
from bridge.contents import backslashes
from bridge.errors.words import installed_by

MAX_TOPIC: Final = 249
"""Kafka's limit for a topic's name, in characters."""

_TOPIC = re.compile(r"[a-zA-Z0-9._-]+")
_FIELD = re.compile(r"\$\{([^}]*)\}")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_KINDS = {
    "c": "a custom object",
    "mdt": "a custom metadata type",
    "x": "an external object",
    "b": "a big object",
}
_FIELD_KEY = re.compile(r"field:[A-Za-z_][A-Za-z0-9_]*")
_LONGEST_NAME = 128
_LONGEST_TEMPLATE = 4000
_VERSION = re.compile(r"v?\d{2,3}(\.0)?")
_DATA_URL = re.compile(r"data:[^,;:]*[:;]base64,", re.IGNORECASE)


def at_most(limit: int) -> Callable[[str], str | None]:
    """A text of at most ``limit`` characters, none of them a control character."""

    def check(value: str) -> str | None:
        if len(value) > limit:
            return f"is {len(value)} characters long; at most {limit} are allowed"
        if any(ord(c) < 32 or 127 <= ord(c) < 160 for c in value):
            return "contains control characters"
        return None

    return check


def topic(value: str) -> str | None:
    """A topic's name by Kafka's rules."""
    if value in (".", ".."):
        return "cannot be '.' or '..'"
    if len(value) > MAX_TOPIC:
        return f"is {len(value)} characters long; Kafka allows {MAX_TOPIC}"
    if not _TOPIC.fullmatch(value):
        return "may hold only letters, digits, '.', '_' and '-', as Kafka's topic names do"
    return None


def topic_template(value: str) -> str | None:
    """A topic's name in which ``${field}`` stands for a field of the event."""
    if len(value) > _LONGEST_TEMPLATE:
        return f"is {len(value)} characters long; at most {_LONGEST_TEMPLATE} are allowed"
    for match in every(_FIELD, value):
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.]*", match[1]):
            return f"names no field in ${{{match[1][:60]}}}"
    return topic(filled(_FIELD, value, lambda match: "x"))


def context(value: str) -> str | None:
    """A registry's context, as ``crm``, ``.crm`` or ``:.crm:``."""
    name = value.strip().strip(":")
    if ":" in name or any(ord(c) < 32 for c in name):
        return "holds a colon or a control character; a context is a plain name, such as crm"
    return None


def record_key(value: str) -> str | None:
    """What becomes a record's key."""
    if value in ("none", "event_uuid") or _FIELD_KEY.fullmatch(value):
        return None
    if value == "record_id":
        return "is for change events; a platform event is about no record"
    return "must be none, event_uuid or field:NAME"


def change_key(value: str) -> str | None:
    """What becomes the key of a change event's record."""
    if value in ("none", "record_id") or _FIELD_KEY.fullmatch(value):
        return None
    if value == "event_uuid":
        return "is for platform events; the Streaming API gives change events no EventUuid"
    return "must be none, record_id or field:NAME"


def change_event(value: str) -> str | None:
    """A change event's name, such as ``AccountChangeEvent``."""
    if not _NAME.fullmatch(value) or len(value) > _LONGEST_NAME:
        return "is not the name of a change event, such as AccountChangeEvent"
    if value.endswith("__e"):
        return f"is a platform event; connector.class {MANAGED} carries those"
    if entity_of(value) is None:
        stem = value.removesuffix("__c")
        meant = f"{stem}__{SUFFIX}" if stem != value else f"{value}{SUFFIX}"
        if value.lower().endswith(SUFFIX.lower()):  # upper and lower case count
            meant = f"{value[: -len(SUFFIX)]}{SUFFIX}"
        return f"is not the name of a change event; is {meant} meant?"
    return None


def change_channel(value: str) -> str | None:
    """A channel of change events, with or without ``/data/``."""
    name = value.removeprefix("/data/")
    several = name == EVERY_CHANGE or (_NAME.fullmatch(name) is not None and name.endswith("__chn"))
    return None if several and len(name) <= _LONGEST_NAME else change_event(name)


def event_name(value: str) -> str | None:
    """An event's API name, without the channel's ``/event/``."""
    if value.startswith("/"):
        return "is a channel; give the event's API name alone, such as Order_Placed__e"
    if not _NAME.fullmatch(value):
        return "is not an API name, such as Order_Placed__e"
    if len(value) > _LONGEST_NAME:
        return f"is {len(value)} characters long, which no API name is"
    return _no_event(value)


def _no_event(name: str) -> str | None:
    """What a name is, where it is that of something else. Custom platform events end in ``__e``, standard ones have
    ``Event`` in their names (``BatchApexErrorEvent``, ``LoginEventStream``)."""
    stem, _, suffix = name.rpartition("__")
    if suffix == "e" and stem:
        return None
    if suffix == "chn" and stem:
        return (
            "is a custom channel; give it as salesforce.platform.custom.channel.name with "
            "salesforce.platform.subscription.type=CUSTOM_CHANNEL"
        )
    if name.endswith("ChangeEvent"):
        return f"is a change event, which no platform event is; connector.class {CDC_MANAGED} carries change events"
    if stem and suffix in _KINDS:
        return f"is {_KINDS[suffix]}, not a platform event, whose names end in __e; is {stem}__e meant?"
    if "Event" not in name:
        return f"is not the API name of a platform event, which ends in __e; is {name}__e meant?"
    return None


def channel_name(value: str) -> str | None:
    """A custom channel's API name, or the channel as the Streaming API names it."""
    name = re.sub(r"^/(event|data)/", "", value)
    if not _NAME.fullmatch(name) or not name.endswith("__chn") or len(name) > _LONGEST_NAME:
        return "is not the name of a custom channel, such as Sales__chn"
    return None


def url(value: str) -> str | None:
    """An http or https URL with a host."""
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is not a URL"
    if parts.scheme not in ("http", "https") or not host or any(c.isspace() for c in value):
        return "is not a URL beginning with https:// or http://"
    return None


def urls(value: str) -> str | None:
    """One URL or several, separated by commas."""
    return next((fault for part in value.split(",") if (fault := url(part.strip()))), None)


def salesforce_url(value: str) -> str | None:
    """The base URL of an org: https, or http on loopback (a simulator); no path, query or user."""
    if fault := url(value):
        return fault
    parts = urlsplit(value)
    if parts.username is not None or parts.password is not None:
        return "must not hold a user name or password"
    if parts.path.strip("/") or parts.query or parts.fragment:
        return "must end with the host: no path, no query"
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        return "is plain http, which is accepted for loopback addresses only; use https"
    return None


def servers(value: str) -> str | None:
    """``host:port`` pairs, separated by commas, with or without ``SASL_SSL://`` before them."""
    for part in value.split(","):
        address = part.strip().rpartition("://")[2]
        host, _, port = address.rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
            return "must be host:port, several separated by commas"
    return None


def proxy(value: str) -> str | None:
    """``host:port`` or an http URL."""
    if "://" in value:
        return (
            url(value) if value.lower().startswith("http://") else "must be host:port or begin with http://"
        )
    return servers(value) if "," not in value else "must be one host:port"


def api_version(value: str) -> str | None:
    """``latest`` or a version such as 66.0."""
    if value == "latest" or _VERSION.fullmatch(value):
        return None
    return "must be 'latest' or a version such as 66.0"


def transport(value: str) -> str | None:
    """A transport whose library is installed."""
    if value == "pubsub" and find_spec("grpc") is None:
        return f"needs grpcio, which is not installed: {installed_by('pubsub')}"
    return None


def endpoint(value: str) -> str | None:
    """``host:port``, over TLS; with ``http://`` before it without, to a loopback address."""
    scheme, given, address = value.strip().rpartition("://")
    try:
        parts = urlsplit(f"//{address}")
        usable = bool(parts.hostname) and parts.port != 0 and parts.netloc == address and "@" not in address
    except ValueError:
        usable = False
    if not usable or (given and scheme not in ("https", "http")):
        return "must be host:port, such as api.pubsub.salesforce.com:443"
    if scheme == "http" and not is_loopback(parts.hostname or ""):
        return "is not encrypted, which is accepted for loopback addresses only"
    return None


def egress_list(value: str) -> str | None:
    """Hosts, domains and networks."""
    try:
        egress.rules(egress.entries(value))
    except ValueError as wrong:
        return f"holds {str(wrong)!r}, which is no host, *.domain or network such as 10.0.0.0/8"
    return None


def rest_extension(value: str) -> str | None:
    """No Java class runs here, and one that asks for credentials must not be missed without a word."""
    return "names Java classes, and the API would answer without them: set bridge.rest.users.file and take it out"


def client_certificates(value: str) -> str | None:
    """What is not asked for must not be relied on."""
    if value.lower() == "required":
        return "is 'required', and certificates are not asked for here: set bridge.rest.users.file and take it out"
    return None


def file(value: str) -> str | None:
    """A file that exists."""
    try:
        return None if Path(value).is_file() else f"names a file that does not exist{backslashes(value)}"
    except (OSError, ValueError):
        return "is not the path of a file"


def keystore(value: str) -> str | None:
    """A keystore as a base64 data URL, in both spellings that are in use, or the path of a file."""
    match = _DATA_URL.match(value)
    if not match:
        return (
            "must begin with data:text/plain;base64, or be a file's path"
            if value.startswith("data:")
            else None
        )
    try:
        empty = not base64.b64decode(re.sub(r"\s", "", value[match.end() :]), validate=True)
    except (binascii.Error, ValueError):
        return "holds no valid base64 after data:text/plain;base64,"
    return "holds an empty keystore" if empty else None
