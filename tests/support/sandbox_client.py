"""A bare client of the simulated org, for its own tests: whatever it sends and gets is in plain sight."""

from __future__ import annotations

import http.client
import json
import ssl
from typing import Any
from urllib.parse import urlencode

from bridge.sandbox.org import Org

Message = dict[str, Any]


class Client:
    """One connection, with the cookies it was given."""

    def __init__(self, org: Org, *, version: str = "66.0", login: bool = True) -> None:
        self.org = org
        self.version = version
        self.client_id = ""
        self.headers: dict[str, str] = {}
        self.last: http.client.HTTPResponse | None = None
        self._context = ssl.create_default_context(cafile=str(org.ca_file))
        self._connection = http.client.HTTPSConnection(
            "localhost", org.port, context=self._context, timeout=20
        )
        if login:
            self.login()

    def login(self, **changes: str) -> Message:
        """The password grant; the token is used from now on."""
        known = self.org.credentials
        form = {
            "grant_type": "password",
            "client_id": known.client_id,
            "client_secret": known.client_secret,
            "username": known.username,
            "password": known.password + known.security_token,
            **changes,
        }
        answer = self.token(form)
        if "access_token" in answer:
            self.headers["Authorization"] = f"Bearer {answer['access_token']}"
        return answer

    def token(self, form: dict[str, str]) -> Message:
        """Any token request."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        body = self.request("POST", "/services/oauth2/token", urlencode(form), headers)
        answer: Message = json.loads(body)
        return answer

    def request(
        self, method: str, path: str, body: str | bytes | None = None, headers: dict[str, str] | None = None
    ) -> bytes:
        """One request; the response is in ``last``. Connects anew after the server cut the connection."""
        self._connection.request(method, path, body, {**self.headers, **(headers or {})})
        self.last = self._connection.getresponse()
        cookie = self.last.getheader("Set-Cookie")
        if cookie:
            self.headers["Cookie"] = cookie.split(";")[0]
        return self.last.read()

    def get(self, path: str) -> Any:
        """GET below ``/services/data/v66.0``, parsed."""
        return json.loads(self.request("GET", f"/services/data/v{self.version}{path}"))

    def post(self, path: str, body: Any) -> Any:
        """POST JSON, parsed."""
        headers = {"Content-Type": "application/json"}
        return json.loads(self.request("POST", path, json.dumps(body), headers))

    def send(self, *messages: Message, suffix: str = "") -> list[Message]:
        """Bayeux messages in one request; the replies in order of arrival."""
        path = f"/cometd/{self.version}{suffix}"
        replies: list[Message] = self.post(path, list(messages))
        return replies

    def handshake(self) -> Message:
        """A handshake; its client id is used from now on."""
        message = {
            "channel": "/meta/handshake",
            "version": "1.0",
            "minimumVersion": "1.0",
            "supportedConnectionTypes": ["long-polling"],
            "ext": {"replay": True},
            "id": "1",
        }
        (answer,) = self.send(message, suffix="/handshake")
        self.client_id = answer.get("clientId", "")
        return answer

    def connect_message(self, **fields: Any) -> Message:
        """A poll."""
        return {
            "channel": "/meta/connect",
            "clientId": self.client_id,
            "connectionType": "long-polling",
            "id": "2",
            **fields,
        }

    def connect(self, **fields: Any) -> tuple[Message, list[Message]]:
        """A poll: the reply to it, and the events that came with it."""
        replies = self.send(self.connect_message(**fields), suffix="/connect")
        own = [reply for reply in replies if reply["channel"] == "/meta/connect"]
        return own[0], [reply for reply in replies if "data" in reply]

    def subscribe(self, channel: str, replay: Any = None) -> Message:
        """A subscription, with a replay option where one is given."""
        message: Message = {
            "channel": "/meta/subscribe",
            "clientId": self.client_id,
            "subscription": channel,
            "id": "3",
        }
        if replay is not None:
            message["ext"] = {"replay": {channel: replay}}
        return self.send(message, suffix="/subscribe")[0]

    def started(self, channel: str, replay: Any = None) -> Client:
        """Handshake, first connect, subscription."""
        self.handshake()
        self.connect()
        answer = self.subscribe(channel, replay)
        assert answer["successful"], answer
        return self

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def replay_ids(events: list[Message]) -> list[int]:
    """The replay ids of event messages."""
    return [event["data"]["event"]["replayId"] for event in events]
