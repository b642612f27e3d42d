"""Mutants of encryption: what is sealed, with whose keys, and the tools for keys."""

from __future__ import annotations

from typing import Final

from tests.mutants.mutant import Mutant

_PERMITTED = "tests/unit/encryption/test_permitted.py"
_DEKS = "tests/unit/encryption/test_deks.py"
_LEDGER = "tests/unit/routing/test_ledger.py"
_PROOF = "tests/unit/reading/test_proof.py"
_USES = "tests/unit/encryption/test_uses.py"
_ANSWERS = "tests/unit/encryption/test_dek_registry.py"
_REWRAP = "tests/unit/cli/test_keys_rewrap.py"

KEYS: Final = (
    # ---- seals ------------------------------------------------------------------------------------------------------
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
        "if not self.may_be_plain(event, contract):",
        "if False:",
        (_LEDGER,),
    ),
    Mutant(
        "rules without encryption need no acknowledgement",
        "bridge/routing/registration.py",
        "if stored.encrypts() and not encrypts and not plaintext:",
        "if False:",
        ("tests/unit/routing", "tests/integration/test_run_avro.py"),
    ),
    Mutant(
        "an encoder that seals too little makes a route",
        "bridge/routing/ledger.py",
        "        entry = self._balanced(event, written, reach, rules, frozenset(placed))\n",
        "        entry = Entry(event, written.registered.subject, written.registered.version, tuple(placed))\n",
        (_LEDGER,),
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
        "Pub/Sub: a protected field is taken over as it came", "bridge/formats/avro/code.py",
        "if at.target.seal is not None:\n        return _sealed(at, at.target.seal)",
        "if at.target.seal is not None and at.source.encoded is None:\n        return _sealed(at, at.target.seal)",
        ("tests/contract/test_same_records.py",),
    ),
    # ---- keys -------------------------------------------------------------------------------------------------------
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
        "an answer about another key is used", "bridge/encryption/dek_registry.py", "if wanted != there:", "if False:",
        (_ANSWERS,),
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
    # ---- tools for keys ---------------------------------------------------------------------------------------------
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
)  # fmt: skip
