"""The names of fields that hold personal data, for rules that have no schema at hand.

A test holds that they are those that the glossary of the schemas calls personal.
"""

from __future__ import annotations

PERSONAL = frozenset(
    {
        "buyerIdNumber",
        "buyerName",
        "buyerRegNo",
        "buyerTelephone",
        "consignee",
        "consigneeAddress",
        "consigneeTelephone",
        "note",
        "oriBizMessage",
        "payerIdNumber",
        "payerName",
        "reason",
        "returnInfo",
        "telephone",
    }
)
