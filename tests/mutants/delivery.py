"""Mutants of delivery: positions, the sources in Salesforce, the workers that share the connectors."""

from __future__ import annotations

from typing import Final

from tests.mutants.mutant import Mutant

_LOOP = "tests/unit/pipeline/test_loop.py"
_POSITIONS = "tests/unit/pipeline/test_loop_positions.py"
_FOLLOWED = "tests/integration/test_followed.py"
_KEPT = "tests/unit/kafka/test_kept.py"
_RUNNER = "tests/unit/worker/test_runner.py"

DELIVERY: Final = (
    # ---- positions --------------------------------------------------------------------------------------------------
    Mutant(
        "at least once, the position is written before the flush",
        "bridge/kafka/producer.py",
        "            self.flush()\n            if position is not None:\n                self.send(position)\n",
        "            if position is not None:\n                self.send(position)\n            self.flush()\n",
        ("tests/integration/test_at_least_once.py",),
    ),
    Mutant(
        "a dead letter too large for its topic is not judged",
        "bridge/kafka/dead_letter.py",
        "if len(raw) > self.max_bytes:",
        "if False:",
        ("tests/unit/pipeline/test_loop_unreadable.py", "tests/unit/kafka/test_dead_letter.py"),
    ),
    Mutant(
        "--max-events is not counted anew after a schema was asked for",
        "bridge/pipeline/loop.py",
        "route, room = self._resolve(message, batch, events, done), self._room()",
        "route = self._resolve(message, batch, events, done)",
        (_LOOP,),
    ),
    Mutant(
        "an event without EventUuid after a gap is taken for one that was delivered",
        "bridge/salesforce/cursor.py",
        "        self._recent.forget_nameless()\n",
        "",
        ("tests/unit/salesforce/test_cursor.py",),
    ),
    Mutant(
        "what was cleared for somebody else is taken for no position", "bridge/kafka/followed.py",
        "if self._complete == self._kept.version:", "if True:", (_FOLLOWED,),
    ),
    Mutant(
        "a topic that is made anew holds positions of before", "bridge/kafka/kept.py",
        "if any(part not in ends or ends[part][1] < reached for", "if any(False for", (_FOLLOWED, _KEPT),
    ),
    Mutant(
        "a question for a position is answered by an end of before", "bridge/kafka/followed.py",
        "self._tickets.answered, self._reason = drawn, None",
        "self._tickets.answered, self._reason = self._tickets.drawn + 1, None", (_FOLLOWED,),
    ),
    # ---- Salesforce -------------------------------------------------------------------------------------------------
    Mutant(
        "a refused login is tried at every restart",
        "bridge/salesforce/auth.py",
        "if self._known is not None and self.again_in() > 0:",
        "if self._known is not None and not self._again:",
        ("tests/unit/salesforce/auth/test_auth_refusals.py",),
    ),
    Mutant(
        "Pub/Sub: a position is forgotten", "bridge/salesforce/pubsub/replay.py",
        "return wire.CUSTOM, raw if known", "return wire.LATEST, raw if known", ("tests/contract/test_sources.py",),
    ),
    Mutant(
        "Pub/Sub: more than a hundred are asked for", "bridge/salesforce/pubsub/source.py",
        "ask(self._most - stream.subscription.outstanding)", "ask(self._most)",
        ("tests/unit/salesforce/pubsub/test_source.py",),
    ),
    Mutant(
        "Pub/Sub: a connection that fell silent is used again", "bridge/salesforce/pubsub/stream.py",
        "self.client.distrust()", "pass", ("tests/unit/salesforce/pubsub/test_source.py",),
    ),
    Mutant(
        "Pub/Sub: an idle stream's position is ahead of what is in Kafka", "bridge/pipeline/loop.py",
        "self._commit()\n        self.progress.stand_on(", "self.progress.stand_on(", (_POSITIONS,),
    ),
    Mutant(
        "Pub/Sub: each keep-alive is a commit", "bridge/pipeline/loop.py",
        "if time.monotonic() - self.commits.last_at >= _IDLE_EVERY:", "if True:", (_POSITIONS,),
    ),
    Mutant(
        "Pub/Sub: an id of an idle stream that CometD does not know is a gap", "bridge/salesforce/recovery.py",
        "if (given_up := self.cursor.stand_on_event()) is not None:", "if (given_up := None) is not None:",
        ("tests/contract/test_positions.py",),
    ),
    # ---- workers ----------------------------------------------------------------------------------------------------
    Mutant(
        "the word that frees a connector is of the new epoch", "bridge/worker/hosted.py",
        "return self._records(hosted, view, NOBODY, generation)",
        "return self._records(hosted, view, NOBODY, self.state.assignment.epoch)", (_RUNNER,),
    ),
    Mutant(
        "an owner does not repeat itself when it reads otherwise", "bridge/worker/hosted.py",
        "return self._lost(view, by, state)", "return False", (_RUNNER,),
    ),
    Mutant(
        "half an epoch is seen", "bridge/worker/assignment.py",
        "self._told[connector] = epoch, worker\n        return False",
        "self._told[connector] = epoch, worker\n        return self._give(connector, worker)",
        ("tests/unit/worker/test_assignment.py",),
    ),
    Mutant(
        "a lifecycle event comes after that of the deletion", "bridge/worker/telling.py",
        "if value is None or name not in self.state.configs:", "if value is None:",
        ("tests/unit/worker/test_telling.py",),
    ),
    Mutant(
        "a lifecycle event has a control character in its subject", "bridge/worker/lifecycle.py",
        '_DISALLOWED.sub("\\ufffd", change.connector)', "_unicode(change.connector)",
        ("tests/unit/worker/test_lifecycle.py",),
    ),
)  # fmt: skip
