"""The OpenAPI document as one page: no script, nothing fetched from anywhere, readable offline and in print."""

from collections.abc import Iterator, Mapping
from html import escape
from re import sub
from typing import Any

import orjson

_STYLE = """
:root{color-scheme:light dark} body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;
padding:1rem}
h2{margin-top:2.5rem;border-bottom:1px solid #8886}
h3{margin:1.5rem 0 .3rem;font-size:1.05rem} code,pre{font:.88em/1.45 ui-monospace,monospace}
pre{overflow:auto;padding:.8rem;background:#8881;border-radius:4px;max-height:32rem} table{border-collapse:collapse;width:100%}
td,th{text-align:left;vertical-align:top;padding:.25rem .6rem .25rem 0;border-bottom:1px solid #8883} th{font-weight:600}
.method{display:inline-block;min-width:3.2rem;font-weight:700} nav ul{list-style:none;padding:0} summary{cursor:pointer} .quiet{opacity:.7}
"""
Document = Mapping[str, Any]


def page(document: Document) -> str:
    """Return the HTML page of an OpenAPI 3.1 document."""
    title = escape(f"{document['info']['title']} {document['info']['version']}")
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
        f"<title>{title}</title><style>{_STYLE}</style></head><body><h1>{title}</h1>",
        f"<p>{_prose(document['info'].get('description', ''))}</p>",
        '<p><a href="/openapi.json">openapi.json</a> is this page for programs.</p>',
        f"<nav><h2>Endpoints</h2><ul>{''.join(_contents(document))}</ul></nav>",
        *_operations(document),
        "<h2>Schemas</h2>",
        *(_schema(name, schema) for name, schema in sorted(document["components"]["schemas"].items())),
        "</body></html>\n",
    ]
    return "".join(parts)


def _prose(text: str) -> str:
    """Return a description as HTML; what it sets between backticks is code."""
    return sub("`([^`]+)`", r"<code>\1</code>", escape(text))


def _each(document: Document) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _contents(document: Document) -> Iterator[str]:
    for method, path, operation in _each(document):
        link = f'<a href="#{escape(operation["operationId"])}"><code>{escape(path)}</code></a>'
        yield f'<li><span class="method">{method}</span> {link} <span class="quiet">{escape(operation["summary"])}</span></li>'


def _operations(document: Document) -> Iterator[str]:
    for method, path, operation in _each(document):
        yield f'<h2 id="{escape(operation["operationId"])}"><span class="method">{method}</span> <code>{escape(path)}</code></h2>'
        yield f"<p>{_prose(operation.get('description', operation['summary']))}</p>"
        scopes = [scope for need in operation.get("security", []) for scope in need.get("bearer", [])]
        yield f"<p>Bearer token with scope <code>{escape(', '.join(scopes))}</code>.</p>" if scopes else "<p>Open to everybody.</p>"
        if operation.get("parameters"):
            yield f"<h3>Parameters</h3><table>{''.join(map(_parameter, operation['parameters']))}</table>"
        if "requestBody" in operation:
            yield f"<h3>Body</h3>{''.join(_content(operation['requestBody']['content'], document))}"
        yield "<h3>Answers</h3>"
        for status, answer in operation["responses"].items():
            yield f"<details><summary><strong>{escape(status)}</strong> {_prose(answer['description'])}</summary>"
            yield from _answer_headers(answer)
            yield f"{''.join(_content(answer.get('content', {}), document))}</details>"


def _parameter(parameter: Mapping[str, Any]) -> str:
    needed = " (required)" if parameter.get("required") else ""
    told = f"{_prose(parameter.get('description', ''))} {_type(parameter['schema'])}"
    return f"<tr><td><code>{escape(parameter['name'])}</code></td><td>{escape(parameter['in'])}{needed}</td><td>{told}</td></tr>"


def _answer_headers(answer: Mapping[str, Any]) -> Iterator[str]:
    for name, header in answer.get("headers", {}).items():
        yield f"<p>Header <code>{escape(name)}</code>: {_prose(header['description'])}</p>"


def _content(content: Mapping[str, Any], document: Document) -> Iterator[str]:
    for media, form in content.items():
        yield f"<p><code>{escape(media)}</code> {_type(form['schema']) if 'schema' in form else ''}</p>"
        for name, example in form.get("examples", {}).items():
            whole = document["components"]["examples"][example["$ref"].rpartition("/")[2]] if "$ref" in example else example
            value = whole["value"] if "value" in whole else whole["externalValue"]
            yield f"<details><summary>Example: {escape(name)}</summary>{_json(value)}</details>"


def _json(value: object) -> str:
    return f"<pre>{escape(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())}</pre>"


def _schema(name: str, schema: Mapping[str, Any]) -> str:
    needed = set(schema.get("required", []))
    rows = [
        f"<tr><td><code>{escape(field)}</code>{'' if field in needed else ' <span class=quiet>optional</span>'}</td>"
        f"<td>{_type(form)}</td><td>{_prose(form.get('description', ''))}</td></tr>"
        for field, form in schema.get("properties", {}).items()
    ]
    body = f"<table>{''.join(rows)}</table>" if rows else f"<p>{_type(schema)}</p>"
    return f'<h3 id="schema-{escape(name)}">{escape(name)}</h3><p>{_prose(schema.get("description", ""))}</p>{body}'


def _type(schema: Mapping[str, Any]) -> str:
    """Say a schema in a few words, with links to those it names."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#schema-{name}">{name}</a>'
    for union in ("anyOf", "oneOf", "allOf"):
        if union in schema:
            return " or ".join(map(_type, schema[union]))
    if "const" in schema or "enum" in schema:
        return ", ".join(f"<code>{escape(str(value))}</code>" for value in schema.get("enum", [schema.get("const")]))
    if "items" in schema:
        return f"list of {_type(schema['items'])}"
    if isinstance(schema.get("additionalProperties"), Mapping):
        return f"map of {_type(schema['additionalProperties'])}"
    return escape(" ".join((str(schema.get("type", "any")), *_bounds(schema))))


def _bounds(schema: Mapping[str, Any]) -> Iterator[str]:
    words = {"minimum": "≥", "maximum": "≤", "minLength": "length ≥", "maxLength": "length ≤", "pattern": "pattern", "format": "format"}
    for key, word in words.items():
        if key in schema:
            yield f"{word} {schema[key]}"
