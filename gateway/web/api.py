"""Every address of the API: the routes of documents and registers follow from the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from gateway.messages import Catalogue, MessageType
from gateway.store.registers import REGISTERS
from gateway.web.keys import KEY_BODY, Keys
from gateway.web.posting import Posting
from gateway.web.queries import LIMIT_DEFAULT, LIMIT_MAX
from gateway.web.reading import Reading
from gateway.web.routes import Query, Route

PAGE = (
    Query(name="after", en="Cursor: next of the page before."),
    Query(
        name="limit",
        en=f"Entries of a page, 1 to {LIMIT_MAX}; {LIMIT_DEFAULT} when left out.",
        counts_to=LIMIT_MAX,
    ),
)
XML = {"application/xml": {"schema": {"type": "string", "format": "binary"}}}


def routes(catalogue: Catalogue, posting: Posting, reading: Reading, keys: Keys) -> list[Route]:
    """The routes that need an API key."""
    return [
        *_documents(catalogue, posting),
        *_registers(catalogue, posting, reading),
        *_one_thing(reading),
        *_queues(reading),
        *_operator(keys),
        Route(
            method="POST",
            path="/v1/receipts/{authority}",
            name="post_receipt",
            en="Hand in a receipt message: DxpMsg, DxpMsgSv or bare XML",
            zh="提交回执报文",
            answers={200: ""},
            handler=posting.receipt,
            roles=("authority",),
            body=XML,
        ),
    ]


def _documents(catalogue: Catalogue, posting: Posting) -> Iterator[Route]:
    for one in catalogue.types.values():
        if one.row.resource is None or one.row.kind in REGISTERS:
            continue
        yield Route(
            method="POST",
            path=f"/v1/{one.row.resource}",
            name=f"post_{one.row.resource}",
            en=f"Submit: {one.schema.document.en}",
            zh=f"提交{one.schema.document.zh}",
            answers={202: "Accepted"},
            handler=partial(posting.documents, one),
            roles=one.row.submitters,
            records=one,
        )


def _registers(catalogue: Catalogue, posting: Posting, reading: Reading) -> Iterator[Route]:
    for kind in REGISTERS:
        one = catalogue.by_kind(kind)
        path, title = f"/v1/{one.row.resource}", one.schema.document
        for method in ("POST", "PUT"):
            yield Route(
                method=method,
                path=path,
                name=f"{method.lower()}_{one.row.resource}",
                en=f"Register: {title.en}",
                zh=f"登记{title.zh}",
                answers={200: "Registered", 202: "Results"},
                handler=partial(posting.records, one),
                roles=one.row.submitters,
                records=one,
            )
        yield Route(
            method="GET",
            path=path,
            name=f"list_{one.row.resource}",
            en=f"Records in force: {title.en}",
            zh=f"查询{title.zh}",
            answers={200: "Page"},
            handler=partial(reading.records, one),
            query=PAGE,
        )
        yield from _record_routes(one, posting, reading)


def _record_routes(one: MessageType, posting: Posting, reading: Reading) -> Iterator[Route]:
    """The addresses of one record: a part of the key that may be left out stands last."""
    required = {field.name for field in one.schema.head_fields if field.required}
    least = [name for name in one.row.key if name in required] or list(one.row.key)
    paths = dict.fromkeys(tuple(names) for names in (least, one.row.key))
    for names in paths:
        path = f"/v1/{one.row.resource}/" + "/".join(f"{{{name}}}" for name in names)
        suffix = f"{one.row.resource}_by_{names[-1]}"
        yield Route(
            method="PUT",
            path=path,
            name=f"replace_{suffix}",
            en=f"Replace: {one.schema.document.en}",
            zh=f"替换{one.schema.document.zh}",
            answers={200: "Registered"},
            handler=partial(posting.records, one),
            roles=one.row.submitters,
            records=one,
        )
        yield Route(
            method="GET",
            path=path,
            name=f"get_{suffix}",
            en=f"One record in force: {one.schema.document.en}",
            zh=f"查询{one.schema.document.zh}",
            answers={200: "Record"},
            handler=partial(reading.record, one),
        )


def _one_thing(reading: Reading) -> Iterator[Route]:
    yield Route(
        method="GET",
        path="/v1/documents/{id}",
        name="get_document",
        en="One document with its body, versions, receipts and events",
        zh="查询单证",
        answers={200: "Document"},
        handler=reading.document,
    )
    yield Route(
        method="GET",
        path="/v1/consignments/{id}",
        name="get_consignment",
        en="One consignment with its documents, events and discrepancies in time order",
        zh="查询一票货物",
        answers={200: "Consignment"},
        handler=reading.consignment,
    )
    yield Route(
        method="GET",
        path="/v1/consignments",
        name="find_consignment",
        en="The consignment of an order",
        zh="按订单查询一票货物",
        answers={200: "Consignment"},
        handler=reading.consignment_of_order,
        query=(
            Query(
                name="direction", en="import or export", required=True, values=("import", "export")
            ),
            Query(name="ebpCode", en="Platform code.", required=True),
            Query(name="orderNo", en="Order number.", required=True),
            Query(name="ebcCode", en="Merchant code; export alone needs it."),
        ),
    )


def _queues(reading: Reading) -> Iterator[Route]:
    yield Route(
        method="GET",
        path="/v1/changes",
        name="list_changes",
        en="States that documents reached after a cursor; nothing is skipped",
        zh="按游标查询状态变化",
        answers={200: "Changes"},
        handler=reading.changes,
        query=PAGE,
    )
    yield Route(
        method="GET",
        path="/v1/discrepancies",
        name="list_discrepancies",
        en="The reconciliation queue",
        zh="查询差异",
        answers={200: "Discrepancies"},
        handler=reading.discrepancies,
        query=(
            Query(name="state", en="open or closed", values=("open", "closed")),
            Query(name="code", en="Code of the discrepancy."),
            Query(name="consignment", en="Id of a consignment."),
            *PAGE,
        ),
    )


def _operator(keys: Keys) -> Iterator[Route]:
    operator = ("operator",)
    yield Route(
        method="POST",
        path="/v1/api-keys",
        name="post_api_key",
        en="Issue an API key; the token is told once",
        zh="签发 API 密钥",
        answers={201: "ApiKeyIssued"},
        handler=keys.create,
        roles=operator,
        body={"application/json": {"schema": KEY_BODY}},
    )
    yield Route(
        method="GET",
        path="/v1/api-keys",
        name="list_api_keys",
        en="API keys without their secrets",
        zh="查询 API 密钥",
        answers={200: "ApiKeys"},
        handler=keys.listing,
        roles=operator,
        query=PAGE,
    )
    yield Route(
        method="DELETE",
        path="/v1/api-keys/{id}",
        name="revoke_api_key",
        en="Revoke an API key; effective within seconds",
        zh="吊销 API 密钥",
        answers={204: ""},
        handler=keys.revoke,
        roles=operator,
    )
    yield Route(
        method="POST",
        path="/v1/key-profiles/{profile}/resume",
        name="resume_key_profile",
        en="Let a paused key profile sign again",
        zh="恢复已暂停的密钥档案",
        answers={200: "Resumed"},
        handler=keys.resume,
        roles=operator,
    )
