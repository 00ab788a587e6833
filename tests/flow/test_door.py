"""The door: one result per record, repeats, conflicts, and no neighbour poisoned."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.flow import firms
from tests.flow.bench import Bench, told


async def test_bad_records_poison_no_neighbour(bench: Bench) -> None:
    """One body with a NUL, an equal key pair and 98 good records: 98 accepted, each fault named."""
    records: list[dict[str, Any]] = [firms.order(f"SO-{number}") for number in range(97)]
    records.insert(40, firms.order("SO-NUL", note="a\x00b"))
    records.append(firms.order("SO-PAIR"))
    records.append(firms.order("SO-PAIR"))
    assert len(records) == 100
    answer = await bench.post("merchant", "import/orders", records)
    assert (answer["accepted"], answer["repeated"], answer["refused"]) == (98, 1, 1)
    bad = answer["results"][40]
    assert bad["status"] == 422
    assert bad["problems"][0]["path"] == "$.note"
    pair = answer["results"][-2:]
    assert pair[0]["id"] == pair[1]["id"]
    assert pair[1]["repeated"]


async def test_concurrent_bodies_with_one_key_give_one_document(bench: Bench) -> None:
    """Twenty clients that send the same order at once get the same id; it is declared once."""
    answers = await asyncio.gather(
        *(bench.post("merchant", "import/orders", firms.order("SO-1")) for _ in range(20))
    )
    assert len({one["id"] for one in answers}) == 1
    assert sorted(one["repeated"] for one in answers) == [False] + [True] * 19
    await bench.arrived("CEB311")
    await asyncio.sleep(0.5)
    assert len(bench.office.sent("CEB311")) == 1


async def test_a_repeat_is_compared_by_value(bench: Bench) -> None:
    """1.0 equals 1.00 and a number equals its text: the first answer again."""
    first = await bench.post("merchant", "import/orders", firms.order("SO-1", freight="20"))
    again = await bench.post("merchant", "import/orders", firms.order("SO-1", freight=20.00))
    assert again["repeated"]
    assert again["id"] == first["id"]


async def test_the_credit_code_names_the_same_enterprise(bench: Bench) -> None:
    """An order under the platform's 18-character code is no second order."""
    first = await bench.post("merchant", "import/orders", firms.order("SO-1"))
    other = await bench.post(
        "merchant", "import/orders", firms.order("SO-1", ebpCode=firms.EBP_CREDIT)
    )
    assert other["version"] == 2
    assert first["key"] == other["key"]
    await bench.arrived("CEB311")
    await asyncio.sleep(0.3)
    assert len(bench.office.sent("CEB311")) == 1


async def test_a_living_inventory_freezes_its_documents(bench: Bench) -> None:
    """409 with the id and the paths that differ; the same content is still a repeat."""
    await bench.accept("SO-1")
    partners = [(await bench.arrived(one))[0] for one in ("CEB311", "CEB411", "CEB511")]
    await bench.tell(*told(partners, "2"))
    await bench.post("site", "import/shipments", [firms.shipment(["SO-1"])])
    await bench.arrived("CEB621")
    changed = firms.order("SO-1", consigneeAddress="别处")
    answer = await bench.post("merchant", "import/orders", changed, status=409)
    assert answer["differences"] == [{"path": "$.consigneeAddress"}]
    again = await bench.post("merchant", "import/orders", firms.order("SO-1"))
    assert again["id"] == answer["id"]


async def test_rules_of_the_door_name_field_and_rule(bench: Bench) -> None:
    """M06 and M15 are 422 with path, code and sentences in both languages; names are checked."""
    wrong = firms.order("SO-1", acturalPaid="311")
    wrong["items"][0]["totalPrice"] = "300"
    wrong["ebcName"] = "别的公司"
    answer = await bench.post("merchant", "import/orders", wrong, status=422)
    found = {one["code"]: one for one in answer["problems"]}
    assert {"M06", "M15", "R-name"} <= found.keys()
    assert found["M15"]["path"].startswith("$.items[0].")
    assert all(one["zh"] and one["en"] for one in answer["problems"])


async def test_strangers_are_refused_per_record(bench: Bench) -> None:
    """Wrong role, foreign enterprise, missing mandate: 403 each, nothing stored."""
    await bench.post("payment", "import/orders", firms.order("SO-1"), status=403)
    foreign = await bench.post("payment", "import/payments", firms.payment("SO-1"))
    other = firms.payment("SO-2", payCode="4403999999", payName="别家")
    answer = await bench.post("payment", "import/payments", [firms.payment("SO-1"), other])
    assert [one["status"] for one in answer["results"]] == [202, 403]
    assert answer["results"][0]["id"] == foreign["id"]


async def test_a_problem_shows_no_personal_data(bench: Bench) -> None:
    """The value of a personal field is masked in the answer."""
    wrong = firms.order("SO-1", buyerTelephone="1" * 40)
    answer = await bench.post("merchant", "import/orders", wrong, status=422)
    assert "1" * 10 not in json.dumps(answer)
