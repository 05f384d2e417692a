"""The program as it is installed: the wheel carries all it needs and runs far from any checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing but what the wheel holds."""
    made, site = tmp_path_factory.mktemp("wheel"), tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(made)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = made.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


@pytest.mark.parametrize(
    "name",
    [
        "ballotscan/shipped/templates/appendix-i/template.yaml",
        "ballotscan/shipped/templates/hue-2019/template.yaml",
        "ballotscan/shipped/calibration/README.md",
        "ballotscan/forms/form.typ",
        "ballotscan/locale/vi/LC_MESSAGES/ballotscan.po",
        "ballotscan/docs/quick-start.md",
    ],
)
def test_wheel_holds(installed: Path, name: str) -> None:
    assert (installed / name).stat().st_size > 0


def test_templates_are_found_from_any_folder(installed: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(installed), "PYTHONUTF8": "1"}
    program = (
        "import sys; from ballotscan.cli import main; sys.exit(main(['template', 'list', '--lang', 'en']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "appendix-i" in done.stdout
    assert "hue-2019" in done.stdout
