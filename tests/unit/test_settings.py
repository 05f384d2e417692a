"""Settings: which source wins, where relative paths start, and that a mistake is named by file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from ballotscan.errors import UsageError
from ballotscan.settings import Settings, load_settings, shipped, template_folders, without_password


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_the_database_lies_in_the_current_folder(tmp_path: Path) -> None:
    assert load_settings(None, {}, tmp_path) == Settings(str(tmp_path / "ballotscan.sqlite"), tmp_path)


def test_option_goes_before_environment_before_file(tmp_path: Path) -> None:
    write(tmp_path / "ballotscan.toml", 'database = "file.sqlite"\nlanguage = "vi"\n')
    environment = {"BALLOTSCAN_DB": "environment.sqlite"}
    assert load_settings("option.sqlite", environment, tmp_path).database == str(tmp_path / "option.sqlite")
    assert load_settings(None, environment, tmp_path).database == str(tmp_path / "environment.sqlite")
    assert load_settings(None, {}, tmp_path).database == str(tmp_path / "file.sqlite")
    assert load_settings("option.sqlite", environment, tmp_path).language == "vi"


def test_paths_in_a_file_start_from_the_file(tmp_path: Path) -> None:
    office = tmp_path / "office"
    office.mkdir()
    named = write(office / "ours.toml", 'database = "data/ballots.sqlite"\nperiod_rule = "calendar"\n')
    settings = load_settings(None, {"BALLOTSCAN_SETTINGS": str(named)}, tmp_path)
    assert settings.database == str(office / "data" / "ballots.sqlite")
    assert settings.folder == office / "data"
    assert settings.period_rule == "calendar"
    elsewhere = load_settings("here.sqlite", {"BALLOTSCAN_SETTINGS": "office/ours.toml"}, tmp_path)
    assert elsewhere.folder == tmp_path


def test_a_server_needs_a_folder(tmp_path: Path) -> None:
    server = "postgresql+psycopg://clerk@db/ballots"
    with pytest.raises(UsageError, match="folder"):
        load_settings(server, {}, tmp_path)
    write(tmp_path / "ballotscan.toml", f'database = "{server}"\nfolder = "kept"\n')
    assert load_settings(None, {}, tmp_path) == Settings(server, tmp_path / "kept")


def test_a_url_of_a_file_lies_beside_it(tmp_path: Path) -> None:
    assert load_settings(f"sqlite:///{tmp_path}/a/b.sqlite", {}, Path.cwd()).folder == tmp_path / "a"


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ('language = "vi"\n\ndatabse = "x"\n', 3, "databse"),
        ("# ours\ndatabase = 5\n", 2, "database"),
        ('database = ""\n', 1, "database"),
        ('folder = "x"\nlanguage = "de"\n', 2, "de"),
        ('\nperiod_rule = "lunar"\n', 2, "lunar"),
        ("least_cell = 0\n", 1, "least_cell"),
        ('retention_months = "60"\n', 1, "retention_months"),
        ("retention_months = true\n", 1, "retention_months"),
        ("mask_one_way = 1\n", 1, "mask_one_way"),
        ('\n[database]\npath = "x"\n', 2, "database"),
    ],
)
def test_a_mistake_is_named_by_file_and_line(tmp_path: Path, text: str, line: int, word: str) -> None:
    path = write(tmp_path / "ballotscan.toml", text)
    with pytest.raises(UsageError, match=word) as refusal:
        load_settings(None, {}, tmp_path)
    assert refusal.value.message.startswith(f"{path}:{line}: ")
    assert refusal.value.remedy


@pytest.mark.parametrize("content", [b"language = vi\n", b"\xff\xfe\x00"])
def test_a_file_that_is_no_settings_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ballotscan.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"ballotscan\.toml"):
        load_settings(None, {}, tmp_path)


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"missing\.toml"):
        load_settings(None, {"BALLOTSCAN_SETTINGS": "missing.toml"}, tmp_path)
    with pytest.raises(UsageError):
        load_settings(None, {"BALLOTSCAN_SETTINGS": str(tmp_path)}, tmp_path)


def test_a_password_is_refused_outside_the_environment_and_never_repeated(tmp_path: Path) -> None:
    secret = "postgresql+psycopg://clerk:hunter2@db/ballots"
    write(tmp_path / "ballotscan.toml", 'folder = "kept"\n')
    with pytest.raises(UsageError, match="PGPASSWORD") as refusal:
        load_settings(secret, {}, tmp_path)
    assert "hunter2" not in str(refusal.value)
    assert load_settings(None, {"BALLOTSCAN_DB": secret}, tmp_path).database == secret
    write(tmp_path / "ballotscan.toml", f'folder = "kept"\ndatabase = "{secret}"\n')
    with pytest.raises(UsageError):
        load_settings(None, {}, tmp_path)
    assert "hunter2" not in without_password(secret)
    assert without_password("a/b.sqlite") == "a/b.sqlite"


def test_the_offices_templates_go_before_those_shipped(tmp_path: Path) -> None:
    own, ours = template_folders(load_settings(None, {}, tmp_path))
    assert own == tmp_path / "templates"
    assert ours == shipped("templates")
    assert (ours / "hue-2019").is_dir()
