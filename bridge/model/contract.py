"""The contract file: what is sensitive in an event, and by which rules it is protected. Meant to be edited.

Form (YAML)::

    event: Order_Placed__e
    classification: {complianceGroup: {PII: PII}, securityClassification: {Restricted: CONFIDENTIAL}}
    fields: {Customer_Email__c: {tags: [PII]}, Birth_Date__c: {tags: [PII], otherwise: string}}
    metadata: {properties: {owner: sales-data}, sensitive: []}
    rules: [{name: pii, type: ENCRYPT, tags: [PII], params: {encrypt.kek.name: sales, …}}]
    otherwise: fail

``otherwise`` says what becomes of a tagged field that cannot be encrypted: fail, string, drop or payload.
Rules are those of the registry's ``ruleSet.domainRules``. ``parse`` and ``render`` are inverses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, cast

import yaml
from attrs import define, field, frozen

from bridge.errors import ConfigurationError, Fault
from bridge.model.registered import Phase
from bridge.model.registry_documents import MetadataDocument, RuleDocument, RuleSetDocument
from bridge.yaml_text import NoYamlError, documents_of

OTHERWISE: Final = ("fail", "string", "drop", "payload")
_KINDS: Final = ("TRANSFORM", "CONDITION")
_MODES: Final = ("WRITE", "READ", "WRITEREAD")


@frozen
class FieldContract:
    """A field's tags, and what to do if it cannot be encrypted (None: as the contract says)."""

    tags: tuple[str, ...] = ()
    otherwise: str | None = None


@frozen
class Rule:
    """A rule as the registry keeps it; what is None is left out."""

    name: str
    type: str
    kind: str | None = None
    mode: str | None = None
    tags: tuple[str, ...] = ()
    params: Mapping[str, str] = field(factory=dict, hash=False)
    expr: str | None = None
    on_success: str | None = None
    on_failure: str | None = None
    disabled: bool = False
    doc: str | None = None

    @property
    def encrypts(self) -> bool:
        """Whether it is an encryption rule that is in force where records are written."""
        return self.type.startswith("ENCRYPT") and not self.disabled and self.mode != "READ"


@frozen
class Contract:
    """A contract file's content."""

    event: str
    compliance_group: Mapping[str, str] = field(factory=dict, hash=False)
    security_classification: Mapping[str, str] = field(factory=dict, hash=False)
    fields: Mapping[str, FieldContract] = field(factory=dict, hash=False)
    properties: Mapping[str, str] = field(factory=dict, hash=False)
    sensitive: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    otherwise: str = "fail"


def protects(contract: Contract) -> bool:
    """Whether anything is to be encrypted by it."""
    return any(rule.encrypts for rule in contract.rules)


def parse(text: str, file: str = "contract") -> Contract:
    """Read a contract. ConfigurationError with every fault, each with its path in the file."""
    try:
        documents = documents_of(text)
    except NoYamlError as broken:
        raise ConfigurationError([Fault(file, str(broken))]) from None
    if len(documents) > 1:
        raise ConfigurationError([Fault(file, "holds several documents; a contract is one")])
    document = documents[0] if documents else None
    reader = _Reader(file)
    contract = reader.contract(document)
    if reader.faults:
        raise ConfigurationError(reader.faults)
    return contract


@define
class _Reader:
    """Reads what is there and collects what is wrong."""

    file: str
    faults: list[Fault] = field(factory=list)

    def contract(self, document: object) -> Contract:
        root = self.mapping(document, "")
        keys = ("event", "classification", "fields", "metadata", "rules", "otherwise")
        self.known(root, "", keys)
        classification = self.mapping(root.get("classification"), "classification")
        self.known(classification, "classification", ("complianceGroup", "securityClassification"))
        metadata = self.mapping(root.get("metadata"), "metadata")
        self.known(metadata, "metadata", ("properties", "sensitive"))
        fields = self.mapping(root.get("fields"), "fields")
        return Contract(
            event=self.text(root.get("event"), "event", required=True),
            compliance_group=self.texts(
                classification.get("complianceGroup"), "classification.complianceGroup"
            ),
            security_classification=self.texts(
                classification.get("securityClassification"), "classification.securityClassification"
            ),
            fields={name: self.field(entry, f"fields.{name}") for name, entry in fields.items()},
            properties=self.texts(metadata.get("properties"), "metadata.properties"),
            sensitive=self.names(metadata.get("sensitive"), "metadata.sensitive"),
            rules=self.rules(root.get("rules")),
            otherwise=self.choice(root.get("otherwise"), "otherwise", OTHERWISE) or "fail",
        )

    def field(self, entry: object, path: str) -> FieldContract:
        given = self.mapping(entry, path)
        self.known(given, path, ("tags", "otherwise"))
        return FieldContract(
            self.names(given.get("tags"), f"{path}.tags"),
            self.choice(given.get("otherwise"), f"{path}.otherwise", OTHERWISE),
        )

    def rules(self, entries: object) -> tuple[Rule, ...]:
        if entries is None:
            return ()
        if not isinstance(entries, list):
            self.fault("rules", f"must be a list, not {_kind(entries)}")
            return ()
        rules = tuple(self.rule(entry, f"rules[{i}]") for i, entry in enumerate(entries))
        seen: set[str] = set()
        for i, rule in enumerate(rules):
            if rule.name and rule.name in seen:
                self.fault(f"rules[{i}].name", f"{rule.name} is there twice")
            seen.add(rule.name)
        return rules

    def rule(self, entry: object, path: str) -> Rule:
        given = self.mapping(entry, path)
        keys = ("name", "type", "kind", "mode", "tags", "params", "expr", "onSuccess", "onFailure")
        self.known(given, path, (*keys, "disabled", "doc"))
        disabled = given.get("disabled", False)
        if not isinstance(disabled, bool):
            self.fault(f"{path}.disabled", f"must be true or false, not {_kind(disabled)}")
        return Rule(
            name=self.text(given.get("name"), f"{path}.name", required=True),
            type=self.text(given.get("type"), f"{path}.type", required=True),
            kind=self.choice(given.get("kind"), f"{path}.kind", _KINDS),
            mode=self.choice(given.get("mode"), f"{path}.mode", _MODES),
            tags=self.names(given.get("tags"), f"{path}.tags"),
            params=self.texts(given.get("params"), f"{path}.params"),
            expr=self.text(given.get("expr"), f"{path}.expr") or None,
            on_success=self.text(given.get("onSuccess"), f"{path}.onSuccess") or None,
            on_failure=self.text(given.get("onFailure"), f"{path}.onFailure") or None,
            disabled=disabled is True,
            doc=self.text(given.get("doc"), f"{path}.doc") or None,
        )

    def fault(self, path: str, message: str) -> None:
        self.faults.append(Fault(f"{self.file}: {path}" if path else self.file, message))

    def known(self, given: Mapping[str, object], path: str, keys: tuple[str, ...]) -> None:
        for key in given:
            if key not in keys:
                self.fault(f"{path}.{key}".lstrip("."), f"is not known here; known are {', '.join(keys)}")

    def mapping(self, value: object, path: str) -> dict[str, object]:
        if value is None and path:
            return {}
        if not isinstance(value, dict):
            self.fault(path, f"must be a mapping, not {_kind(value)}")
            return {}
        for key in value:
            if not isinstance(key, str):
                self.fault(path, f"has the key {key!r}, which is no text; put it in quotes")
        return {k: v for k, v in value.items() if isinstance(k, str)}

    def texts(self, value: object, path: str) -> dict[str, str]:
        given = self.mapping(value, path).items()
        return {key: self.text(entry, f"{path}.{key}", required=True) for key, entry in given}

    def names(self, value: object, path: str) -> tuple[str, ...]:
        if value is None:
            return ()
        if not isinstance(value, list):
            self.fault(path, f"must be a list, not {_kind(value)}")
            return ()
        return tuple(self.text(entry, f"{path}[{i}]", required=True) for i, entry in enumerate(value))

    def text(self, value: object, path: str, *, required: bool = False) -> str:
        if isinstance(value, str) and (value or not required):
            return value
        if value is None and not required:
            return ""
        self.fault(path, "is needed" if value in (None, "") else f"must be text, not {_kind(value)}")
        return ""

    def choice(self, value: object, path: str, values: tuple[str, ...]) -> str | None:
        if value is None:
            return None
        if isinstance(value, str) and value in values:
            return value
        self.fault(path, f"must be one of {', '.join(values)}")
        return None


def _kind(value: object) -> str:
    names = {dict: "a mapping", list: "a list", str: "text", bool: "true or false", type(None): "empty"}
    return names.get(type(value), "a number" if isinstance(value, int | float) else type(value).__name__)


def render(contract: Contract, origin: Callable[[str, str], str | None] = lambda field, tag: None) -> str:
    """The file's text; the same contract gives the same bytes.

    ``origin(field, tag)`` words where a tag comes from; it becomes a comment.
    """
    lines = [f"event: {_flow(contract.event)}", "classification:"]
    lines.append(f"  complianceGroup: {_flow(dict(contract.compliance_group))}")
    lines.append(f"  securityClassification: {_flow(dict(contract.security_classification))}")
    lines.append("fields:" if contract.fields else "fields: {}")
    for name, entry in contract.fields.items():
        body: dict[str, object] = {"tags": list(entry.tags)}
        if entry.otherwise is not None:
            body["otherwise"] = entry.otherwise
        origins = [text for tag in entry.tags if (text := origin(name, tag))]
        comment = f"  # origin: {'; '.join(dict.fromkeys(origins))}" if origins else ""
        lines.append(f"  {_flow(name)}: {_flow(body)}{comment}")
    metadata = {"properties": dict(contract.properties), "sensitive": list(contract.sensitive)}
    lines.append(f"metadata: {_flow(metadata)}")
    lines.append("rules:" if contract.rules else "rules: []")
    lines += [f"  - {_flow(rule_document(rule))}" for rule in contract.rules]
    lines.append(f"otherwise: {contract.otherwise}")
    return "\n".join(lines) + "\n"


def rule_document(rule: Rule) -> RuleDocument:
    """The rule in the registry's JSON form."""
    whole: RuleDocument = {
        "name": rule.name,
        "doc": rule.doc,
        "kind": rule.kind,
        "mode": rule.mode,
        "type": rule.type,
        "tags": list(rule.tags) or None,
        "params": dict(rule.params) or None,
        "expr": rule.expr,
        "onSuccess": rule.on_success,
        "onFailure": rule.on_failure,
        "disabled": rule.disabled or None,
    }
    return cast(RuleDocument, {key: value for key, value in whole.items() if value is not None})


def metadata_document(contract: Contract, stored: MetadataDocument | None) -> MetadataDocument | None:
    """The registry's ``metadata`` with the contract's properties and sensitive names over what is there."""
    metadata: MetadataDocument = {**(stored or {})}
    if contract.properties:
        metadata["properties"] = {**(metadata.get("properties") or {}), **contract.properties}
    if contract.sensitive:
        metadata["sensitive"] = list(dict.fromkeys([*(metadata.get("sensitive") or ()), *contract.sensitive]))
    return metadata or (None if stored is None else {})


def rule_set_document(contract: Contract, stored: RuleSetDocument | None) -> RuleSetDocument | None:
    """The registry's ``ruleSet`` with the contract's rules in it: one of the same name is replaced in its phase."""
    rule_set: RuleSetDocument = {**(stored or {})}
    for rule in contract.rules:
        phase: Phase = "encodingRules" if rule.type == "ENCRYPT_PAYLOAD" else "domainRules"
        rules = list(rule_set.get(phase) or ())
        place = next((i for i, each in enumerate(rules) if each.get("name") == rule.name), None)
        if place is None:
            rules.append(rule_document(rule))
        elif not covers(rules[place], rule_document(rule)):
            rules[place] = rule_document(rule)
        rule_set[phase] = rules
    return rule_set or (None if stored is None else {})


_DEFAULTS: Final[dict[str, object]] = {"kind": "TRANSFORM", "disabled": False, "mode": "WRITEREAD"}


def covers(stored: Mapping[str, object], wanted: Mapping[str, object]) -> bool:
    """Whether a registered rule says what the contract says; registries fill in defaults."""
    keys = {k for k in (*stored, *wanted) if stored.get(k) not in (None, [], {}) or k in wanted}
    return all(stored.get(k, _DEFAULTS.get(k)) == wanted.get(k, _DEFAULTS.get(k)) for k in keys)


def _flow(value: object) -> str:
    """One line of YAML."""
    text = yaml.safe_dump(
        value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=float("inf")
    )
    return str(text).removesuffix("...\n").strip("\n")  # a no-break space belongs to the text
