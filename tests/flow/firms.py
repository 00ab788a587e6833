"""Invented enterprises, goods and documents that agree, for tests of the whole flow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gateway.signing.software import generate

OPERATOR, EBP, EBC, PAY, LOGISTICS, AGENT, SITE = (
    "4403960000",
    "4403960001",
    "4403960002",
    "4403960003",
    "4403960004",
    "4403960005",
    "4403960006",
)
EBP_CREDIT = "91440300MA5TEST0X1"
NAMES = {
    OPERATOR: "示例园区运营有限公司",
    EBP: "示例平台有限公司",
    EBC: "示例商贸有限公司",
    PAY: "示例支付有限公司",
    LOGISTICS: "示例物流有限公司",
    AGENT: "示例报关有限公司",
    SITE: "示例监管场所有限公司",
}
ROLES = {
    OPERATOR: "platform",
    EBP: "platform",
    EBC: "merchant",
    PAY: "payment",
    LOGISTICS: "logistics",
    AGENT: "declarant",
    SITE: "site",
}
TYPES = ["CEB311", "CEB411", "CEB511", "CEB513", "CEB621", "CEB711"]
SIGNERS = (EBP, PAY, LOGISTICS, AGENT, SITE)
BUYER = "11010119000307803X"
"""An invented number with a valid check digit."""


def registers(folder: Path, algorithms: dict[str, str]) -> dict[str, list[dict[str, Any]]]:
    """Every register entry that one consignment needs, by resource; keys are made in `folder`."""
    profiles = []
    for code in SIGNERS:
        chosen = algorithms.get(code, "rsa-sha1")
        key, certificate = generate("sm2" if "sm2" in chosen else "rsa", code, NAMES[code])
        (folder / f"{code}.key.pem").write_bytes(key)
        (folder / f"{code}.cert.pem").write_bytes(certificate)
        profiles.append(
            {
                "profile": f"key-{code}",
                "enterprise": code,
                "algorithm": chosen,
                "provider": "software",
                "keyReference": str(folder / f"{code}.key.pem"),
                "certificateReference": str(folder / f"{code}.cert.pem"),
            }
        )
    enterprises = [
        {
            "code": code,
            "name": name,
            "roles": [ROLES[code]],
            "dxpId": f"DXPENT{code}",
            **({"creditCode": EBP_CREDIT} if code == EBP else {}),
        }
        for code, name in NAMES.items()
    ]
    return {
        "enterprises": enterprises,
        "key-profiles": profiles,
        "mandates": [
            *(_mandate(code, "gateway", TYPES) for code in SIGNERS),
            _mandate(EBP, EBC, ["CEB311"]),
            _mandate(EBC, AGENT, ["CEB621"]),
        ],
        "goods": [
            {
                "ebcCode": EBC,
                "itemNo": "SKU-1",
                "direction": "I",
                "gname": "奶粉",
                "gcode": "1901101000",
                "unit": "122",
                "unit1": "035",
                "factor1": "0.8",
                "country": "601",
                "netWeight": "0.8",
            }
        ],
        "profiles": [
            {
                "agentCode": AGENT,
                "mode": "direct-import",
                "customsCode": "5130",
                "portCode": "5130",
                "assureCode": EBC,
                "declaration": "automatic",
            }
        ],
    }


def _mandate(principal: str, holder: str, types: list[str]) -> dict[str, Any]:
    return {
        "mandate": f"{principal}-{holder}",
        "principal": principal,
        "holder": holder,
        "messageTypes": types,
        "validFrom": "2026-01-01",
        "evidence": "委托书示例",
    }


def order(number: str, **changes: Any) -> dict[str, Any]:
    """An order of one row over 310.00."""
    return {
        "orderNo": number,
        "ebpCode": EBP,
        "ebpName": NAMES[EBP],
        "ebcCode": EBC,
        "ebcName": NAMES[EBC],
        "goodsValue": "301.00",
        "freight": "20",
        "discount": "11",
        "taxTotal": "0",
        "acturalPaid": "310",
        "currency": "142",
        "buyerRegNo": "u-77",
        "buyerName": "甲测试",
        "buyerTelephone": "13900000001",
        "buyerIdType": "1",
        "buyerIdNumber": BUYER,
        "payCode": PAY,
        "payName": NAMES[PAY],
        "consignee": "乙测试",
        "consigneeTelephone": "13900000002",
        "consigneeAddress": "示例市示例路1号",
        "items": [
            {
                "itemNo": "SKU-1",
                "itemName": "奶粉",
                "gmodel": "3段|800克",
                "unit": "122",
                "qty": "2",
                "price": "150.5",
                "totalPrice": "301",
                "currency": "142",
                "country": "601",
            }
        ],
        **changes,
    }


def payment(number: str, **changes: Any) -> dict[str, Any]:
    """The payment of that order."""
    return {
        "payCode": PAY,
        "payName": NAMES[PAY],
        "payTransactionId": f"T-{number}",
        "orderNo": number,
        "ebpCode": EBP,
        "ebpName": NAMES[EBP],
        "payerIdType": "1",
        "payerIdNumber": BUYER,
        "payerName": "甲测试",
        "amountPaid": "310.00",
        "currency": "142",
        "payTime": "20260301120000",
        **changes,
    }


def waybill(number: str, **changes: Any) -> dict[str, Any]:
    """The waybill of that order's parcel."""
    return {
        "logisticsCode": LOGISTICS,
        "logisticsName": NAMES[LOGISTICS],
        "logisticsNo": f"W-{number}",
        "billNo": "78412345675",
        "orderNo": number,
        "ebpCode": EBP,
        "freight": "20",
        "insuredFee": "0",
        "currency": "142",
        "weight": "2.1",
        "packNo": "1",
        "consignee": "乙测试",
        "consigneeAddress": "示例市示例路1号",
        "consigneeTelephone": "13900000002",
        **changes,
    }


def waybill_status(number: str, **changes: Any) -> dict[str, Any]:
    """The parcel of that order was signed for."""
    return {
        "logisticsCode": LOGISTICS,
        "logisticsName": NAMES[LOGISTICS],
        "logisticsNo": f"W-{number}",
        "logisticsTime": "20260305101500",
        **changes,
    }


def shipment(numbers: list[str], **changes: Any) -> dict[str, Any]:
    """The master waybill with the parcels of these orders."""
    return {
        "direction": "I",
        "billNo": "78412345675",
        "trafMode": "5",
        "trafNo": "CA1234",
        "voyageNo": "CA1234",
        "ieDate": "20260302",
        "portCode": "5130",
        "customsCode": "5130",
        "country": "601",
        "operatorCode": SITE,
        "logisticsCode": LOGISTICS,
        "items": [{"logisticsNo": f"W-{number}"} for number in numbers],
        **changes,
    }


def arrival(number: str, orders: list[str]) -> dict[str, Any]:
    """The site's tally of those parcels."""
    return {
        "operatorCode": SITE,
        "arrivalNo": number,
        "billNo": "78412345675",
        "trafMode": "5",
        "items": [{"logisticsNo": f"W-{one}"} for one in orders],
    }
