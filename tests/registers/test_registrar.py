from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from gateway.errors import GatewayError, Invalid, Refused
from gateway.registers import Put
from gateway.store import audit
from gateway.store.registers import current
from gateway.store.tables import audit as audit_rows
from gateway.store.tables import goods as goods_rows
from tests.registers.sample import (
    AGENT,
    MERCHANT,
    OTHER,
    PLATFORM,
    PLATFORM_CREDIT,
    Office,
    enterprise,
    goods,
    key_profile,
    mandate,
    profile,
)


@pytest.fixture(autouse=True)
async def _enterprises(office: Office) -> None:
    await office.must_put(
        "enterprise",
        enterprise(PLATFORM, "platform", creditCode=PLATFORM_CREDIT),
        enterprise(MERCHANT),
        enterprise(AGENT, "declarant"),
        enterprise(OTHER),
    )


async def test_other_content_is_the_next_version_and_the_old_one_is_kept(office: Office) -> None:
    """A record put anew closes the version in force at that moment and starts the next."""
    first = office.clock.moment
    await office.must_put("goods", goods())
    office.clock.forward(days=1)
    (second,) = await office.must_put("goods", goods(netWeight="0.9"))
    assert (second.version, second.repeated) == (2, False)
    rows = await office.database.read(
        lambda connection: connection.execute(select(goods_rows).order_by("version")).all()
    )
    assert [(row.version, row.valid_from, row.valid_to) for row in rows] == [
        (1, first, office.clock.moment),
        (2, office.clock.moment, None),
    ]
    assert [row.body["netWeight"] for row in rows] == ["0.8", "0.9"]


async def test_the_same_content_is_repeated_however_often(office: Office) -> None:
    """A network retry makes no version and no audit row."""
    await office.must_put("goods", goods())
    before = await _audited(office)
    for _ in range(3):
        (again,) = await office.must_put("goods", goods())
        assert (again.version, again.repeated) == (1, True)
    assert await _audited(office) == before


async def test_a_key_twice_in_one_body_is_decided_in_order(office: Office) -> None:
    """The second of a pair sees the first, and what comes third equal is a repeat."""
    puts = await office.must_put("goods", goods(), goods(gname="配方奶粉"), goods(gname="配方奶粉"))
    assert [(one.version, one.repeated) for one in puts] == [(1, False), (2, False), (2, True)]


async def test_a_bad_record_does_not_stop_its_neighbours(office: Office) -> None:
    """98 good records beside a broken one and a foreign one are registered."""
    records = [goods(f"SKU-{number}") for number in range(98)]
    records[10:10] = [goods("SKU-X", gcode="1"), goods("SKU-Y", ebcCode=OTHER)]
    results = await office.put("goods", *records, caller=office.caller(MERCHANT))
    assert isinstance(results[10], Invalid)
    assert isinstance(results[11], Refused)
    assert results[11].status == 403
    assert sum(isinstance(one, Put) for one in results) == 98


async def test_both_codes_of_an_enterprise_are_one_key(office: Office) -> None:
    """Goods under the 18-character code are the goods of the 10-character code."""
    await office.must_put("goods", goods(ebcCode=PLATFORM))
    (again,) = await office.must_put("goods", goods(ebcCode=PLATFORM_CREDIT))
    assert (again.key["ebcCode"], again.version) == (PLATFORM, 2)
    assert office.registers.goods(PLATFORM, "SKU-1", "I", office.clock()) is not None


async def test_an_enterprise_writes_its_own_records_only(office: Office) -> None:
    """A merchant writes its goods, a declarant its profiles; others' are refused."""
    (own,) = await office.put("profile", profile(), caller=office.caller(AGENT, "declarant"))
    assert isinstance(own, Put)
    (foreign,) = await office.put("profile", profile(), caller=office.caller(OTHER, "declarant"))
    assert isinstance(foreign, Refused)
    assert foreign.code == "A-foreign"


@pytest.mark.parametrize(
    ("kind", "record", "problem"),
    [
        ("goods", goods(ebcCode="4403969999"), ("$.ebcCode", "R-enterprise")),
        ("goods", goods(unit2="011"), ("$.unit2", "R-unit2")),
        ("goods", goods(validFrom="2026-02-31"), ("$.validFrom", "R-date")),
        (
            "goods",
            goods(validFrom="2026-03-02", validTo="2026-03-01"),
            ("$.validTo", "R-dates"),
        ),
        ("goods", goods(netWeight="1e3"), ("$.netWeight", "S-type")),
        ("profile", profile(agentCode="4403969999"), ("$.agentCode", "R-enterprise")),
        ("profile", profile(ebcCode="4403969999"), ("$.ebcCode", "R-enterprise")),
        ("mandate", mandate("4403969999", "gateway"), ("$.principal", "R-enterprise")),
        ("mandate", mandate(MERCHANT, "4403969999"), ("$.holder", "R-enterprise")),
        ("mandate", mandate(MERCHANT, AGENT, "EPC311"), ("$.messageTypes[0]", "S-format")),
        ("enterprise", enterprise("4403960009", "king"), ("$.roles[0]", "S-value")),
        # A credit code names one enterprise.
        (
            "enterprise",
            enterprise("4403960009", creditCode=PLATFORM_CREDIT),
            ("$.creditCode", "R-code"),
        ),
    ],
)
async def test_what_is_wrong_is_named(
    office: Office, kind: str, record: dict[str, Any], problem: tuple[str, str]
) -> None:
    """A record that would mislead a declaration is refused with path and code."""
    assert problem in await office.problems(kind, record)


async def test_a_credit_code_twice_in_one_body_is_refused(office: Office) -> None:
    """The second enterprise of one body cannot take the code of the first."""
    credit = "91440300MA5TEST0X2"
    first, second = await office.put(
        "enterprise",
        enterprise("4403960010", creditCode=credit),
        enterprise("4403960011", creditCode=credit),
    )
    assert isinstance(first, Put)
    assert isinstance(second, Invalid)
    assert second.code == "R-code"


async def test_a_mandate_without_an_id_gets_one_from_its_content(office: Office) -> None:
    """A repeat of a mandate that names no id finds the first; another content is another one."""
    (first,) = await office.must_put("mandate", mandate(MERCHANT, AGENT, "CEB621"))
    (again,) = await office.must_put("mandate", mandate(MERCHANT, AGENT, "CEB621"))
    (other,) = await office.must_put("mandate", mandate(MERCHANT, AGENT, "CEB311"))
    assert (again.key, again.repeated) == (first.key, True)
    assert other.key != first.key


async def test_a_key_profile_is_bounded_by_its_certificate(office: Office, key_files: Path) -> None:
    """Without days of its own a key profile is valid as long as its certificate."""
    await office.must_put("key-profile", key_profile(key_files, PLATFORM))
    key = (f"key-{PLATFORM}",)
    known = await office.database.read(current, "key-profile", [key])
    body = known[key].body
    assert (body["validFrom"], body["validTo"]) == ("2026-01-30", "2036-01-31")


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"keyReference": "/nowhere/key.pem"}, ("$.keyReference", "K-file")),
        ({"algorithm": "sm2-sm3"}, ("$.keyReference", "K-key")),
        ({"validTo": "2099-01-01"}, ("$.validTo", "K-window")),
        ({"validFrom": "2001-01-01"}, ("$.validFrom", "K-window")),
        ({"enterprise": "4403969999"}, ("$.enterprise", "R-enterprise")),
    ],
)
async def test_a_key_that_cannot_sign_is_refused_when_it_is_registered(
    office: Office, key_files: Path, more: dict[str, Any], problem: tuple[str, str]
) -> None:
    """Missing files, another algorithm and days outside the certificate show at once."""
    record = key_profile(key_files, PLATFORM) | more
    assert problem in await office.problems("key-profile", record)


async def test_a_file_that_is_no_certificate_is_named_in_its_own_field(
    office: Office, key_files: Path
) -> None:
    """A key where the certificate should be: certificateReference, not keyReference."""
    record = key_profile(key_files, PLATFORM, certificateReference=str(key_files / "rsa.key.pem"))
    found = await office.problems("key-profile", record)
    assert found == {("$.certificateReference", "K-certificate")}


async def test_approval_of_declarations_is_refused_for_now(office: Office) -> None:
    """A profile that asks for it would wait for ever: R-approval, and automatic is taken."""
    refused = await office.problems("profile", profile(declaration="approve"))
    assert refused == {("$.declaration", "R-approval")}
    await office.must_put("profile", profile(declaration="automatic"))


async def test_an_expired_certificate_is_refused(office: Office, key_files: Path) -> None:
    """Eleven years on, the ten-year certificate is over."""
    office.clock.moment += timedelta(days=11 * 365)
    record = key_profile(key_files, PLATFORM)
    assert await office.problems("key-profile", record) == {("$.certificateReference", "K-expired")}


async def test_a_key_of_another_certificate_is_refused(office: Office, key_files: Path) -> None:
    """An SM2 key does not fit the RSA certificate beside it."""
    record = key_profile(key_files, PLATFORM, keyReference=str(key_files / "sm2.key.pem"))
    assert await office.problems("key-profile", record) == {("$.keyReference", "K-key")}


async def test_every_write_is_in_the_audit_chain(office: Office, key_files: Path) -> None:
    """Each new version names its actor and subject, and the chain holds."""
    before = await _audited(office)
    await office.put("goods", goods(), caller=office.caller(MERCHANT))
    await office.must_put("key-profile", key_profile(key_files, PLATFORM))
    await office.registers.pause(f"key-{PLATFORM}")
    await office.registers.resume(office.caller(OTHER, "operator"), f"key-{PLATFORM}")
    assert (await _audited(office))[len(before) :] == [
        (f"K-{MERCHANT}", "goods_put", f"{MERCHANT}/SKU-1/I"),
        ("K-OPERATOR", "key-profile_put", f"key-{PLATFORM}"),
        ("gateway", "key_paused", f"key-{PLATFORM}"),
        (f"K-{OTHER}", "key_resumed", f"key-{PLATFORM}"),
    ]
    assert await office.database.read(audit.verify) is None


async def _audited(office: Office) -> list[tuple[str, str, str]]:
    rows = await office.database.read(
        lambda connection: connection.execute(select(audit_rows).order_by("seq")).all()
    )
    return [(row.actor, row.action, row.subject) for row in rows]


async def test_results_stay_in_the_order_of_the_records(office: Office) -> None:
    """Bad, good, repeated and bad again come back in their places."""
    results: list[Put | GatewayError] = await office.put(
        "goods", goods(qty="1"), goods("B"), goods("B"), goods("C", country="")
    )
    assert [isinstance(one, Put) for one in results] == [False, True, True, False]
