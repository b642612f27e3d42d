"""Where an event's values get besides the value that is encrypted, and whether protected ones do.

By themselves they get into the topic (``kafka.topic=x-${Field__c}``) and into the record's timestamp
(``bridge.record.timestamp``); transforms bring them into key, headers, topic, timestamp or another type. It is judged
before any route is resolved, by what the contract, the data classification and the registry declare by then: a topic
or a subject named after a protected value would tell it to everybody. It is judged again by the version that writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from attrs import frozen

from bridge.config import Config, TopicTemplate
from bridge.config.topics import CONSTANTS
from bridge.encryption.rules import PAYLOAD, protecting, protects, runs
from bridge.errors import Fatal, Stage
from bridge.languages.tagging import Path, tags_in
from bridge.model.registered import Registered
from bridge.model.schema import Schema
from bridge.routing.following import REMEMBERED, follow
from bridge.transforms.chain import Chain


@frozen
class Exposure:
    """What a connector's configuration brings where. ``fields``: a field of the event → what is done with it."""

    chain: Chain
    fields: Mapping[str, str]
    acknowledged: bool = False
    """Somebody said that nothing is protected where no rule is (``bridge.csfle.allow.plaintext``)."""

    @classmethod
    def of(cls, config: Config, template: TopicTemplate, chain: Chain) -> Exposure:
        """The connector's, with its transforms."""
        fields = {
            name: f"kafka.topic puts the field {name} into the topic"
            for name in template.fields
            if name not in CONSTANTS
        }
        if config.get("bridge.record.timestamp") == "created_date":
            for name in ("CreatedDate", "LastModifiedDate"):  # a change was committed at the latter
                words = f"bridge.record.timestamp puts the field {name} into the record's timestamp"
                fields.setdefault(name, words)
        return cls(chain, fields, bool(config.get("bridge.csfle.allow.plaintext")))

    def judge_declared(self, before: Schema, version: Registered | None) -> None:
        """By what is declared before the version that writes is known. Fatal.

        ``before``: what was encrypted before has the tag ``REMEMBERED``, and counts whatever is declared today.
        Where no rule is, every tag counts: which rules there are is known with the subject, and its name may be
        made of the values.
        """
        rules = () if version is None else version.rules()
        if version is not None and any(
            protects(rule, frozenset(rule.get("tags") or ("any",))) for rule in rules
        ):
            self.judge(before, version)
        elif version is None or not self.acknowledged:
            refuse(self._faults(before, version, bool))

    def judge_unmet(self, before: Schema, version: Registered | None) -> None:
        """Where the event's values make the topic: Fatal for registered rules that meet nothing of the event.

        Somebody took the tags away, perhaps, and a topic would tell what they protected.
        """
        if version is None or self.acknowledged or not version.version:
            return
        kinds = {rule.get("type") for rule in version.rules() if runs(rule)}
        if (
            not kinds or PAYLOAD in kinds
        ):  # each topic's subject may have rules of its own; the whole value is sealed
            return
        reach = tags_in(version.text, version.type, version.metadata)
        if not follow(self.chain, before, reach, protecting(version.rules())).origins:
            raise Fatal(
                f"the encryption rules of {version.subject} meet no field of the event, whose values make the topic: "
                "put the tags back, give the connector a contract, or acknowledge with "
                "bridge.csfle.allow.plaintext=true that nothing is protected",
                stage=Stage.ENCRYPT,
            )

    def judge(self, before: Schema, version: Registered) -> None:
        """By the tags and rules of a registered version, or of one that will be registered. Fatal."""
        refuse(self.faults(before, version))

    def faults(self, before: Schema, version: Registered) -> list[str]:
        """In words, where protected fields of the schema before the chain get to places that are not encrypted."""
        by_rules = protecting(version.rules())
        return self._faults(before, version, lambda tags: REMEMBERED in tags or by_rules(tags))

    def _faults(
        self, before: Schema, version: Registered | None, counts: Callable[[frozenset[str]], bool]
    ) -> list[str]:
        if not self.chain and not self.fields:
            return []
        reach = None
        if version is not None and version.text:
            reach = tags_in(version.text, version.type, version.metadata)
        followed = follow(self.chain, before, reach, counts)
        return [*self.of_itself(followed.origins), *map(str, followed.leaks)]

    def of_itself(self, protected: Iterable[Path]) -> list[str]:
        """In words, where the configuration without its transforms brings these fields."""
        names = {".".join(path) for path in protected} | {path[0] for path in protected}
        return [words for name, words in self.fields.items() if name in names]


def refuse(faults: list[str]) -> None:
    """Fatal where there are any."""
    if faults:
        raise Fatal(
            f"{'; '.join(faults)}, where it would not be encrypted: take the field out of it, or untag it in the "
            "contract",
            stage=Stage.ENCRYPT,
        )
