"""Every wait has an end and a name: what is waited for, how long at most, what is said, which property sets it.

The code takes its limits from here, and ``docs/operations.md`` its table of waits.
"""

from __future__ import annotations

import logging
import time
from email.utils import parsedate_to_datetime
from typing import Final

from attrs import frozen

log = logging.getLogger(__name__)


@frozen
class Wait:
    """``seconds``: the longest, where it is fixed; ``keys``: the properties that set it; ``limit``: what else there
    is to say of its length."""

    what: str
    said: str
    seconds: float | None = None
    keys: tuple[str, ...] = ()
    limit: str = ""

    @property
    def longest(self) -> float:
        """``seconds``, of a wait that has such a limit."""
        assert self.seconds is not None
        return self.seconds

    @property
    def key(self) -> str:
        """The first of ``keys``."""
        return self.keys[0]


# ---- Salesforce -------------------------------------------------------------------------------------------

POLL: Final = Wait(
    "Salesforce's answer to a poll, to its last byte",
    "`… was silent for … s` or `… sent … bytes of a reply in … s, and not its end; trying again in … s`",
    keys=("bridge.watchdog.ms",),
    limit="30 s beyond what Salesforce says that it holds a poll, if that is less; 1 s more for each 8 kB that came",
)
KEEPALIVE: Final = Wait(
    "by the Pub/Sub API, anything from a stream of which events are asked for, before its connection counts as dead",
    "`… said nothing for … s: the connection counts as dead; trying again in … s`",
    seconds=300.0,
    limit="`bridge.watchdog.ms`, where that is set; Salesforce says something within 270 s",
)
REQUEST: Final = Wait(
    "a connection to Salesforce; the whole answer to a login, a handshake, a subscription",
    "the same, or `… did not answer in time (connection.timeout=…)`",
    keys=("connection.timeout",),
)
LOGIN: Final = Wait(
    "a login that cannot be made now",
    "`…; trying again in … s, for … s more`, then `(tried for … s, salesforce.auth.retries.time.ms)`",
    keys=("salesforce.auth.retries.time.ms",),
)
TURN: Final = Wait(
    "each of the connectors that come before, ten at a time: those of the same login that begin, those that open a "
    "session with the same org by the same proxy",
    "after 3 s, once: `waiting for its turn: … connectors begin before it, …`",
    seconds=2.0,
    limit="one that takes longer is no longer waited for",
)
OUTAGE: Final = Wait(
    "a stream that was interrupted, or metadata that could not be read, until it works again",
    "`…; trying again in … s, for … s more`, then `(tried for … s, request.max.retries.time.ms)`",
    keys=("request.max.retries.time.ms",),
)
METADATA: Final = Wait("one answer with metadata, at most 16 MB", "as for a poll", seconds=60.0)
QUOTA: Final = Wait(
    "a quota of the org that is used up (events a day, concurrent clients), until the next attempt",
    "`…; waiting for … s before the next attempt`",
    seconds=900.0,
    limit="1 min, twice as long each time",
)
ASKED: Final = Wait(
    "what the other side asks for (`Retry-After`, `advice.interval`)",
    "`… asks for a pause of … s; it is asked again after 300 s`",
    seconds=300.0,
    limit="up to a fifth more, so that not all who were told so come back at once",
)
REFUSED_LOGIN: Final = Wait(
    "a login that was refused, with `auto.restart.on.user.error=true`, until it is tried again",
    "`… it is tried again in an hour at the earliest …; starts again from the committed position in … s`",
    seconds=3600.0,
    limit="up to a fifth more",
)
PROBE: Final = Wait(
    "between two questions whether Salesforce is there again, for each address and process; they carry no login",
    "`… answers again after … s`",
    seconds=5.0,
)
RESTART: Final = Wait(
    "the next attempt of a connector that failed for what may pass",
    "`…; starts again from the committed position in … s`; state RESTARTING",
    seconds=300.0,
    limit="5 s, twice as long each time, or until Salesforce answers again",
)
ROOM: Final = Wait(
    "room in the buffer, before the session with Salesforce is ended on purpose",
    "`the buffer has been full for … s: the session with Salesforce is ended, and another begins when there is room`",
    seconds=35.0,
)

# ---- Kafka ------------------------------------------------------------------------------------------------

KAFKA: Final = Wait(
    "a broker that does not answer: before the first event, and while a transaction is being committed",
    "`waiting for Kafka (… s so far): …`, every 10 s",
    limit="without limit; a connector that is stopped waits `bridge.shutdown.timeout.ms`",
)
ACKNOWLEDGED: Final = Wait(
    "records to be acknowledged, with their transaction",
    "`… records of … MB did not get through in the … s that producer.transaction.timeout.ms allows; …`",
    keys=("producer.transaction.timeout.ms", "producer.delivery.timeout.ms"),
    limit="10 s unless set; a single record that needs more gets up to 10 min",
)
SILENCE: Final = Wait(
    "the next record of the offsets topic, before it is said why none comes",
    "`an open transaction of another producer holds back …`, or that the broker does not answer, or the topic is gone",
    seconds=5.0,
)
KAFKA_REQUEST: Final = Wait(
    "one answer of Kafka to a question about topics, groups, rights, watermarks; another question follows where it "
    "may pass",
    "`waiting for Kafka (… s so far): …`, or what cannot be told",
    seconds=10.0,
)
NEW_TOPIC: Final = Wait(
    "a topic that was created, until the brokers know it",
    "`topic … was created and cannot be seen yet`",
    seconds=30.0,
)
READ: Final = Wait(
    "Kafka's first answer to a command that reads records (`consume`, `keys verify`), or to a question for a position",
    "the reason why Kafka does not answer, exit 1",
    seconds=30.0,
)
WORKER_TOPIC: Final = Wait(
    "a worker's own topics: to be read to their end, and to take what the worker writes there",
    "`… was not read to its end in time` or `… did not acknowledge in time`",
    seconds=20.0,
)
LIFECYCLE: Final = Wait(
    "a lifecycle event, until Kafka has it; nothing else waits for it, but a process that ends, for 2 s",
    "`a lifecycle event of … was dropped: …`",
    seconds=60.0,
)
SHUTDOWN: Final = Wait(
    "a connector that is stopped, until what it received is committed; in a worker, all of them together",
    "the last line on stderr: `… not committed: … events received after replay id …`, exit 1",
    keys=("bridge.shutdown.timeout.ms",),
)

# ---- registry, keys, group ----------------------------------------------------------------------------------

REGISTRY: Final = Wait(
    "the whole answer of the schema registry",
    "`the schema registry … did not answer within 30 s`",
    seconds=30.0,
)
SERVICES: Final = Wait(
    "a schema registry or key management service that is away",
    "`…; trying again in … s, for … s more`, then `(tried for … s, errors.retry.timeout)`",
    keys=("errors.retry.timeout",),
)
KMS: Final = Wait(
    "one answer of a key management service; the connection to it likewise",
    "`… cannot be reached for … (…)` or `… does not answer for … now`, then as the line above",
    seconds=10.0,
)
CLOUD: Final = Wait(
    "the whole answer of the cloud that makes keys for a service account",
    "`… does not answer (…); keys for the service account come from there`",
    seconds=30.0,
)
NEW_KEY: Final = Wait(
    "a new key of a service account, until Kafka takes it",
    "`waiting until the new key is known: …`",
    seconds=120.0,
)
HANDOVER: Final = Wait(
    "the worker of before to let go of a connector; then it is fenced",
    "the connector's state: UNASSIGNED",
    seconds=15.0,
)
IMPORT: Final = Wait(
    "the whole answer of a Kafka Connect worker whose position is imported (`offsets import --from-url`)",
    "`… does not answer: …`, exit 1",
    seconds=30.0,
)
MOVED: Final = Wait(
    "what Salesforce says of a replay id that a request set",
    "in the request's message: `Whether the org knows replay id … could not be told within 10 s.`",
    seconds=10.0,
)
STAND_BY: Final = Wait(
    "another process that runs the connector (`sfbridge run`)",
    "`another process runs this connector: standing by to take over`",
    limit="as long as it runs",
)

# ---- the API -----------------------------------------------------------------------------------------------

IDLE: Final = Wait(
    "the next request on a connection to the API, from the last answer on",
    "nothing: the connection is closed",
    seconds=90.0,
    limit="less where others need the connection",
)
HEAD: Final = Wait(
    "the headers of a request to the API, from the connection or their first byte on",
    "nothing: the connection is closed",
    seconds=10.0,
)
BODY: Final = Wait("the body of a request to the API", "nothing: the connection is closed", seconds=30.0)
ANSWER: Final = Wait(
    "an answer of the API, until its client has read it", "nothing: the connection is closed", seconds=180.0
)
STOPPING: Final = Wait(
    "a connector that was asked to stop, before `/connectors/{name}/offsets` moves its position",
    "status 500, `Request timed out. The worker is currently waiting until connector … has stopped, …`",
    seconds=10.0,
)
LEADER: Final = Wait(
    "the answer of the worker that leads, to which another one handed a request on",
    "status 409, as of a group without a leader",
    seconds=90.0,
)
PEER: Final = Wait(
    "what another worker knows of its connectors, for an answer about all of them",
    "the connectors of that worker are told as last seen (`answered: false`)",
    seconds=2.0,
)
CLIENT: Final = Wait(
    "the answer of a worker to a command (`sfbridge connectors …`)",
    "`… does not answer in time`",
    seconds=100.0,
)

EVERY: Final = tuple(value for value in list(globals().values()) if isinstance(value, Wait))

#: Of ``bridge.schema.latest.ttl.ms``: from this part on a route that is used is looked up again …
RENEWED_FROM: Final = 0.9
#: … and for so long what it is made of (keys, classification) counts as fresh: each look-up asks for it.
FRESH: Final = 0.85

#: Of the time for a shutdown, for waiting that Kafka takes what is under way; the rest is for letting go.
DRAIN_SHARE: Final = 0.6


def as_asked(seconds: float, who: str) -> float:
    """How long a pause that ``who`` asked for lasts: at most 5 minutes, and said where it is less than asked."""
    longest = ASKED.longest
    if seconds <= longest:
        return seconds
    log.warning("%s asks for a pause of %.0f s; it is asked again after %.0f s", who, seconds, longest)
    return longest


def retry_after(text: str | None, who: str) -> float | None:
    """Seconds from a ``Retry-After`` header, a number or a date (RFC 9110), as :func:`as_asked`; None without one."""
    text = (text or "").strip()
    if text.isascii() and text.isdigit():
        return as_asked(float(text[:12]), who)
    date = http_date_ms(text)
    return None if date is None else as_asked(max(0.0, date / 1000 - time.time()), who)


def http_date_ms(text: str | None) -> int | None:
    """Unix milliseconds of an HTTP date, None for what is none."""
    try:
        return int(parsedate_to_datetime(text).timestamp() * 1000) if text else None
    except (ValueError, OverflowError, TypeError):
        return None
