"""The parties with their keys, made once, and a counter of customs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.messages import load_catalogue
from gateway.signing.software import generate, load_signer
from tests.simulator.counter import START, Counter
from tests.simulator.trade import Party, Trade

SETS = {"rsa": "rsa-sha1", "sm2": "sm2-sm3"}


@pytest.fixture(scope="session")
def trade(tmp_path_factory: pytest.TempPathFactory) -> Trade:
    """Five parties; the platform signs with RSA, the others with SM2."""
    folder = tmp_path_factory.mktemp("parties")

    def party(code: str, name: str, number: int, algorithm: str = "sm2") -> Party:
        key, certificate = generate(algorithm, code, name, START)
        (folder / f"{code}.key").write_bytes(key)
        (folder / f"{code}.pem").write_bytes(certificate)
        signer = load_signer(SETS[algorithm], folder / f"{code}.key", folder / f"{code}.pem")
        return Party(
            code=code,
            credit_code=f"91440101MA{number:08}",
            name=name,
            dxp_id=f"DXPENT{number:010}",
            signer=signer,
            certificate=certificate.decode(),
        )

    return Trade(
        catalogue=load_catalogue(),
        platform=party("4401960EBP", "测试平台", 1, "rsa"),
        payment=party("4401960PAY", "测试支付", 2),
        carrier=party("4401980LOG", "测试物流", 3),
        declarant=party("4601980AGT", "测试报关", 4),
        site=party("4601980OPR", "测试场所", 5),
    )


@pytest.fixture
def counter(trade: Trade, tmp_path: Path) -> Iterator[Counter]:
    """Customs with all parties registered."""
    made = Counter(trade, tmp_path / "customs")
    yield made
    for authority in made.open:
        authority.close()
