"""Which files are kept with a record, in its copies too, and where they go when a copy is put back."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ballotscan import verify
from ballotscan.cli import main
from ballotscan.errors import ExitCode
from ballotscan.settings import shipped
from ballotscan.store.keeping import kept_files, names_of_files
from tests.faults.mutate import closed_office

FORM = {"form": "f", "edition": "1", "files": {"template.yaml": "t1"}}
ENTRIES = [
    ("form", FORM),
    ("form", FORM | {"edition": "2", "files": {"template.yaml": "t2", "blank.pdf": "b"}}),
    ("run", {"calibration": "fi-8170 c1"}),
    ("run", {"calibration": "fi-8170 c2"}),
    ("run", {}),
    ("file", {"original": "s1"}),
    ("file", {"original": "s2"}),
    ("removed", {"originals": ["s1"]}),
]


def test_what_is_kept_and_where_it_lies() -> None:
    assert kept_files(ENTRIES) == {"t1", "t2", "b", "c1", "c2", "s2"}
    assert names_of_files(ENTRIES) == {
        Path("templates/f/template.yaml"): "t2",
        Path("templates/f/blank.pdf"): "b",
        Path("calibration/fi-8170.toml"): "c2",
    }


def test_a_restored_office_can_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Profile and template of its own come back to where they are looked for; what ships is not doubled."""
    office = closed_office(tmp_path / "office").office
    template = office.folder / "templates" / "hue-2019" / "template.yaml"
    profile = (shipped("calibration") / "example-good.toml").read_bytes()
    monkeypatch.chdir(tmp_path)
    assert main(["backup", "away/copy.sqlite", "--db", str(office.database)]) == ExitCode.OK
    shutil.rmtree(office.folder)
    assert main(["restore", "away/copy.sqlite", "--db", "new/ballotscan.sqlite"]) == ExitCode.OK
    assert verify.verify("new/ballotscan.sqlite", Path("new")).originals == 5  # 3 scans, template, profile
    assert not template.exists()
    assert list(Path("new").rglob("*.toml")) == []
    assert any(path.read_bytes() == profile for path in Path("new/originals").rglob("*") if path.is_file())


def test_what_does_not_ship_is_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    office = closed_office(tmp_path / "office").office
    monkeypatch.chdir(tmp_path)
    assert main(["backup", "away/copy.sqlite", "--db", str(office.database)]) == ExitCode.OK
    monkeypatch.setattr("ballotscan.store.backup.shipped", lambda name: tmp_path / "nothing" / name)
    assert main(["restore", "away/copy.sqlite", "--db", "new/ballotscan.sqlite"]) == ExitCode.OK
    for name in ("templates/hue-2019/template.yaml", "calibration/example-good.toml"):
        assert (
            Path("new", name).read_bytes()
            == shipped(name.partition("/")[0]).joinpath(*Path(name).parts[1:]).read_bytes()
        )
