"""The partner API's page, written by the server from the OpenAPI document; no scripts."""

from __future__ import annotations

from html import escape
from typing import Any


def page(document: dict[str, Any]) -> str:
    """Return an HTML page that lists all operations, what they take and what they answer."""
    parts = [
        "<!doctype html><html lang=en><head><meta charset=utf-8>",
        '<meta name=viewport content="width=device-width, initial-scale=1">',
        f"<title>{escape(document['info']['title'])}</title>",
        '<link rel=stylesheet href="/static/page.css"></head><body><main>',
        f"<h1>{escape(document['info']['title'])}</h1>",
        f"<p>{escape(document['info']['description'])} ",
        '<a href="openapi.json">openapi.json</a></p>',
    ]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            parts += _operation(document["servers"][0]["url"] + path, method, operation)
    parts.append("<h2>Schemas</h2>")
    for name, schema in sorted(document["components"]["schemas"].items()):
        parts += _schema(name, schema)
    parts.append("</main></body></html>")
    return "".join(parts)


def _operation(path: str, method: str, operation: dict[str, Any]) -> list[str]:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    parts = [
        f"<h2><code>{method.upper()} {escape(path)}</code></h2>",
        f"<p>{escape(operation.get('description', ''))}</p>",
        f"<p>Scope: <code>{escape(operation['x-scope'])}</code></p><ul>",
    ]
    for one in operation.get("parameters", ()):
        told = escape(one.get("description") or one["schema"].get("description") or "")
        parts.append(f"<li><code>{escape(one['name'])}</code> ({one['in']}): {told}</li>")
    if body:
        parts.append(f"<li>body: {_kind(body['schema'])}</li>")
    parts.append("</ul><ul>")
    for status, answer in operation["responses"].items():
        contents: list[dict[str, Any]] = list(answer.get("content", {}).values())
        schema = contents[0].get("schema", {}) if contents else {}
        parts.append(f"<li>{status}: {escape(answer['description'])} {_kind(schema)}</li>")
    parts.append("</ul>")
    return parts


def _schema(name: str, schema: dict[str, Any]) -> list[str]:
    required = schema.get("required", ())
    parts = [
        f'<h3 id="{escape(name)}">{escape(name)}</h3>',
        f"<p>{escape(schema.get('description', ''))}</p><ul>",
    ]
    for member, kind in schema.get("properties", {}).items():
        needed = "" if member in required else " (optional)"
        parts.append(f"<li><code>{escape(member)}</code>{needed}: {_kind(kind)}</li>")
    parts.append("</ul>")
    return parts


def _kind(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if "enum" in schema:
        return escape(", ".join(map(str, schema["enum"])))
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    told = [str(schema.get("type", "")), str(schema.get("format", ""))]
    return escape(" ".join(filter(None, told)))
