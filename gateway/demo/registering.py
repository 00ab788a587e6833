"""Registering: the operator enters everybody through the API, and gives out the API keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.client import Client
from gateway.demo.goods import EVERYTHING
from gateway.demo.installation import ZONE, Installation
from gateway.demo.parties import Parties
from gateway.demo.processes import DemoFailed

VALID_FROM = "2024-01-01"
EVIDENCE = "虚构委托协议"
CARTON = "2"
MODE = "direct-import"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Caller:
    """A role of an enterprise: who has an API key."""

    role: str
    code: str


async def register(installation: Installation, client: Client) -> dict[Caller, str]:
    """Enter all registers, at the gateway and at customs; API keys by role and enterprise."""
    parties = installation.parties
    for resource, records in (
        ("enterprises", enterprises(parties)),
        ("key-profiles", key_profiles(installation)),
        ("mandates", mandates(parties)),
        ("goods", goods(parties)),
        ("profiles", profiles(parties)),
    ):
        check(resource, await client.post(resource, list(records)))
    for party in parties.signers():
        certificate = installation.key_files(party)[1].read_text("ascii")
        await installation.simulation.register(party, certificate)
    keys = {Caller("operator", ZONE): installation.operator_key}
    for one in callers(parties):
        keys[one] = await client.create_api_key(one.role, one.code)
    return keys


def callers(parties: Parties) -> Iterator[Caller]:
    """Everybody who calls the API, with the role: the first of each role is the one to show."""
    yield from dict.fromkeys(Caller(one.role, one.platform.code) for one in parties.channels)
    for role, firms in (
        ("declarant", parties.declarants),
        ("payment", parties.payments),
        ("logistics", parties.logistics),
        ("site", parties.sites),
    ):
        for firm in firms:
            yield Caller(role, firm.code)


def enterprises(parties: Parties) -> Iterator[Json]:
    """Everybody."""
    for party in parties.all():
        record: Json = {
            "code": party.code,
            "creditCode": party.credit_code,
            "name": party.name,
            "roles": list(party.roles),
        }
        yield record | ({"dxpId": party.dxp_id} if party.signature_set else {})


def key_profiles(installation: Installation) -> Iterator[Json]:
    """The business keys of everybody who signs: files in the data folder."""
    for party in installation.parties.signers():
        key, certificate = installation.key_files(party)
        yield {
            "profile": f"{party.code}-{party.signature_set}",
            "enterprise": party.code,
            "algorithm": party.signature_set,
            "provider": "software",
            "keyReference": str(key),
            "certificateReference": str(certificate),
        }


def mandates(parties: Parties) -> Iterator[Json]:
    """Signers let the gateway use their keys; merchants let their declarant declare."""
    for party in parties.signers():
        yield _mandate(party.code, "gateway", party.message_types)
    for one in parties.channels:
        yield _mandate(one.merchant.code, one.declarant.code, ("CEB621",))


def goods(parties: Parties) -> Iterator[Json]:
    """The goods of every merchant."""
    for channel in parties.channels:
        yield from (one.record(channel.merchant) for one in EVERYTHING)


def profiles(parties: Parties) -> Iterator[Json]:
    """How each declarant declares: at its office, with its own guarantee, without approval."""
    for declarant in parties.declarants:
        office = parties.office(declarant)
        yield {
            "agentCode": declarant.code,
            "mode": MODE,
            "customsCode": office,
            "portCode": office,
            "assureCode": declarant.code,
            "wrapType": CARTON,
            "declaration": "automatic",
        }


def check(what: str, results: Sequence[Json]) -> None:
    """Raises DemoFailed when a record was refused: everything the demo hands in is right."""
    refused = [one for one in results if one["status"] >= 400]
    if refused:
        first = refused[0]
        found = first.get("problems") or first
        raise DemoFailed(f"{len(refused)} {what} were refused, first: {found}")


def _mandate(principal: str, holder: str, message_types: Sequence[str]) -> Json:
    return {
        "mandate": f"{principal}-{holder}",
        "principal": principal,
        "holder": holder,
        "messageTypes": list(message_types),
        "validFrom": VALID_FROM,
        "evidence": EVIDENCE,
    }
