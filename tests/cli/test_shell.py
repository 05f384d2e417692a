"""The command line's shell: what `ballotscan` does before, around and after any command."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ballotscan import __version__
from ballotscan.cli import main, take_language
from ballotscan.errors import BallotscanError, ExitCode, NotBalancedError, UsageError
from ballotscan.i18n import use_language

HEAVY = {"numpy", "pandas", "cv2", "sqlalchemy", "skimage", "pytesseract", "PIL", "typst", "pikepdf", "rich"}
COMMANDS = ("scan", "reread", "inspect", "tally", "template", "export", "import")


@pytest.fixture(autouse=True)
def _bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run in an empty folder, in English unless the test says otherwise."""
    monkeypatch.chdir(tmp_path)
    for name in ("BALLOTSCAN_DB", "BALLOTSCAN_SETTINGS", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("LANGUAGE", "en")
    yield
    use_language("en")


def run(*arguments: str, code: str = "", **environment: str) -> subprocess.CompletedProcess[bytes]:
    """A process of its own, for what only shows in one: imports, encodings, pipes."""
    program = code or "import sys; from ballotscan.cli import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=os.environ | environment,
        capture_output=True,
        check=False,
    )


def test_help_names_every_command_and_imports_nothing_heavy() -> None:
    report = (
        "import sys; from ballotscan.cli import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    )
    done = run(code=report)
    shown = done.stdout.decode()
    assert all(f"\n  {command} " in shown for command in COMMANDS)
    assert HEAVY & set(done.stderr.decode().split()) == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_in_both_languages(command: str) -> None:
    texts = {}
    for language in ("en", "vi"):
        done = run(command, "--help", "--lang", language)
        assert done.returncode == ExitCode.OK
        texts[language] = done.stdout.decode()
    assert "Show this message" in texts["en"]
    assert texts["vi"].startswith("Cách dùng: ballotscan")
    assert not any(word in texts["vi"] for word in ("Usage", "Options:", "Show this", "required", "default"))
    english, vietnamese = (texts[language].splitlines() for language in ("en", "vi"))
    same = set(english) & set(vietnamese)
    assert [line for line in same if re.search("[a-z]{3,} [a-z]{3,}", line)] == []  # none left in English


def test_no_command_at_all_is_answered_with_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == ExitCode.USAGE
    assert "Commands:" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == ExitCode.OK
    assert __version__ in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ("tally --nonsense", "--nonsense"),
        ("tally --db", "--db"),
        ("talli", "talli"),
        ("tally extra", "extra"),
        ("scan", "PATH"),
        ("--lang de tally", "de"),
        ("tally --lang", "--lang"),
    ],
)
@pytest.mark.parametrize("language", ["en", "vi"])
def test_wrong_use_is_one_line_that_says_what_to_do(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: str,
    word: str,
    language: str,
) -> None:
    monkeypatch.setenv("LANG", language)
    assert main(arguments.split()) == ExitCode.USAGE
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith("Error: " if language == "en" else "Lỗi: ")
    assert word in line
    assert "--help" in line or "vi" in line


@pytest.mark.parametrize(
    ("given", "language", "rest"),
    [
        (["--lang", "vi", "tally"], "vi", ["tally"]),
        (["tally", "--lang=vi", "--csv"], "vi", ["tally", "--csv"]),
        (["scan", "--", "--lang", "vi"], None, ["scan", "--", "--lang", "vi"]),
        (["--lang", "vi", "--lang", "en"], "en", []),
        ([], None, []),
    ],
)
def test_the_language_is_taken_wherever_it_stands(
    given: list[str], language: str | None, rest: list[str]
) -> None:
    assert take_language(given) == (language, rest)


def test_the_language_comes_from_the_option_then_the_settings_then_the_locale(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def usage(*arguments: str) -> str:
        main(["tally", "--help", *arguments])
        return capsys.readouterr().out.split(":")[0]

    assert usage() == "Usage"
    monkeypatch.setenv("LANG", "vi_VN.UTF-8")
    assert usage() == "Cách dùng"
    (tmp_path / "ballotscan.toml").write_text('language = "en"\n', encoding="utf-8")
    assert usage() == "Usage"
    assert usage("--lang", "vi") == "Cách dùng"


def test_help_works_beside_a_faulty_settings_file_and_commands_name_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "ballotscan.toml").write_text("nonsense\n", encoding="utf-8")
    assert main(["--help"]) == ExitCode.OK
    assert main(["tally", "--quarter", "2023Q1"]) == ExitCode.USAGE
    assert "ballotscan.toml" in capsys.readouterr().err


def raising(fault: BaseException) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise fault

    return fail


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (BallotscanError("a.pdf: no.", "Do this."), ExitCode.NOTHING_DONE),
        (UsageError("a.pdf: no.", "Do this."), ExitCode.USAGE),
        (NotBalancedError("a.pdf:\nno.", "Do this."), ExitCode.UNBALANCED),
    ],
)
def test_a_deliberate_error_is_one_line_and_its_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, fault: Exception, code: ExitCode
) -> None:
    monkeypatch.setattr("ballotscan.cli.tally.load_settings", raising(fault))
    assert main(["tally", "--quarter", "2023Q1"]) == code
    assert capsys.readouterr().err == "Error: a.pdf: no. Do this.\n"


def test_an_interruption_is_130_without_a_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ballotscan.cli.tally.load_settings", raising(KeyboardInterrupt()))
    assert main(["tally", "--quarter", "2023Q1"]) == ExitCode.INTERRUPTED
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_bug_shows_where_it_is_but_not_what_it_says(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it says may be an answer: ``could not convert string to float: 'Nguyễn Văn Kín'``."""
    fault = ValueError("Nguyễn Văn Kín")
    fault.__cause__ = KeyError("0912345678")
    monkeypatch.setattr("ballotscan.cli.tally.load_settings", raising(fault))
    assert main(["tally", "--quarter", "2023Q1"]) == ExitCode.BUG
    said = capsys.readouterr().err
    assert "tally.py" in said
    assert said.rstrip().endswith("ValueError")
    assert "KeyError" in said
    assert "Kín" not in said
    assert "0912345678" not in said


def test_a_reader_that_goes_away_is_no_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ballotscan.cli._run", raising(BrokenPipeError()))
    monkeypatch.setattr("ballotscan.cli.os.dup2", lambda *_: None)
    assert main(["--help"]) == ExitCode.OK
    assert capsys.readouterr().err == ""


def test_vietnamese_comes_out_whole_whatever_the_console_says() -> None:
    done = run("--help", "--lang", "vi", LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == ExitCode.OK
    assert "phiếu" in done.stdout.decode("utf-8")
