"""Invented parties and the documents of a consignment, complete as they go to customs."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.messages import Catalogue, assemble, write
from gateway.model import Content, Transfer
from gateway.ports import Signer
from gateway.signing.element import sign
from gateway.simulator.envelope import CUSTOMS_ID, DXP
from gateway.telemetry import new_id

BUYER = {
    "buyerRegNo": "buyer-chang-e-7",
    "buyerName": "嫦娥测试",
    "buyerTelephone": "19900007777",
    "buyerIdType": "1",
    "buyerIdNumber": "999999197001017777",
}
CONSIGNEE = {
    "consignee": "吴刚测试",
    "consigneeTelephone": "19900008888",
    "consigneeAddress": "月宫路一号广寒宫",
}
PERSONAL = [BUYER[name] for name in BUYER if name != "buyerIdType"] + list(CONSIGNEE.values())


@dataclass(frozen=True, kw_only=True)
class Party:
    """An enterprise with its key; `certificate` is PEM."""

    code: str
    credit_code: str
    name: str
    dxp_id: str
    signer: Signer
    certificate: str

    @property
    def registration(self) -> dict[str, str]:
        """The body of its registration with customs."""
        return {
            "name": self.name,
            "creditCode": self.credit_code,
            "dxpId": self.dxp_id,
            "certificate": self.certificate,
        }

    @property
    def transfer(self) -> Transfer:
        return Transfer(copCode=self.code, copName=self.name, dxpId=self.dxp_id)


@dataclass(frozen=True, kw_only=True)
class Trade:
    """Everybody who takes part."""

    catalogue: Catalogue
    platform: Party
    payment: Party
    carrier: Party
    declarant: Party
    site: Party

    @property
    def parties(self) -> Sequence[Party]:
        return (self.platform, self.payment, self.carrier, self.declarant, self.site)

    def sender(self, type_: str) -> Party:
        """Who signs messages of that type."""
        return {
            "CEB311": self.platform,
            "CEB411": self.payment,
            "CEB511": self.carrier,
            "CEB513": self.carrier,
            "CEB621": self.declarant,
            "CEB711": self.site,
        }[type_]

    def order(self, number: str, version: int = 1, **changes: str) -> Content:
        """An order of two rows; `version` sets appTime."""
        head = {
            **_version(version),
            "orderType": "I",
            "orderNo": number,
            "ebpCode": self.platform.code,
            "ebpName": self.platform.name,
            "ebcCode": "4401960EBC",
            "ebcName": "测试商户",
            "goodsValue": "100.00",
            "freight": "10",
            "discount": "5",
            "taxTotal": "9.1",
            "acturalPaid": "114.1",
            "currency": "142",
            **BUYER,
            **CONSIGNEE,
        }
        return Content(head | changes, (_order_row(1, "40.00"), _order_row(2, "60.00")))

    def payment_of(self, number: str, version: int = 1, **changes: str) -> Content:
        """The payment of that order."""
        head = {
            **_version(version),
            "payCode": self.payment.code,
            "payName": self.payment.name,
            "payTransactionId": f"T{number}",
            "orderNo": number,
            "ebpCode": self.platform.code,
            "ebpName": self.platform.name,
            "payerIdType": BUYER["buyerIdType"],
            "payerIdNumber": BUYER["buyerIdNumber"],
            "payerName": BUYER["buyerName"],
            "telephone": BUYER["buyerTelephone"],
            "amountPaid": "114.10",
            "currency": "142",
            "payTime": "20260101080000",
        }
        return Content(head | changes)

    def waybill_of(self, number: str, version: int = 1, **changes: str) -> Content:
        """The waybill of that order."""
        head = {
            **_version(version),
            "logisticsCode": self.carrier.code,
            "logisticsName": self.carrier.name,
            "logisticsNo": f"L{number}",
            "billNo": "BILL1",
            "orderNo": number,
            "freight": "10",
            "insuredFee": "0",
            "currency": "142",
            "weight": "1.5",
            "packNo": "1",
            **CONSIGNEE,
        }
        return Content(head | changes)

    def waybill_status_of(self, number: str, version: int = 1, **changes: str) -> Content:
        """The parcel of that order was signed for."""
        head = {
            **_version(version),
            "logisticsCode": self.carrier.code,
            "logisticsName": self.carrier.name,
            "logisticsNo": f"L{number}",
            "logisticsStatus": "S",
            "logisticsTime": "20260201100000",
        }
        return Content(head | changes)

    def inventory_of(self, number: str, version: int = 1, **changes: str) -> Content:
        """The inventory of that order."""
        head = {
            **_version(version),
            "orderNo": number,
            "ebpCode": self.platform.code,
            "ebpName": self.platform.name,
            "ebcCode": "4401960EBC",
            "ebcName": "测试商户",
            "logisticsNo": f"L{number}",
            "logisticsCode": self.carrier.code,
            "logisticsName": self.carrier.name,
            "copNo": f"C{number}"[:20],
            "assureCode": self.declarant.code,
            "ieFlag": "I",
            "declTime": "20260101",
            "customsCode": "4601",
            "portCode": "4601",
            **{name: BUYER[name] for name in BUYER if name != "buyerRegNo"},
            "consigneeAddress": CONSIGNEE["consigneeAddress"],
            "agentCode": self.declarant.code,
            "agentName": self.declarant.name,
            "tradeMode": "9610",
            "trafMode": "5",
            "trafNo": "CZ1",
            "voyageNo": "V1",
            "billNo": "BILL1",
            "country": "502",
            "freight": "10",
            "insuredFee": "0",
            "currency": "142",
            "packNo": "1",
            "grossWeight": "1.5",
            "netWeight": "1.2",
        }
        return Content(head | changes, (_inventory_row(1, "40.00"), _inventory_row(2, "60.00")))

    def arrival(self, cop_no: str, numbers: Sequence[str], **changes: str) -> Content:
        """The warehouse-in list of the parcels of these orders."""
        head = {
            **_version(1),
            "customsCode": "4601",
            "copNo": cop_no,
            "operatorCode": self.site.code,
            "operatorName": self.site.name,
            "ieFlag": "I",
            "trafMode": "5",
            "trafNo": "CZ1",
            "voyageNo": "V1",
            "billNo": "BILL1",
            "logisticsCode": self.carrier.code,
            "logisticsName": self.carrier.name,
        }
        rows = [
            {"gnum": str(place), "logisticsNo": f"L{number}"}
            for place, number in enumerate(numbers, start=1)
        ]
        return Content(head | changes, tuple(rows))

    async def message(
        self, type_: str, contents: Sequence[Content], party: Party | None = None
    ) -> bytes:
        """A signed message."""
        signing = party or self.sender(type_)
        schema = self.catalogue.type(type_)
        fragments = [write(schema, content) for content in contents]
        unsigned = assemble(schema, new_id(), fragments, signing.transfer)
        element = await sign(unsigned.data, signing.signer, signing.signer.set_name)
        return unsigned.with_signature(element)

    async def envelope(
        self, type_: str, contents: Sequence[Content], party: Party | None = None
    ) -> bytes:
        """A signed message in its envelope."""
        signing = party or self.sender(type_)
        return enveloped(await self.message(type_, contents, signing), type_, signing.dxp_id)


def enveloped(message: bytes, type_: str, sender: str, receiver: str = CUSTOMS_ID) -> bytes:
    """A DxpMsg as an enterprise sends it."""
    head = (
        f'<d:DxpMsg xmlns:d="{DXP}" ver="1.0"><d:TransInfo><d:CopMsgId>{new_id()}</d:CopMsgId>'
        f"<d:SenderId>{sender}</d:SenderId>"
        f"<d:ReceiverIds><d:ReceiverId>{receiver}</d:ReceiverId></d:ReceiverIds>"
        f"<d:CreatTime>{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}</d:CreatTime>"
        f"<d:MsgType>{type_}Message</d:MsgType></d:TransInfo><d:Data>"
    )
    return head.encode() + base64.b64encode(message) + b"</d:Data></d:DxpMsg>"


def _version(version: int) -> dict[str, str]:
    return {
        "guid": new_id(),
        "appType": "1",
        "appTime": f"2026010112{version // 60:02}{version % 60:02}",
        "appStatus": "2",
    }


def _order_row(place: int, price: str) -> dict[str, str]:
    return {
        "gnum": str(place),
        "itemNo": f"SKU{place}",
        "itemName": "测试商品",
        "gmodel": "1|罐",
        "unit": "142",
        "qty": "1",
        "price": price,
        "totalPrice": price,
        "currency": "142",
        "country": "502",
    }


def _inventory_row(place: int, price: str) -> dict[str, str]:
    return {
        "gnum": str(place),
        "itemNo": f"SKU{place}",
        "itemName": "测试商品",
        "gcode": "2106909090",
        "gname": "测试商品",
        "gmodel": "1|罐",
        "country": "502",
        "currency": "142",
        "qty": "1",
        "unit": "142",
        "qty1": "1.2",
        "unit1": "035",
        "price": price,
        "totalPrice": price,
    }
