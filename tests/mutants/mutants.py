"""Which mutants there are. ``old`` stands in the file exactly once; one whose text is gone is a fault of this list.

Written by what could go wrong, not by what the tests cover: one that survives is a test to be written.
"""

from __future__ import annotations

from typing import Final

from attrs import frozen


@frozen
class Mutant:
    """One change. ``tests``: those concerned, as pytest takes them."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


_SOURCES, _EXPOSURE = "tests/unit/metadata/test_sources.py", "tests/unit/routing/test_exposure.py"
_PERMITTED = "tests/unit/encryption/test_permitted.py"
_RULES, _DEKS = "tests/unit/encryption/test_rules.py", "tests/unit/encryption/test_deks.py"
_COVERAGE = ("tests/unit/routing/test_coverage.py", "tests/unit/routing/test_tag_sources.py")
_LEDGER = "tests/unit/routing/test_ledger.py"
_LOOP, _POSITIONS = "tests/unit/pipeline/test_loop.py", "tests/unit/pipeline/test_loop_positions.py"
_PROOF, _USES = "tests/unit/reading/test_proof.py", "tests/unit/encryption/test_uses.py"
_NOBODY, _ANSWERS = "tests/unit/routing/test_nobody_else.py", "tests/unit/encryption/test_dek_registry.py"
_CHANGES = "tests/unit/metadata/test_changes.py"
_REWRAP = "tests/unit/cli/test_keys_rewrap.py"
_SESSIONS, _WORK = "tests/unit/api/test_sessions.py", "tests/unit/api/v1/test_work.py"
_FOLLOWED = "tests/integration/test_followed.py"
_KEPT = "tests/unit/kafka/test_kept.py"
_RUNNER, _TELLING = "tests/unit/worker/test_runner.py", "tests/unit/worker/test_telling.py"

MUTANTS: Final = (
    # ---- who may ask --------------------------------------------------------------------------------------------
    Mutant(
        "a cookie alone changes something",
        "bridge/api/guard.py",
        "if visitor.session is None or not visitor.by_cookie:",
        "if visitor is not None:",
        (_SESSIONS,),
    ),
    Mutant(
        "a sign-in outlives the password",
        "bridge/api/sessions.py",
        "user.generation() != content.generation",
        "not content.generation",
        (_SESSIONS,),
    ),
    Mutant(
        "a client names the worker that is asked",
        "bridge/api/v1/jobs.py",
        "if worker not in self.here.workers():",
        "if not worker:",
        (_WORK,),
    ),
    Mutant(
        "checks quote what an address answers",
        "bridge/api/v1/checks.py",
        "seconds=_CHECK_SECONDS, quotes=False",
        "seconds=_CHECK_SECONDS, quotes=True",
        (_WORK,),
    ),
    Mutant(
        "a preview shows what nobody protects though something has to be",
        "bridge/inspection/preview.py",
        "if refusal is None and self._declared.nothing(",
        "if refusal is not None and self._declared.nothing(",
        ("tests/unit/cli/test_preview.py",),
    ),
    # ---- tags ---------------------------------------------------------------------------------------------------
    Mutant(
        "ignore the contract's tags",
        "bridge/metadata/classification.py",
        'return dict.fromkeys(contract.fields[name].tags, "contract")',
        "return {}",
        (_SOURCES, *_COVERAGE),
    ),
    Mutant(
        "a classification that is not known yet is no tag",
        "bridge/metadata/classification.py",
        "unknown.extend(sorted(unnamed & declared))",
        "pass",
        (_SOURCES,),
    ),
    Mutant(
        "a field that is gone in Salesforce is not tagged",
        "bridge/metadata/classification.py",
        "tags = every_tag(contract)",
        "tags: dict[str, str] = {}",
        (_SOURCES,),
    ),
    Mutant(
        "the last classification of a field that is gone is forgotten",
        "bridge/metadata/classification.py",
        "{**self._last[event.name], **classified}",
        "{**classified}",
        (_SOURCES,),
    ),
    Mutant(
        "a schema that is new does not ask for the classification",
        "bridge/metadata/classification.py",
        "if not new and asked > fresh_since and not is_short:",
        "if asked > fresh_since and not is_short:",
        (_SOURCES,),
    ),
    Mutant(
        "a classification that may not be read is none, though the connector encrypts",
        "bridge/metadata/classification.py",
        "if self._protecting or protects(contract):",
        "if protects(contract):",
        (_SOURCES,),
    ),
    Mutant(
        "skip nested places",
        "bridge/languages/avro/places.py",
        "            self.type(entry[\"type\"], space, full)\n            word",
        "            word",
        (_RULES, "tests/unit/languages/test_tagging.py", "tests/unit/routing/test_following.py"),
    ),
    # ---- rules --------------------------------------------------------------------------------------------------
    Mutant(
        "count a rule by its name",
        "bridge/model/contract.py",
        "elif not covers(rules[place], rule_document(rule)):",
        "elif False:",
        _COVERAGE,
    ),
    Mutant(
        "what the registry answers counts, without the contract over it",
        "bridge/routing/planning.py",
        "return with_rules(with_contract(stored, self.contract), self.more_rules)",
        "return stored",
        _COVERAGE,
    ),
    Mutant(
        "run READ rules",
        "bridge/encryption/rules.py",
        "return _of_mode(rules, WRITING, metadata, say, first, own)",
        "return _of_mode(rules, (*WRITING, *READING), metadata, say, first, own)",
        (_RULES, "tests/unit/routing/test_protected.py"),
    ),
    Mutant(
        "a rule of another kind than TRANSFORM runs",
        "bridge/encryption/rules.py",
        'if kind != "TRANSFORM":',
        "if False:",
        (_RULES,),
    ),
    Mutant(
        "a disabled rule protects",
        "bridge/encryption/rules.py",
        'return rule.get("type") in (FIELDS, PAYLOAD) and not rule.get("disabled") and',
        'return rule.get("type") in (FIELDS, PAYLOAD) and',
        (_RULES, _LEDGER, *_COVERAGE),
    ),
    Mutant(
        "a rule without tags passes over no container",
        "bridge/encryption/rules.py",
        "if rule.meets(tags) and (rule.tags or not place.container))",
        "if rule.meets(tags))",
        (_RULES,),
    ),
    # ---- seals and keys -----------------------------------------------------------------------------------------
    Mutant(
        "what was protected may get out",
        "bridge/routing/ledger.py",
        "if lost and not self.allow:",
        "if False:",
        (_LEDGER,),
    ),
    Mutant(
        "nothing protected is no fault",
        "bridge/routing/ledger.py",
        "if not entry.count and not self.may_be_plain(event, contract):",
        "if False:",
        (_LEDGER,),
    ),
    Mutant(
        "rules without encryption need no acknowledgement",
        "bridge/routing/registration.py",
        "if stored.encrypts() and self._guard is None and not self._plaintext:",
        "if False:",
        ("tests/unit/routing", "tests/integration/test_run_avro.py"),
    ),
    Mutant(
        "use keyMaterial unasked",
        "bridge/encryption/deks.py",
        "if kek.shared and dek.plain is not None:\n            return dek.plain",
        "if dek.plain is not None:\n            return dek.plain",
        (_DEKS, _PERMITTED),
    ),
    Mutant(
        "a KEK may become shared when the registry says so",
        "bridge/encryption/identities.py",
        "        self._check_shared(kek, says)\n",
        "",
        (_PERMITTED, _LEDGER),
    ),
    Mutant(
        "a key on somebody's host is used",
        "bridge/encryption/permitted.py",
        "return (wanted.scheme, wanted.netloc) == (actual.scheme, actual.netloc)",
        "return True",
        (_PERMITTED,),
    ),
    Mutant(
        "another key than the rule names is used",
        "bridge/encryption/deks.py",
        "if different:",
        "if False:",
        (_DEKS,),
    ),
    Mutant(
        "a dead letter is written as it came",
        "bridge/routing/letters.py",
        "self.inner.record(sealed, error, came)",
        "self.inner.record(raw, error, came)",
        ("tests/integration/test_encryption_leaks.py",),
    ),
    Mutant(
        "a ciphertext of 16 to 27 bytes is opened",
        "bridge/encryption/envelope.py",
        "if len(body) < IV + TAG:",
        "if len(body) < TAG:",
        ("tests/unit/encryption/test_envelope.py",),
    ),
    Mutant(
        "an encoder that seals too little makes a route",
        "bridge/routing/ledger.py",
        "        entry = self._balanced(event, written, reach, rules, frozenset(placed))\n",
        "        entry = Entry(event, written.registered.subject, written.registered.version, tuple(placed))\n",
        (_LEDGER,),
    ),
    # ---- where values get -----------------------------------------------------------------------------------------
    Mutant(
        "a template's fields are not judged",
        "bridge/routing/exposure.py",
        'return [words for name, words in self.fields.items() if name in names]',
        "return []",
        (_EXPOSURE,),
    ),
    Mutant(
        "a topic is judged when its subject is registered",
        "bridge/routing/exposure.py",
        "            self.judge(before, version)\n        elif",
        "            pass\n        elif",
        (_EXPOSURE,),
    ),
    Mutant(
        "a topic is asked for before it is judged",
        "bridge/routing/transforming.py",
        "self.exposure.judge_declared(marked(schema, asked.remembered, REMEMBERED), registered)",
        "pass",
        (_EXPOSURE,),
    ),
    Mutant(
        "an error names the topic that a value makes",
        "bridge/routing/transforming.py",
        "error.unsay(record.topic, _OF_EVENT)",
        "pass",
        (_EXPOSURE,),
    ),
    Mutant(
        "quote a value",
        "bridge/transforms/chain.py",
        "what = error.without_value or error.message",
        "what = error.message",
        ("tests/unit/transforms/test_quoting.py",),
    ),
    Mutant(
        "quote the exception of an event",
        "bridge/routing/conversion.py",
        "traceback_words(error, of_event=True)",
        "str(error)",
        ("tests/unit/routing/test_conversion.py",),
    ),
    Mutant(
        "quote whatever stands as a field's name",
        "bridge/errors/words.py",
        'if all(_API_NAME.fullmatch(part) for part in name.split("."))',
        "if True",
        ("tests/unit/errors/test_words.py",),
    ),
    Mutant(
        "show an event's content though the connector encrypts",
        "bridge/pipeline/policy.py",
        "if not self.protected:",
        "if True:",
        ("tests/integration/test_encryption_leaks.py",),
    ),
    Mutant(
        "let control characters through",
        "bridge/errors/words.py",
        'return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)',
        "return text",
        ("tests/unit/errors/test_words.py", "tests/unit/test_log.py"),
    ),
    Mutant(
        "preview shows what is protected",
        "bridge/inspection/masking.py",
        "if MARK in field.tags:",
        "if False:",
        ("tests/unit/cli/test_preview.py",),
    ),
    # ---- positions ------------------------------------------------------------------------------------------------
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
    # ---- tools for keys -----------------------------------------------------------------------------------------
    Mutant(
        "a topic is proved by each record's own version",
        "bridge/reading/protected.py",
        "return moved.union(*(self._tags.get(path, ()) for path in paths))",
        "return moved",
        (_PROOF,),
    ),
    Mutant(
        "a proof that proved nothing is one",
        "bridge/reading/proof.py",
        "        if self.encrypted:\n            return None\n",
        "        if True:\n            return None\n",
        (_PROOF,),
    ),
    Mutant(
        "soft-deleted versions have no say in a proof",
        "bridge/reading/proof.py",
        "self._registry.versions(subject, deleted=True)",
        "self._registry.versions(subject)",
        (_PROOF,),
    ),
    Mutant(
        "what the contract lists adds to the tags and takes none away",
        "bridge/reading/protected.py",
        "                return set(listed[path].tags)\n",
        "                continue\n",
        (_PROOF,),
    ),
    Mutant(
        "after a rewrap the first key wraps again",
        "bridge/encryption/deks.py",
        "lambda kms: kms.wrap(material), newest_key(self, kek))",
        "lambda kms: kms.wrap(material))",
        (_REWRAP,),
    ),
    Mutant(
        "a rewrap asks nobody whether connectors would take the key",
        "bridge/cli/keys.py",
        "    check_target(kek, args.to, _alternates(args), worker_of(args)[\"bridge.kms.allowed.keys\"])\n",
        "",
        (_REWRAP,),
    ),
    Mutant(
        "a key that no KEK names can always be retired",
        "bridge/cli/keys_verify.py",
        "    if not named:\n",
        "    if False:\n",
        (_REWRAP,),
    ),
    Mutant(
        "values are encrypted before they are reserved",
        "bridge/encryption/uses.py",
        "ivs.left, ivs.more = 0, partial(self._more, key)",
        "ivs.left, ivs.more = 8192, partial(self._more, key)",
        (_USES,),
    ),
    Mutant(
        "what other connectors encrypted does not count",
        "bridge/encryption/uses.py",
        "total = self.reserved.get(key, 0) + self._others.get(key, 0)",
        "total = self.reserved.get(key, 0)",
        (_USES,),
    ),
    Mutant(
        "a DEK is used beyond what is safe",
        "bridge/encryption/uses.py",
        "if total + block > MOST:",
        "if total + block > 2**40:",
        (_USES,),
    ),
    Mutant(
        "SDKs write at the level of the root logger",
        "bridge/worker/loggers.py",
        "every = sorted(one for one in meant if refusal(one, level) is None)",
        "every = sorted(meant)",
        ("tests/unit/encryption/test_sdk_logs.py",),
    ),
    Mutant(
        "a refused login is tried at every restart",
        "bridge/salesforce/auth.py",
        "if self._known is not None and self.again_in() > 0:",
        "if self._known is not None and not self._again:",
        ("tests/unit/salesforce/auth/test_auth_refusals.py",),
    ),
    Mutant(
        "a registry's properties give a contract's rule its parameters", "bridge/encryption/rules.py",
        "if own is not None and name in first:", "if False:", (_NOBODY,),
    ),
    Mutant(
        "an answer about another key is used", "bridge/encryption/dek_registry.py", "if wanted != there:", "if False:",
        (_ANSWERS,),
    ),
    Mutant(
        "what a contract tags is let out when a registered rule goes", "bridge/routing/ledger.py",
        "for name, said in contract.fields.items() if not said.tags}", "for name, said in contract.fields.items()}",
        (_NOBODY,),
    ),
    Mutant(
        "what a change's header repeats is not tagged", "bridge/metadata/changes.py",
        "schema, same.get(name, frozenset())", "schema", (_CHANGES,),
    ),
    Mutant(
        "parts of a name are not tagged as the name is", "bridge/metadata/classification.py",
        "own = {**of(whole.name), **own}", "own = {**own}", (_CHANGES,),
    ),
    Mutant(
        "a part of an address is not tagged where its value stands", "bridge/metadata/changes.py",
        "schema_of(parts[part])), frozenset(parts[part].tags)", "schema_of(parts[part]))", (_CHANGES,),
    ),
    Mutant(
        "another tag of a part makes no other route", "bridge/routing/telling.py",
        "for f in event.fields for c in f.children)", "for f in event.fields for c in ())",
        ("tests/unit/routing/test_telling.py",),
    ),
    # ---- the Pub/Sub API ----------------------------------------------------------------------------------------
    Mutant(
        "Pub/Sub: a protected field is taken over as it came", "bridge/formats/avro/code.py",
        "if at.target.seal is not None:\n        return _sealed(at, at.target.seal)",
        "if at.target.seal is not None and at.source.encoded is None:\n        return _sealed(at, at.target.seal)",
        ("tests/contract/test_same_records.py",),
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
        "if time.time() - self.stats.last_committed_at >= _IDLE_EVERY:", "if True:", (_POSITIONS,),
    ),
    Mutant(
        "Pub/Sub: an id of an idle stream that CometD does not know is a gap", "bridge/salesforce/recovery.py",
        "if (given_up := self.cursor.stand_on_event()) is not None:", "if (given_up := None) is not None:",
        ("tests/contract/test_positions.py",),
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
        "if value is None or name not in self.state.configs:", "if value is None:", (_TELLING,),
    ),
    Mutant(
        "a lifecycle event of a run quotes a secret", "bridge/worker/telling.py",
        "reason = None if reason is None else masked(reason)", "reason = None if reason is None else reason",
        (_TELLING,),
    ),
    Mutant(
        "a lifecycle event has a control character in its subject", "bridge/worker/lifecycle.py",
        '_DISALLOWED.sub("\\ufffd", change.connector)', "_unicode(change.connector)",
        ("tests/unit/worker/test_lifecycle.py",),
    ),
)  # fmt: skip
