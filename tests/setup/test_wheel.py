"""The wheel holds everything that the gateway reads, so that it works from any folder."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def installed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the unpacked wheel and nothing else."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=root, check=True, capture_output=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


def test_the_wheel_carries_schemas_and_settings(root: Path, installed: Path) -> None:
    """Each file of xsd/, the commented settings and the rows are in the wheel, unchanged."""
    for name in ("xsd", "config"):
        sources = [path for path in (root / name).rglob("*") if path.is_file()]
        shipped = [path for path in sources if "locks" not in path.parts]
        assert shipped
        for path in shipped:
            copy = installed / "gateway/_shipped" / path.relative_to(root)
            assert copy.read_bytes() == path.read_bytes()
    for path in (root / "gateway").rglob("*.toml"):
        assert (installed / path.relative_to(root)).read_bytes() == path.read_bytes()


def test_an_installed_gateway_reads_its_own_catalogue(root: Path, installed: Path) -> None:
    """From another folder, with the wheel alone, the catalogue holds the same message types."""
    from_wheel = _message_types(installed, installed.parent)
    assert "CEB311" in from_wheel
    assert from_wheel == _message_types(root, root)


def _message_types(package_folder: Path, cwd: Path) -> str:
    code = f"""
import sys
sys.path.insert(0, {str(package_folder)!r})
import gateway
assert gateway.__file__.startswith({str(package_folder)!r}), gateway.__file__
from gateway.messages import load_catalogue
print(*sorted(load_catalogue().types))
"""
    done = subprocess.run(
        [sys.executable, "-I", "-c", code],
        cwd=cwd,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
