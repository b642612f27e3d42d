"""A process that runs connectors, with its REST API in front of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from attrs import define, field

from bridge import __version__
from bridge.addresses import is_loopback
from bridge.api import admin, cloud, connect
from bridge.api.console import routes as console
from bridge.api.exchange import Handler
from bridge.api.guard import Guard, origin_of
from bridge.api.peers import Forward, Peers
from bridge.api.server import Listener, Server, bind, forwarder, listeners
from bridge.api.sessions import Sessions
from bridge.api.site import Site
from bridge.api.users import User, UsersFile
from bridge.api.v1.here import Here
from bridge.api.v1.routes import routes
from bridge.config import Config
from bridge.config.egress import ALLOWED
from bridge.errors import BridgeError, Fatal
from bridge.worker.herder import Herder
from bridge.worker.plugins import Plugin
from bridge.worker.process import Process
from bridge.worker.runner import Runner
from bridge.worker.service import Worker


class Make(Protocol):
    """Makes the process behind the API; ``Worker`` and ``Standalone`` are such makers."""

    def __call__(
        self,
        config: Config,
        worker_id: str,
        plugins: Sequence[Plugin] | None,
        on_fatal: Callable[[BridgeError], None],
        stopped: Callable[[], bool],
        /,
    ) -> Process: ...


@define(eq=False)
class Service:
    """What ``sfbridge worker`` runs. ``failure`` is why it must end, if it must.

    ``make``: which kind of process it is; the API in front of it is the same.
    """

    config: Config
    plugins: list[Plugin] | None = None
    stopped: Callable[[], bool] = lambda: False
    make: Make = Worker
    failure: BridgeError | None = None
    worker_id: str = ""
    url: str = ""
    guard: Guard = field(factory=lambda: Guard({}, frozenset()))
    _worker: Process | None = None
    _server: Server | None = None
    _here: Here | None = None
    _ended: bool = False
    _has_console: bool = False

    def start(self) -> None:
        """Bind, answer (503 at first), start the process; returns when it is ready. Raises BridgeError."""
        given = listeners(self.config)
        users: Mapping[str, User] = {}
        if self.config["bridge.rest.users.file"]:
            users = UsersFile(self.config["bridge.rest.users.file"])
        sockets = {}
        for one in given:
            bound = bind(one)
            sockets[Listener(one.scheme, one.host, bound.getsockname()[1])] = bound
        first = _advertised(self.config, next(iter(sockets)))
        self.worker_id = f"{first.host}:{first.port}"
        self.url = f"{first.scheme}://{self.worker_id}"
        worker = self._worker = self.make(
            self.config, self.worker_id, self.plugins, self._failed, self.stopped
        )
        hosts = {"localhost", "127.0.0.1", "::1", first.host, *(one.host for one in sockets)}
        hosts |= {name.lower() for name in self.config["bridge.rest.allowed.hosts"]}
        sessions = worker_sessions(worker)
        guard = self.guard = Guard(users, frozenset(hosts), own_origins(self.config, first), sessions)
        forward = forwarder(
            first.scheme, self.worker_id, self.config["listeners.https.ssl.keystore.location"]
        )
        self._here = here(worker, guard, forward)
        ours, needs = routes(self._here)
        every = {**table(worker, self.config), **ours}
        self._has_console = has_console(self.config)
        pages, paths, roles = console.routes(lambda: site, guard)
        if self._has_console:
            every, needs = {**every, **paths}, {**needs, **roles}
        site = Site(
            every,
            guard,
            self.worker_id,
            worker.ready.is_set,
            lambda: worker.stage,
            forward,
            worker.catch_up,
            literals=not self.config["bridge.rest.mask.literals"],
            needs=needs,
            entrance=pages.entrance,
            shown=pages.refusal,
        )
        self._server = Server(site, sockets, self.config)
        if self._server.expires is not None:
            worker.metrics.expiries["listeners.https.ssl.keystore"] = self._server.expires
        self._server.start()
        worker.watch.start()
        try:
            worker.start()
        except BaseException:
            self._server.stop()
            worker.watch.stop()
            raise

    def stop(self) -> None:
        """Hand over, drain, end."""
        if self._ended:
            return
        self._ended = True
        if self._here is not None:
            self._here.jobs.stop()
        if self._worker is not None:
            self._worker.stop()
            self._worker.watch.stop()
        if self._server is not None:
            self._server.stop()

    def unfinished(self) -> list[tuple[str, str]]:
        """Connectors that a stop left with something undone: name, and what, in words."""
        return self._worker.unfinished() if self._worker is not None else []

    def front(self) -> tuple[str, str]:
        """The first page that a person opens, in a word, and its address."""
        return ("console", f"{self.url}/console/") if self._has_console else ("REST", self.url)

    def open_door(self) -> str | None:
        """What whoever reaches a listener may do, in one sentence; None where it is asked who that is."""
        return open_door(self.config)

    @property
    def worker(self) -> Process:
        """The process behind the API."""
        assert self._worker is not None
        return self._worker

    def _failed(self, error: BridgeError) -> None:
        self.failure = error if isinstance(error, Fatal) else self.failure


def worker_sessions(worker: Process) -> Sessions:
    """Sign-ins that every worker of the group accepts: the key and what was ended stand in its topics."""

    def end(digest: str, until: int) -> None:
        assert worker.herder is not None
        worker.herder.sign_out(digest, until)

    group = str(worker.config["group.id"])
    return Sessions(group, lambda: worker.state.sign_in_key, end, worker.state.signed_out.__contains__)


def here(worker: Process, guard: Guard, forward: Forward) -> Here:
    """What the calls under ``/bridge/v1/`` ask."""

    def herder() -> Herder:
        assert worker.herder is not None
        return worker.herder

    def runner() -> Runner:
        assert worker.runner is not None
        return worker.runner

    def workers() -> frozenset[str]:
        return frozenset(worker.state.assignment.workers)

    return Here(
        worker.worker_id,
        worker.config,
        worker.state,
        worker.metrics,
        worker.watch,
        worker.loggers,
        herder,
        runner,
        guard,
        Peers(worker.worker_id, workers, forward),
        worker.started_at,
    )


def own_origins(config: Config, first: Listener) -> frozenset[str]:
    """What our own pages' address may be besides a listener's: behind a proxy, often without a port."""
    ports = [f":{first.port}", *([""] if config["rest.advertised.port"] is None else [])]
    return frozenset(origin_of(first.scheme, f"{first.host}{port}") for port in ports)


def has_console(config: Config) -> bool:
    """Whether pages are served: unless told otherwise, where it is asked who somebody is, or only this machine asks."""
    told = config[console.ENABLED]
    if told is not None:
        return bool(told)
    return bool(config["bridge.rest.users.file"]) or all(is_loopback(one.host) for one in listeners(config))


def open_door(config: Config) -> str | None:
    """As :meth:`Service.open_door`."""
    if config["bridge.rest.users.file"]:
        return None
    everywhere = any(not is_loopback(one.host) for one in listeners(config))
    who = "whoever reaches a listener" if everywhere else "any user of this machine"
    read = (
        f", have them read what config.providers ({','.join(names)}) allow"
        if (names := _providers(config))
        else ""
    )
    where = "the hosts of bridge.egress.allowed" if config[ALLOWED] else "any host"
    return (
        f"nobody is asked who they are: {who} may see, create, change and stop connectors, read what is in their topics"
        f"{read}, and have this worker connect to {where} and write to every topic that it may write to; "
        "bridge.rest.users.file changes that"
    )


def _providers(config: Config) -> list[str]:
    return list(config["config.providers"])


def _advertised(config: Config, first: Listener) -> Listener:
    every = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound to
    host = config["rest.advertised.host.name"] or first.host
    if host in every:
        import socket

        host = socket.gethostname()
    scheme = config["rest.advertised.listener"] or first.scheme
    return Listener(scheme, host, config["rest.advertised.port"] or first.port)


def table(worker: Process, config: Config) -> dict[str, dict[str, Handler]]:
    """Every route of a worker."""

    def herder() -> Herder:
        assert worker.herder is not None
        return worker.herder

    pinned = {
        "environment": config.raw().get("bridge.cloud.environment.id", ""),
        "cluster": config["bridge.cloud.kafka.cluster.id"] or "",
    }
    return {
        **connect.routes(connect.Connect(herder, lambda: worker.cluster_id, f"sfbridge-{__version__}")),
        **cloud.routes(cloud.Cloud(herder, config["group.id"], pinned)),
        **admin.routes(
            admin.Admin(
                worker.loggers,
                lambda: worker.leader,
                worker.ready.is_set,
                lambda: worker.stage,
                worker.scrape,
            )
        ),
    }
