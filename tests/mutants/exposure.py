"""Mutants of where values get beside the record: who may ask, names of topics, errors, logs, previews."""

from __future__ import annotations

from typing import Final

from tests.mutants.mutant import Mutant

_EXPOSURE = "tests/unit/routing/test_exposure.py"
_SESSIONS = "tests/unit/api/test_sessions.py"
_WORK = "tests/unit/api/v1/test_work.py"

EXPOSURE: Final = (
    # ---- who may ask ------------------------------------------------------------------------------------------------
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
    # ---- names of topics --------------------------------------------------------------------------------------------
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
    # ---- what is said and shown -------------------------------------------------------------------------------------
    Mutant(
        "quote a value",
        "bridge/transforms/chain.py",
        "return error.without_value or error.message",
        "return error.message",
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
    Mutant(
        "a preview shows what nobody protects though something has to be",
        "bridge/inspection/preview.py",
        "if refusal is None and self._declared.nothing(",
        "if refusal is not None and self._declared.nothing(",
        ("tests/unit/cli/test_preview.py",),
    ),
    Mutant(
        "SDKs write at the level of the root logger",
        "bridge/worker/loggers.py",
        "if refusal(one, level) is None and _logger(one).level != number",
        "if _logger(one).level != number",
        ("tests/unit/encryption/test_sdk_logs.py",),
    ),
    Mutant(
        "a lifecycle event of a run quotes a secret", "bridge/worker/telling.py",
        "reason = None if reason is None else masked(reason)", "reason = None if reason is None else reason",
        ("tests/unit/worker/test_telling.py",),
    ),
)  # fmt: skip
