"""Reading what other tools export: the cloud's CLI and API, Kafka Connect's REST API, Terraform, Kubernetes, files.

Forms, each holding one connector's properties:

- JSON: flat · ``{"name", "config": {}}`` · ``{"info": {"name", "config": {}}}`` · one ``{"<name>": {"info": …}}`` ·
  ``{"connector": {"name"}, "configs": [{"config", "value"}]}`` (the cloud CLI's ``describe -o json``) · a list of one
- Terraform: a ``confluent_connector`` in a ``.tf`` file, in its JSON form, in a state or in ``terraform show -json``
- Kubernetes: Strimzi's ``KafkaConnector``, Confluent for Kubernetes' ``Connector``, a ConfigMap, values of a Helm chart
- Java's ``.properties``
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from bridge.config import files
from bridge.config.placeholders import every
from bridge.config.secrecy import MASK
from bridge.errors import ConfigurationError, Fault

CLASS: Final = "connector.class"
_OURS: Final = ("SalesforcePlatformEventSource", "SalesforceCdcSource")
_DEEPEST: Final = 40
_YAML: Final = re.compile(r"\A\s*(?:---\s*$|(?:#[^\n]*\n\s*)*(?:apiVersion|kind)\s*:)", re.MULTILINE)
_TERRAFORM: Final = re.compile(
    r"^\s*(?:resource|module|provider|variable|terraform|data|locals)\b[^=\n]*\{", re.MULTILINE
)
_SENSITIVE: Final = ("config_nonsensitive", "config_sensitive")
_REFERENCE: Final = re.compile(r"\$\{\w+\.[^}]*\}")
_INTERPOLATED: Final = re.compile(r"[$%]\{")
_HEREDOC: Final = re.compile(r"<<-?(\w+)\n(.*)\n\s*\1", re.DOTALL)


def read_export(path: Path) -> dict[str, str]:
    """The connector's properties in an exported file. Raises ConfigurationError that names the file.

    What Terraform fills in (``${var.password}``) comes back masked: it is not in the file.
    """
    try:
        return properties_in(files.text_of(files.content_of(path)), path.suffix.lower())
    except files.UnreadableError as fault:
        raise ConfigurationError([Fault(str(path), str(fault))]) from None


def properties_in(text: str, suffix: str = "") -> dict[str, str]:
    """The same of a text; ``suffix`` of the file's name, where there is one. Raises UnreadableError."""
    if suffix == ".json" or files.is_json(text):
        document = files.load_json(text)
    elif suffix == ".tf" or (suffix in ("", ".txt", ".hcl") and _TERRAFORM.search(text)):
        document = _terraform(text)
    elif suffix in (".yaml", ".yml") or _YAML.search(text):
        document = _yaml(text)
    else:
        return dict(files.properties(text).values)
    texts = files.texts(properties_of(document))
    if not texts:
        raise files.UnreadableError("holds no properties")
    return texts


def properties_of(document: Any) -> Mapping[str, Any]:
    """The properties of the one connector in a document; of several, the one of this kind. Raises UnreadableError."""
    if isinstance(document, dict) and _is_flat(document):
        return document
    if not isinstance(document, dict | list):
        raise files.UnreadableError("holds no JSON object of properties")
    connectors = list(_connectors(document, 0))
    if len(connectors) > 1:
        connectors = [c for c in connectors if any(name in str(c.get(CLASS)) for name in _OURS)] or connectors
    if len(connectors) > 1:
        names = ", ".join(str(c.get("name") or "without a name") for c in connectors[:5])
        raise files.UnreadableError(
            f"holds {len(connectors)} connectors ({names}); give one connector's configuration"
        )
    if not connectors:
        raise files.UnreadableError(f"{_looks_like(document)}; give one connector's configuration")
    return connectors[0]


def _is_flat(document: Mapping[str, Any]) -> bool:
    return (
        bool(document)
        and not {"apiVersion", "kind"} <= set(document)
        and not any(isinstance(value, dict | list) for value in document.values())
    )


def _connectors(node: Any, depth: int) -> Iterator[Mapping[str, Any]]:
    """The configurations in a document, in whatever form it has."""
    if depth > _DEEPEST:
        raise files.UnreadableError("is nested too deeply")
    if isinstance(node, str):
        node = _inner(node)
    if isinstance(node, list):
        for item in node:
            yield from _connectors(item, depth + 1)
    elif isinstance(node, dict) and node.get("kind") != "KafkaConnect":
        one = _one(node)
        if one is not None:
            yield one
        else:
            for value in node.values():
                yield from _connectors(value, depth + 1)


def _one(node: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The properties, where a node is one connector."""
    spec = node.get("spec")
    if node.get("kind") in ("KafkaConnector", "Connector") and isinstance(spec, dict):
        return _resource(node, spec)
    if any(isinstance(node.get(key), dict) for key in _SENSITIVE):
        values = {key: value for part in _SENSITIVE for key, value in (node.get(part) or {}).items()}
        return {
            key: MASK if next(every(_REFERENCE, str(value)), None) else value for key, value in values.items()
        }
    if isinstance(node.get("configs"), list):
        return _named(_pairs(node["configs"]), node.get("connector"))
    if isinstance(node.get("config"), dict) and (_is_flat(node["config"]) or CLASS in node["config"]):
        return _named(node["config"], node)
    return node if CLASS in node else None


def _resource(node: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    """A custom resource of Strimzi (``class``, ``tasksMax``, ``config``) or of Confluent (``taskMax``, ``configs``)."""
    metadata = node.get("metadata")
    name = spec.get("name") or (metadata.get("name") if isinstance(metadata, dict) else None)
    outside = {"name": name, CLASS: spec.get("class"), "tasks.max": spec.get("tasksMax", spec.get("taskMax"))}
    config = spec.get("config") or spec.get("configs") or {}
    if not isinstance(config, dict):
        raise files.UnreadableError(f"is a {node['kind']} whose config is no mapping of properties")
    return {key: value for key, value in outside.items() if value is not None} | config


def _inner(text: str) -> Any:
    """A document inside a text, as ConfigMaps hold them; else nothing."""
    if CLASS not in text:
        return None
    try:
        return files.load_json(text) if files.is_json(text) else dict(files.properties(text).values)
    except files.UnreadableError:
        return None


def _looks_like(document: Any) -> str:
    if isinstance(document, list):
        kinds = {str(item["kind"]) for item in document if isinstance(item, dict) and "kind" in item}
        return (
            f"looks like Kubernetes resources ({', '.join(sorted(kinds))})"
            if kinds
            else "is a list without a connector"
        )
    if document.get("kind") == "KafkaConnect":
        return "looks like a Kafka Connect cluster of Strimzi, not like its KafkaConnector"
    if "apiVersion" in document and "kind" in document:
        return f"looks like a Kubernetes resource, a {document['kind']} without a connector"
    if "services" in document:
        return "looks like a compose file without a connector's configuration"
    if "terraform_version" in document or "resource" in document or "format_version" in document:
        return "looks like Terraform without a confluent_connector"
    if "openapi" in document:
        return "looks like the description of an API"
    return "holds no JSON object of properties" if not document else "holds no connector (no connector.class)"


def _pairs(items: list[Any]) -> dict[str, Any]:
    pairs = {}
    for item in items:
        if not isinstance(item, dict) or not isinstance(item.get("config"), str):
            raise files.UnreadableError('must have {"config", "value"} for each item of "configs"')
        pairs[item["config"]] = item.get("value")
    return pairs


def _named(config: Mapping[str, Any], outer: Any) -> dict[str, Any]:
    """The configuration with its name, which may stand only outside."""
    name = outer.get("name") if isinstance(outer, dict) else None
    return {"name": name, **config} if name is not None and not config.get("name") else dict(config)


def _yaml(text: str) -> Any:
    # here: YAML is slow to load
    from bridge.yaml_text import NoYamlError, documents_of

    try:
        documents = [document for document in documents_of(text) if document is not None]
    except NoYamlError as broken:
        raise files.UnreadableError(str(broken)) from None
    return documents[0] if len(documents) == 1 else documents


def _terraform(text: str) -> Any:
    """The resources of a ``.tf`` file. Values that Terraform works out are masked."""
    import hcl2
    from lark.exceptions import LarkError, UnexpectedInput

    try:
        document = hcl2.loads(text if text.endswith("\n") else text + "\n")
    except UnexpectedInput as error:
        raise files.UnreadableError(
            f"is not Terraform's language: line {error.line}, column {error.column} cannot be read"
        ) from None
    except (LarkError, RecursionError, ValueError):
        raise files.UnreadableError("is not Terraform's language") from None
    return [
        _plain(body)
        for block in _dicts(document.get("resource"))
        for type_, resources in block.items()
        if _unquoted(type_) == "confluent_connector" and isinstance(resources, dict)
        for body in _dicts(list(resources.values()))
    ] or {"resource": []}


def _dicts(items: Any) -> list[dict[str, Any]]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _plain(body: Any) -> dict[str, Any]:
    return {
        part: {_unquoted(key): _value(value) for key, value in body[part].items()}
        for part in _SENSITIVE
        if isinstance(body.get(part), dict)
    }


def _value(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = _unquoted(value)
    if heredoc := _HEREDOC.fullmatch(text):
        text = heredoc[2]
    return (
        MASK
        if _INTERPOLATED.search(text.replace("$${", "").replace("%%{", ""))
        else text.replace("$${", "${")
    )


def _unquoted(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return text[1:-1].replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\")
    return text
