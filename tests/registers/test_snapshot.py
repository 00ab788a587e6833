from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import Refused
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


async def _with_key(office: Office, key_files: Path, code: str, **more: Any) -> None:
    await office.must_put("key-profile", key_profile(key_files, code, **more))
    await office.must_put("mandate", mandate(code, "gateway", "CEB311"))


def _signing(office: Office, *codes: str, type_: str = "CEB311") -> Any:
    return office.registers.signing(codes, type_, office.clock())


def _reason(office: Office, *codes: str, type_: str = "CEB311") -> str:
    with pytest.raises(Refused) as caught:
        _signing(office, *codes, type_=type_)
    assert caught.value.status == 422
    return caught.value.code


async def test_two_codes_name_one_enterprise(office: Office) -> None:
    """10 and 18 characters give one identity, one set of codes and one name."""
    registers = office.registers
    assert registers.identity(PLATFORM_CREDIT) == registers.identity(PLATFORM) == PLATFORM
    assert registers.codes(PLATFORM_CREDIT) == {PLATFORM, PLATFORM_CREDIT}
    assert registers.name(PLATFORM_CREDIT) == f"示例{PLATFORM}有限公司"


async def test_an_unknown_code_is_itself(office: Office) -> None:
    """A code that is not registered stands for itself alone."""
    registers = office.registers
    assert registers.identity("无") == "无"
    assert registers.codes("无") == {"无"}
    assert registers.enterprise("无") is None
    assert registers.name("无") is None


async def test_a_credit_code_that_was_given_up_names_nobody(office: Office) -> None:
    """After an enterprise is registered with another credit code the old one is free."""
    await office.must_put(
        "enterprise", enterprise(PLATFORM, "platform", creditCode="91440300MA5TEST0X3")
    )
    assert office.registers.identity(PLATFORM_CREDIT) == PLATFORM_CREDIT
    assert office.registers.identity("91440300MA5TEST0X3") == PLATFORM
    await office.must_put("enterprise", enterprise(OTHER, creditCode=PLATFORM_CREDIT))
    assert office.registers.identity(PLATFORM_CREDIT) == OTHER


async def test_our_dxp_ids_are_those_of_the_enterprises_in_force(office: Office) -> None:
    """An id counts as ours as long as an enterprise has it."""
    assert office.registers.is_our_dxp_id(f"DXPENT{MERCHANT}")
    await office.must_put("enterprise", enterprise(MERCHANT, dxpId="DXPENTNEW"))
    assert office.registers.is_our_dxp_id("DXPENTNEW")
    assert not office.registers.is_our_dxp_id(f"DXPENT{MERCHANT}")


async def test_the_first_enterprise_with_a_usable_key_signs(
    office: Office, key_files: Path
) -> None:
    """An order goes with the platform's key if it has one here, else with the merchant's."""
    await _with_key(office, key_files, MERCHANT)
    assert _signing(office, PLATFORM, MERCHANT).enterprise == MERCHANT
    await _with_key(office, key_files, PLATFORM)
    choice = _signing(office, PLATFORM_CREDIT, MERCHANT)
    assert (choice.enterprise, choice.profile) == (PLATFORM, f"key-{PLATFORM}")
    assert (choice.transfer.copCode, choice.transfer.dxpId) == (PLATFORM, f"DXPENT{PLATFORM}")
    assert choice.transfer.copName == office.registers.name(PLATFORM)


async def test_without_a_usable_key_the_reason_is_told(office: Office, key_files: Path) -> None:
    """Not registered, no key, no mandate for the type, no dxpId: each has its own code."""
    assert _reason(office) == "K-responsible"
    assert _reason(office, "4403969999") == "K-unregistered"
    assert _reason(office, "4403969999", MERCHANT) == "K-none"
    await office.must_put("key-profile", key_profile(key_files, MERCHANT))
    assert _reason(office, MERCHANT) == "K-mandate"
    await office.must_put("mandate", mandate(MERCHANT, "gateway", "CEB311"))
    assert _signing(office, MERCHANT).enterprise == MERCHANT
    assert _reason(office, MERCHANT, type_="CEB621") == "K-mandate"
    bare = enterprise(MERCHANT)
    del bare["dxpId"]
    await office.must_put("enterprise", bare)
    assert _reason(office, MERCHANT) == "K-dxp"


async def test_a_mandate_counts_from_its_first_to_its_last_day(
    office: Office, key_files: Path
) -> None:
    """Days are days in Shanghai, both included."""
    await office.must_put("key-profile", key_profile(key_files, MERCHANT))
    await office.must_put(
        "mandate",
        mandate(MERCHANT, "gateway", "CEB311", validFrom="2026-03-01", validTo="2026-03-02"),
    )
    day = {
        datetime(2026, 2, 28, 15, 59, tzinfo=UTC): False,  # 23:59 on the day before, in Shanghai
        datetime(2026, 2, 28, 16, 0, tzinfo=UTC): True,
        datetime(2026, 3, 2, 15, 59, tzinfo=UTC): True,
        datetime(2026, 3, 2, 16, 0, tzinfo=UTC): False,
    }
    for moment, valid in day.items():
        assert office.registers.mandated(MERCHANT, "gateway", "CEB311", moment) is valid, moment


async def test_a_key_outside_its_days_does_not_sign(office: Office, key_files: Path) -> None:
    """A profile that begins later is no key yet."""
    await _with_key(office, key_files, MERCHANT, validFrom="2026-04-01")
    assert _reason(office, MERCHANT) == "K-none"
    office.clock.forward(days=40)
    assert _signing(office, MERCHANT).profile == f"key-{MERCHANT}"


async def test_on_renewal_the_newer_key_signs_unless_it_is_paused(
    office: Office, key_files: Path
) -> None:
    """Two profiles overlap: the newer first, the older when customs refused the newer."""
    await _with_key(office, key_files, MERCHANT)
    newer = key_profile(key_files, MERCHANT, profile="key-2027", validFrom="2026-03-01")
    await office.must_put("key-profile", newer)
    assert _signing(office, MERCHANT).profile == "key-2027"
    await office.registers.pause("key-2027")
    assert _signing(office, MERCHANT).profile == f"key-{MERCHANT}"


async def test_a_paused_key_is_told_as_paused_until_it_is_resumed(
    office: Office, key_files: Path
) -> None:
    """Pausing stops a profile in memory and after a restart; resuming lets it sign again."""
    await _with_key(office, key_files, MERCHANT)
    await office.registers.pause(f"key-{MERCHANT}")
    assert _signing(office, MERCHANT).paused
    again = await office.reloaded()
    assert again.signing([MERCHANT], "CEB311", office.clock()).paused
    operator = office.caller(OTHER, "operator")
    assert await office.registers.resume(operator, f"key-{MERCHANT}")
    assert not _signing(office, MERCHANT).paused
    assert not await office.registers.resume(operator, f"key-{MERCHANT}")


async def test_new_files_end_a_pause(office: Office, key_files: Path) -> None:
    """A profile registered anew is another key and starts unpaused, with a new version."""
    await _with_key(office, key_files, MERCHANT)
    await office.registers.pause(f"key-{MERCHANT}")
    await office.must_put("key-profile", key_profile(key_files, MERCHANT, algorithm="rsa-sha256"))
    choice = _signing(office, MERCHANT)
    assert (choice.paused, choice.version, choice.signature_set) == (False, 2, "rsa-sha256")


async def test_a_key_profile_that_moves_leaves_its_enterprise(
    office: Office, key_files: Path
) -> None:
    """Registered for another enterprise, it signs no longer for the first."""
    await _with_key(office, key_files, MERCHANT)
    moved = key_profile(key_files, PLATFORM, profile=f"key-{MERCHANT}")
    await office.must_put("key-profile", moved)
    assert _reason(office, MERCHANT) == "K-none"


async def test_who_may_submit(office: Office) -> None:
    """The responsible enterprise under either code, and the holder of its mandate; no operator."""
    now = office.clock()
    await office.must_put("mandate", mandate(PLATFORM, MERCHANT, "CEB311"))
    registers = office.registers
    registers.may_submit(office.caller(PLATFORM, "platform"), PLATFORM_CREDIT, "CEB311", now)
    registers.may_submit(office.caller(MERCHANT), PLATFORM, "CEB311", now)
    refused = [
        (office.caller(MERCHANT), "CEB411", "A-mandate"),
        (office.caller(OTHER), "CEB311", "A-mandate"),
        (office.caller(PLATFORM, "operator"), "CEB311", "A-operator"),
    ]
    for caller, type_, code in refused:
        with pytest.raises(Refused) as caught:
            registers.may_submit(caller, PLATFORM, type_, now)
        assert (caught.value.status, caught.value.code) == (403, code)


def _declarant(office: Office, named: str | None = None, mode: str = "direct-import") -> Any:
    return office.registers.declarant(MERCHANT, mode, office.clock(), named)


def _no_declarant(office: Office, named: str | None = None, mode: str = "direct-import") -> str:
    with pytest.raises(Refused) as caught:
        _declarant(office, named, mode)
    assert caught.value.status == 422
    return caught.value.code


async def test_the_one_mandated_declarant_is_taken(office: Office) -> None:
    """A profile without a mandate of the merchant does not count, nor one for another mode."""
    await office.must_put("profile", profile(), profile(agentCode=OTHER))
    assert _no_declarant(office) == "R-declarant"
    await office.must_put("mandate", mandate(MERCHANT, AGENT, "CEB621"))
    assert _declarant(office)["agentCode"] == AGENT
    assert _no_declarant(office, mode="bonded-import") == "R-declarant"


async def test_several_declarants_must_be_told_apart(office: Office) -> None:
    """With two candidates the order names one; a named one without a mandate is refused."""
    await office.must_put("profile", profile(), profile(agentCode=OTHER))
    await office.must_put(
        "mandate", mandate(MERCHANT, AGENT, "CEB621"), mandate(MERCHANT, OTHER, "CEB621")
    )
    assert _no_declarant(office) == "R-declarants"
    assert _declarant(office, OTHER)["agentCode"] == OTHER
    assert _no_declarant(office, PLATFORM) == "R-declarant"


async def test_a_merchant_declares_for_itself_without_a_mandate(office: Office) -> None:
    """An agent that is the merchant needs nobody's leave."""
    await office.must_put("profile", profile(agentCode=MERCHANT))
    assert _declarant(office)["agentCode"] == MERCHANT


async def test_the_profile_for_the_merchant_goes_before_the_general_one(office: Office) -> None:
    """One agent, two profiles: that with the merchant's code is meant."""
    await office.must_put("mandate", mandate(MERCHANT, AGENT, "CEB621"))
    await office.must_put(
        "profile", profile(), profile(ebcCode=MERCHANT, customsCode="5141"), profile(ebcCode=OTHER)
    )
    assert _declarant(office)["customsCode"] == "5141"


async def test_goods_are_valid_on_their_days(office: Office) -> None:
    """A goods record answers on its days, in its direction and under either code."""
    await office.must_put("goods", goods(validTo="2026-03-31"), goods(ebcCode=PLATFORM))
    registers, now = office.registers, office.clock()
    assert registers.goods(MERCHANT, "SKU-1", "I", now) is not None
    assert registers.goods(PLATFORM_CREDIT, "SKU-1", "I", now) is not None
    assert registers.goods(MERCHANT, "SKU-1", "E", now) is None
    office.clock.forward(days=40)
    assert registers.goods(MERCHANT, "SKU-1", "I", office.clock()) is None


async def test_a_new_process_sees_the_same_registers(office: Office, key_files: Path) -> None:
    """What is answered after a restart is what was answered before."""
    await _with_key(office, key_files, MERCHANT)
    await office.must_put("profile", profile(agentCode=MERCHANT))
    await office.must_put("goods", goods(), goods(gname="配方奶粉"))
    again, now = await office.reloaded(), office.clock()
    assert again.signing([MERCHANT], "CEB311", now) == _signing(office, MERCHANT)
    assert again.declarant(MERCHANT, "direct-import", now, None) == _declarant(office)
    assert again.goods(MERCHANT, "SKU-1", "I", now) == office.registers.goods(
        MERCHANT, "SKU-1", "I", now
    )
    assert again.identity(PLATFORM_CREDIT) == PLATFORM
