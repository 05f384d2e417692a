"""What README and the users' documents say can be done, can be done: commands, options, files."""

from __future__ import annotations

import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.exceptions import TyperException

from ballotscan.cli import build_app

ROOT = Path(__file__).parents[2]
DOCUMENTS = ROOT / "ballotscan" / "docs"
PAGES = [ROOT / "README.md", *sorted((ROOT / "ballotscan").glob("*.md")), *sorted(DOCUMENTS.glob("*.md"))]
SHOWN = [page.relative_to(ROOT).as_posix() for page in PAGES]

OF_OTHER_PROGRAMS = {"--upgrade", "--custom-compile-command"}
"""Options of uv, named in docs/developing.md."""


def commands_in(page: str) -> list[list[str]]:
    """The ballotscan commands in the fenced blocks of a page, as words without the program's name."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [
        shlex.split(line, comments=True)[1:] for line in lines if re.match(r"(\.venv/bin/)?ballotscan ", line)
    ]


def options_in(page: str) -> set[str]:
    """Options named between backticks in running text."""
    codes = re.findall(r"(?<!`)`([^`]+)`(?!`)", page)
    return {word for code in codes for word in re.findall(r"(?<!\S)--[a-z][a-z-]*", code)}


def links_in(page: str) -> list[str]:
    """Targets of Markdown links and pictures that lie in the repository."""
    return [target for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page) if "://" not in target]


def parse(words: list[str]) -> str:
    """Let the command line parse the words without running them: empty, or why it refuses them."""
    command: Any = typer.main.get_command(build_app())
    while words and hasattr(command, "commands"):
        if words[0] not in command.commands:
            return f"there is no command {words[0]}"
        command, words = command.commands[words[0]], words[1:]
    try:
        command.make_context("ballotscan", list(words))
    except TyperException as refused:
        return refused.format_message()
    return ""


def all_options() -> set[str]:
    """Every option of every command."""
    found = {"--help"}
    left: list[Any] = [typer.main.get_command(build_app())]
    while left:
        command = left.pop()
        left += getattr(command, "commands", {}).values()
        found |= {
            name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)
        }
    return found


@pytest.mark.parametrize("shown", SHOWN)
def test_commands_are_accepted(shown: str) -> None:
    for words in commands_in((ROOT / shown).read_text(encoding="utf-8")):
        assert parse(words) == "", words


@pytest.mark.parametrize("shown", SHOWN)
def test_options_exist(shown: str) -> None:
    named = options_in((ROOT / shown).read_text(encoding="utf-8"))
    assert named - all_options() - OF_OTHER_PROGRAMS == set()


@pytest.mark.parametrize("shown", SHOWN)
def test_links_lead_somewhere(shown: str) -> None:
    folder = (ROOT / shown).parent
    missing = [
        link for link in links_in((ROOT / shown).read_text(encoding="utf-8")) if not (folder / link).exists()
    ]
    assert missing == []


def test_samples_named_in_readme_are_there() -> None:
    named = re.findall(r"samples/[\w./-]*\w", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_command_is_in_the_documents() -> None:
    """A command that no page shows is one that no clerk will find."""
    shown = {tuple(words[:2]) for page in PAGES for words in commands_in(page.read_text(encoding="utf-8"))}
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    tree: Any = typer.main.get_command(build_app())
    for name, command in tree.commands.items():
        for below in getattr(command, "commands", {}):
            assert (name, below) in shown, f"{name} {below}"
        assert any(words[0] == name for words in shown) or f"ballotscan {name} " in text, name


def test_start_script_says_what_readme_says() -> None:
    said = subprocess.run(
        [sys.executable, str(ROOT / "start.py"), "--help"], capture_output=True, encoding="utf-8", check=True
    ).stdout
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for line in re.findall(r"^python3 start\.py.*$", readme, flags=re.MULTILINE):
        assert re.search(rf"^\s+{re.escape(line)}(\s\s|$)", said, flags=re.MULTILINE), line


def test_start_script_runs_commands_that_there_are() -> None:
    lines = runpy.run_path(str(ROOT / "start.py"))["DEMO_COMMANDS"]
    assert [line.split()[0] for line in lines] == ["scan", "tally"]
    for line in lines:
        assert parse(line.split()) == ""


def test_a_wrong_command_is_found() -> None:
    page = "text\n```\nballotscan tally --quarter 2023Q1 --colour blue\n```\nand `--csv` or `--cvs FILE`"
    (words,) = commands_in(page)
    assert "--colour" in parse(words)
    assert "no command count" in parse(["count"])
    assert options_in(page) - all_options() == {"--cvs"}


def test_a_dead_link_is_found() -> None:
    assert links_in("[a](b.md#part) ![p](docs/seen.png) [w](https://example.org/x)") == [
        "b.md",
        "docs/seen.png",
    ]
