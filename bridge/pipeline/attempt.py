"""One attempt to run a connector: builds its parts, fences, reads the position, subscribes, carries events.

The order at the start is what makes it exactly once: log in, *fence* the predecessor, read the position up to
the high watermark, and only then subscribe.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from attrs import define

from bridge.buffer import Buffer
from bridge.config import Loaded
from bridge.config.subscription import events
from bridge.encryption.uses import Uses
from bridge.errors import BridgeError, Retriable, Stage
from bridge.kafka.admin import Topics, ensure_routed_topic, prepare_topics
from bridge.kafka.belonging import check_org
from bridge.kafka.committed import NotRead, Take
from bridge.kafka.followed import Followed, follow
from bridge.kafka.line import LONGEST_TIMEOUT, Line
from bridge.kafka.offsets import Position, read_position
from bridge.kafka.producer import Producer
from bridge.kafka.seals import Sealed, seals_key, seals_value
from bridge.kafka.service_account import with_keys
from bridge.kafka.settings import (
    MARGIN_MS,
    consumer_settings,
    exactly_once,
    producer_settings,
    time_limit,
    transactional_id,
)
from bridge.log import for_connector
from bridge.metadata.classification import LastAnswers
from bridge.metrics import Stats
from bridge.pipeline.commits import Commits
from bridge.pipeline.counting import counted
from bridge.pipeline.gaps import report_gap
from bridge.pipeline.interruption import Interruption
from bridge.pipeline.loop import Limits, Pipeline
from bridge.pipeline.policy import ErrorPolicy
from bridge.pipeline.receiver import Receiver
from bridge.pipeline.records import OffsetRecords
from bridge.pipeline.transaction import Open
from bridge.routing.ledger import Entry, Ledger, Memory
from bridge.routing.resolver import Writers
from bridge.routing.routes import MOST, Routes
from bridge.salesforce.auth import Login, Session
from bridge.salesforce.http_settings import HttpSettings
from bridge.salesforce.limits import LIMITS
from bridge.salesforce.transport import Start, open_rest, open_source, try_subscription
from bridge.source import Source
from bridge.turns import STARTS, Turn
from bridge.waits import DRAIN_SHARE, SHUTDOWN


@define
class Goal:
    """When a run ends by itself."""

    max_events: int | None = None
    until_idle: float | None = None


_OF_SALESFORCE = (Stage.LOGIN, Stage.METADATA, Stage.SUBSCRIBE, Stage.RECEIVE, Stage.PARSE)


class Attempt:
    """May be run again and again; what outlives a run is the login, so that a refusal is remembered."""

    def __init__(self, loaded: Loaded, goal: Goal, stats: Stats) -> None:
        self._loaded = loaded
        self._config = loaded.connector
        self._goal = goal
        self._stats = stats
        self._log = for_connector(loaded.connector.name)
        self._login = Login(loaded.connector)
        if self._login.expires is not None:
            stats.expiries["salesforce.jwt.keystore"] = self._login.expires
        self._rest = open_rest(loaded.connector, self._login)
        self._receiving: Receiver | None = None
        self._pipeline: Pipeline | None = None
        self._line: Line | None = None
        self._writers: Writers | None = None
        self._wanted: Callable[[], bool] = lambda: False
        self._classified: LastAnswers = {}
        self._ledger = Ledger()
        self._written = 0
        self._interruption = Interruption()
        self._waited_since: float | None = None
        self._said = 0.0
        self._offsets: Followed | None = None
        """Kept from one run to the next: what was read of the offsets topic is not read again."""

    def end(self) -> None:
        """Stop fetching at once; the run then drains, commits and returns."""
        if self._receiving is not None:
            self._receiving.end()
        if self._writers is not None:
            self._writers.close()

    def login_again_in(self) -> float:
        """Seconds until a login that was refused may be sent again."""
        return self._login.again_in()

    def close(self) -> None:
        """For good: besides, wait for no login and no metadata any more."""
        self.end()
        self._login.close()
        self._rest.close()

    def release(self) -> None:
        """When there will be no further run: what was read of the offsets topic is not needed any more."""
        if self._offsets is not None:
            self._offsets.release()
            self._offsets = None

    def uncommitted(self) -> int:
        """How many events were received that no commit covers yet."""
        pipeline = self._pipeline
        return 0 if pipeline is None else pipeline.buffer.events + pipeline.taken

    def where_to_ask(self, error: BridgeError) -> tuple[str, HttpSettings] | None:
        """Where Salesforce is, and how to reach it, if it may be away: that is what ``error`` is about."""
        if not isinstance(error, Retriable) or error.stage not in _OF_SALESFORCE:
            return None
        return self._login.address(at_login=error.stage is Stage.LOGIN), self._login.http

    def run(self, ending: Callable[[], bool]) -> None:
        """Returns after a drain, or when the goal is reached. Raises BridgeError."""
        self._wanted = ending
        self._turn: Turn = STARTS.enter(self._login.account.key, ending, self._log.info)
        try:
            if not ending():
                self._run(ending)
        except NotRead:
            if not ending():
                raise
        finally:
            self._turn.end()

    def _run(self, ending: Callable[[], bool]) -> None:
        session = self._login.session()
        self._loaded = with_keys(self._loaded, stopped=ending)
        topics = self._prepare_topics()
        producer = self._producer(topics)
        try:
            if self._interruption.unresolved:
                self._interruption.check(self._position(topics, undecided=True), topics.offsets_id)
            self._turn.end()  # from here on it waits for Kafka, and then for its session's turn
            producer.fence(topics.offsets)
            sealed = Sealed(self._config.name, topics.offsets)
            position = self._position(topics, beside=sealed.take)
            self._interruption.resolved(position, topics.offsets_id)
            position = self._or_remembered(position, topics.offsets, session)
            # what this process knows counts, too, where the topic was deleted while it ran
            memory = Memory(*sealed.remembered()) if sealed.there else self._ledger.memory
            self._ledger = Ledger(memory=memory, changed=self._sealed_changed)
            check_org(position, session.org_id)
            with LIMITS.watching(session.org_id, self._rest.limits):
                self._carry(producer, position, session, topics)
        finally:
            self._stats.aborts += producer.close()

    # ---- the parts -------------------------------------------------------------------------------------

    def _prepare_topics(self) -> Topics:
        return prepare_topics(
            self._loaded, waiting=self._waiting, stopped=self._wanted, before_making=self._try_subscription
        )

    def _try_subscription(self) -> None:
        """A channel that is not there, or may not be read, is no reason to create topics."""
        try_subscription(self._config, self._login, self._rest)

    def _producer(self, topics: Topics) -> Producer:
        line = self._line = self._line or Line(*time_limit(self._loaded))
        if topics.longest_transaction is not None:
            line.longest = min(LONGEST_TIMEOUT, topics.longest_transaction - MARGIN_MS / 1000)
        settings = producer_settings(
            self._loaded,
            max_message_bytes=topics.max_message_bytes,
            transaction_ms=int(line.grown * 1000) + MARGIN_MS if line.grown else None,
        )
        return Producer(
            settings,
            transactional_id=transactional_id(self._loaded) if exactly_once(self._loaded) else None,
            stopped=self._wanted,
            waiting=self._waiting,
            patience=self._config[SHUTDOWN.key] / 1000 * DRAIN_SHARE,
        )

    def _ensure_topic(self, name: str) -> None:
        ensure_routed_topic(self._loaded, name)

    def _position(
        self, topics: Topics, undecided: bool = False, beside: Take = lambda message: None
    ) -> Position:
        settings = consumer_settings(self._loaded)
        before, self._offsets = self._offsets, follow(settings, topics.offsets)
        if before is not None:
            before.release()
        position = read_position(
            settings,
            topics.offsets,
            self._config.name,
            identity=topics.offsets_id,
            stopped=self._wanted,
            waiting=self._waiting,
            undecided=undecided,
            beside=beside,
        )
        self._waited_since = None
        return position

    def _or_remembered(self, position: Position, topic: str, session: Session) -> Position:
        """Where the topic of positions was deleted while this process ran, the position that it committed last."""
        last = self._stats.last_replay_id
        if last < 0 or not position.absent:
            return position
        self._log.warning(
            "topic %s holds no position of this connector any more: was it deleted, or emptied? This process goes on "
            "after replay id %s, which it committed or read before; a new one would begin as salesforce.initial.start "
            "says",
            topic,
            last,
            extra={"replay_id": last},
        )
        return Position(replay_id=last, org_id=session.org_id, created_ms=self._stats.last_created_ms or None)

    def _carry(self, producer: Producer, position: Position, session: Session, topics: Topics) -> None:
        buffer = Buffer(self._config["bridge.buffer.max.events"], self._config["bridge.buffer.max.bytes"])
        self._stats.buffer = buffer
        self._stats.buffer_max_events = self._config["bridge.buffer.max.events"]
        self._stats.buffer_max_bytes = self._config["bridge.buffer.max.bytes"]
        if position.replay_id is not None:
            self._stats.last_replay_id = position.replay_id
            self._stats.resumed_created_ms = position.created_ms or 0
        receiver = Receiver(self._source(buffer, position), buffer, self._log)
        pipeline = self._pipeline = self._make_pipeline(producer, buffer, session, topics, position)
        self._receiving = receiver
        if self._wanted():
            return
        receiver.start()
        try:
            failure = pipeline.run()
        except BridgeError as error:
            if producer.transactional_id is not None:
                newest = pipeline.progress.newest
                self._interruption.left_at(self._committed(position), newest if newest >= 0 else None)
            raise pipeline.open.explained(error, producer) from error
        finally:
            self._written = pipeline.committed
            pipeline.routes.close()
            receiver.end()
            receiver.join(5.0)
            self._stats.listening = 0
            self._receiving = None
        if failure is not None and not self._wanted():
            raise failure

    def _make_pipeline(
        self, producer: Producer, buffer: Buffer, session: Session, topics: Topics, position: Position
    ) -> Pipeline:
        config = self._config
        assert self._line is not None
        self._writers = Writers(
            self._loaded,
            self._rest,
            ensure_topic=self._ensure_topic,
            classified=self._classified,
            ledger=self._ledger,
        )
        policy = ErrorPolicy(
            tolerate=config["errors.tolerance"] == "all",
            dead_letters=self._writers.letters(topics.dead_letters),
            stats=self._stats,
            log=self._log.warning if config["errors.log.enable"] else None,
            show_events=bool(config["errors.log.include.messages"]),
            protected=bool(config.get("csfle.enabled")),
        )
        most = max(MOST, 2 * len(events(config)))
        routes = Routes(self._writers, config["bridge.schema.latest.ttl.ms"] / 1000, most)
        commits = Commits(producer, OffsetRecords(config.name, session.org_id, topics.offsets), self._stats)
        self._remember_seals(commits)
        return Pipeline(
            connector=config.name,
            topic=topics.output or "",
            buffer=buffer,
            routes=routes,
            producer=producer,
            commits=commits,
            policy=policy,
            stats=self._stats,
            limits=Limits(
                interval=config["bridge.commit.interval.ms"] / 1000,
                max_pending=config["bridge.commit.max.events"],
                max_message_bytes=topics.max_message_bytes,
                max_events=self._goal.max_events,
                until_idle=self._goal.until_idle,
            ),
            open=Open(self._line),
            progress=self._start(position).progress(),
            on_running=self._running,
            on_gap=lambda last: report_gap(self._log, self._stats, last, position),
            uses=self._count_values(commits, routes, topics.offsets),
            records=self._written,
            committed=self._written,
        )

    def _count_values(self, commits: Commits, routes: Routes, topic: str) -> Uses | None:
        """Where anything is encrypted: how often each key was used, over all processes and restarts."""
        assert self._writers is not None
        if self._writers.guard is None:
            return None
        deks, stopped, waiting = self._writers.guard.deks, self._wanted, self._waiting
        return counted(self._loaded, deks, routes, topic, commits.store, stopped, waiting)

    def _remember_seals(self, commits: Commits) -> None:
        """What is sealed is known to the next start before the first record that it was sealed in."""
        key = seals_key(self._config.name)
        self._ledger.store = lambda memory: commits.store(
            key, seals_value(memory.fields, memory.shared, memory.keks)
        )

    def _sealed_changed(self, entries: tuple[Entry, ...]) -> None:
        self._stats.sealed = tuple(entry.document() for entry in entries)
        self._stats.protected_fields = sum(entry.count for entry in entries)

    def _start(self, position: Position) -> Start:
        return Start(
            position.replay_id,
            position.initial or self._config["salesforce.initial.start"],
            position.since_ms,
            position.resume_after,
            position.done,
            position.raw,
            position.resume_raw,
            position.event_id,
        )

    def _source(self, buffer: Buffer, position: Position) -> Source:
        start = self._start(position)
        return open_source(self._config, self._login, self._rest, buffer, self._stats, start)

    def _committed(self, position: Position) -> int | None:
        return self._stats.last_replay_id if self._stats.last_replay_id >= 0 else position.replay_id

    # ---- what is said ----------------------------------------------------------------------------------

    def _running(self) -> None:
        self._stats.state, self._stats.has_run = "RUNNING", True

    def _waiting(self, reason: str) -> None:
        """Kafka is waited for without a limit, and said so: at once, then every ten seconds."""
        self._turn.end()
        now = time.monotonic()
        self._waited_since = self._waited_since or now
        if now - self._said >= 10:
            self._said = now
            self._log.warning("waiting for Kafka (%.0f s so far): %s", now - self._waited_since, reason)
