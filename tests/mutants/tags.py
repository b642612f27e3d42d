"""Mutants of what has to be protected: where tags come from, how far they reach, which rules count."""

from __future__ import annotations

from typing import Final

from tests.mutants.mutant import Mutant

_SOURCES = "tests/unit/metadata/test_sources.py"
_RULES = "tests/unit/encryption/test_rules.py"
_COVERAGE = ("tests/unit/routing/test_coverage.py", "tests/unit/routing/test_tag_sources.py")
_NOBODY = "tests/unit/routing/test_nobody_else.py"
_CHANGES = "tests/unit/metadata/test_changes.py"

TAGS: Final = (
    # ---- tags -------------------------------------------------------------------------------------------------------
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
    # ---- rules ------------------------------------------------------------------------------------------------------
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
        (_RULES, "tests/unit/routing/test_ledger.py", *_COVERAGE),
    ),
    Mutant(
        "a rule without tags passes over no container",
        "bridge/encryption/rules.py",
        "if rule.meets(tags) and (rule.tags or not place.container))",
        "if rule.meets(tags))",
        (_RULES,),
    ),
    Mutant(
        "a registry's properties give a contract's rule its parameters", "bridge/encryption/rules.py",
        "if own is not None and name in first:", "if False:", (_NOBODY,),
    ),
    Mutant(
        "what a contract tags is let out when a registered rule goes", "bridge/routing/ledger.py",
        "for name, said in contract.fields.items() if not said.tags}", "for name, said in contract.fields.items()}",
        (_NOBODY,),
    ),
)  # fmt: skip
