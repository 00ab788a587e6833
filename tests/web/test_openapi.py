from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.web.desk import Desk

pytestmark = pytest.mark.asyncio(loop_scope="module")

METHODS = {"get", "put", "post", "delete"}


async def _document(desk: Desk) -> dict[str, Any]:
    answer = await desk.get("", "/openapi.json")
    assert answer.status == 200
    body: dict[str, Any] = answer.body
    return body


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


async def test_every_resource_of_the_catalogue_is_described(desk: Desk) -> None:
    """Each type that can be posted has its address, with the schema that `decode` follows."""
    document = await _document(desk)
    catalogue = desk.gateway.services.catalogue
    posted = [one for one in catalogue.types.values() if one.row.resource]
    assert len(posted) > 8
    for one in posted:
        operation = document["paths"][f"/v1/{one.row.resource}"]["post"]
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        assert schema["oneOf"][0] == {"$ref": f"#/components/schemas/{one.name}"}
        shape = document["components"]["schemas"][one.name]
        required = {field.name for field in one.schema.head_fields if field.required}
        assert required - set(one.row.generated) - set(one.row.filled) <= set(shape["required"])


async def test_the_document_is_whole(desk: Desk) -> None:
    """3.1; every reference leads somewhere; path parameters are those of the address."""
    document = await _document(desk)
    assert document["openapi"].startswith("3.1.")
    assert document["info"].keys() >= {"title", "version"}
    schemas = document["components"]["schemas"]
    references = set(_references(document))
    assert references
    for one in references:
        assert one.removeprefix("#/components/schemas/") in schemas
    names = []
    for path, methods in document["paths"].items():
        assert methods.keys() <= METHODS
        for operation in methods.values():
            names.append(operation["operationId"])
            inside = [p for p in operation.get("parameters", []) if p["in"] == "path"]
            assert [p["name"] for p in inside] == re.findall(r"{(\w+)}", path)
            assert all(p["required"] for p in inside)
            assert operation["responses"]
            for status, answer in operation["responses"].items():
                assert re.fullmatch(r"[1-5][0-9]{2}|default", status)
                assert answer["description"]
    assert len(names) == len(set(names))


async def test_the_size_of_a_page_is_a_number_with_its_bounds(desk: Desk) -> None:
    """A client that is made from the document asks for 1 to 1000 entries."""
    limits = [
        one["schema"]
        for methods in (await _document(desk))["paths"].values()
        for operation in methods.values()
        for one in operation.get("parameters", [])
        if one["name"] == "limit"
    ]
    assert len(limits) > 5
    bounds = {"type": "integer", "minimum": 1, "maximum": 1000}
    assert all(one == bounds for one in limits)
    assert (await desk.get("operator", "/v1/changes?limit=1000")).status == 200
    assert (await desk.get("operator", "/v1/changes?limit=1001")).status == 400


async def test_answers_are_as_described(desk: Desk) -> None:
    """What the server answers has the required names of the schema that the document gives it."""
    document = await _document(desk)
    schemas = document["components"]["schemas"]
    for path in ("/v1/changes", "/v1/discrepancies", "/v1/goods", "/v1/api-keys"):
        operation = document["paths"][path]["get"]
        reference = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
        schema = schemas[reference.rpartition("/")[2]]
        body = (await desk.get("operator", path)).body
        assert body.keys() == schema["properties"].keys()
    problem = (await desk.get("operator", "/v1/documents/NONE")).body
    assert problem.keys() >= set(schemas["Problem"]["required"]) - {"id"}
