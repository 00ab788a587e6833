"""The OpenAPI document (3.1), derived from the routes and the catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from gateway.messages.jsonschema import json_schema
from gateway.web.limits import Limits
from gateway.web.problems import CONTENT_TYPE
from gateway.web.routes import Query, Route
from gateway.web.schemas import OBJECT, SCHEMAS, TEXT, Json

SEGMENT = re.compile(r"{(\w+)}")


def document(routes: Iterable[Route], version: str, limits: Limits) -> Json:
    """The whole document."""
    routes = list(routes)
    paths: Json = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, limits)
    paths["/healthz"] = {"get": _open("healthz", "The process answers", "存活检查")}
    paths["/openapi.json"] = {"get": _open("openapi", "This document", "本文档")}
    types = {route.records.name: route.records for route in routes if route.records}
    schemas = {name: json_schema(one) for name, one in types.items()}
    for one in schemas.values():
        one.pop("$schema")  # the dialect of the whole document
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Single-window gateway",
            "version": version,
            "description": "Errors are application/problem+json with code, zh and en.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "security": [{"apiKey": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"apiKey": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas | SCHEMAS,
        },
    }


def _open(name: str, en: str, zh: str) -> Json:
    content = {"application/json": {"schema": OBJECT}}
    return {
        "operationId": name,
        "summary": en,
        "description": zh,
        "security": [],
        "responses": {"200": {"description": "OK", "content": content}},
    }


def _operation(route: Route, limits: Limits) -> Json:
    operation: Json = {
        "operationId": re.sub(r"[^A-Za-z0-9]+", "_", route.name),
        "summary": route.en,
        "description": _description(route),
        "parameters": _parameters(route),
        "responses": {
            **{str(status): _answer(name) for status, name in route.answers.items()},
            "default": {
                "description": "A refusal or a fault",
                "content": {CONTENT_TYPE: {"schema": _ref("Problem")}},
            },
        },
    }
    body = _record_body(route, limits) if route.records else route.body
    if body:
        operation["requestBody"] = {"required": True, "content": body}
    return operation


def _description(route: Route) -> str:
    roles = ", ".join(route.roles) if route.roles else "all"
    return f"{route.zh}。Roles: {roles}."


def _parameters(route: Route) -> list[Json]:
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": TEXT}
        for name in SEGMENT.findall(route.path)
    ]
    in_query = [
        {
            "name": one.name,
            "in": "query",
            "required": one.required,
            "description": one.en,
            "schema": _query_schema(one),
        }
        for one in route.query
    ]
    return [*in_path, *in_query]


def _query_schema(one: Query) -> Json:
    if one.counts_to is not None:
        return {"type": "integer", "minimum": 1, "maximum": one.counts_to}
    return TEXT | ({"enum": list(one.values)} if one.values else {})


def _record_body(route: Route, limits: Limits) -> Mapping[str, Any]:
    assert route.records is not None  # noqa: S101 - told to the type checker
    one = _ref(route.records.name)
    if SEGMENT.search(route.path):
        return {"application/json": {"schema": one}}
    many = {"type": "array", "items": one, "maxItems": limits.records_max}
    return {
        "application/json": {"schema": {"oneOf": [one, many]}},
        "application/x-ndjson": {"schema": {"type": "string", "description": "One record a line."}},
    }


def _answer(name: str) -> Json:
    if not name:
        return {"description": "Done; no body"}
    schema = {"oneOf": [_ref(name), _ref("Results")]} if name == "Accepted" else _ref(name)
    return {"description": name, "content": {"application/json": {"schema": schema}}}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}
