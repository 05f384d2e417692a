"""The arrows between the rooms, read from the source by AST. The table is the one of ballotscan/README.md."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from itertools import chain
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "ballotscan"

BASE = frozenset({"model", "errors", "i18n", "reasons", "settings", "privacy", "logs", "four_eyes"})
PAPER = BASE | {"forms"}
SCAN = frozenset({"pipeline", "page_work", "sheet_work", "worklist", "reread", "rescans"})
"""The modules that join the rooms into a scan."""

MAY_IMPORT: dict[str, frozenset[str]] = {
    **dict.fromkeys(BASE, BASE),
    "model": frozenset(),
    "forms": PAPER,
    "intake": PAPER | {"intake"},
    "vision": PAPER | {"vision"},
    "rules": BASE | {"forms.form", "rules"},
    "reading": PAPER | {"vision"},
    "store": BASE | {"forms.form", "store"},
    "tally": PAPER | {"rules", "store", "tally"},
    "imports": PAPER | {"rules", "store", "imports"},
    "programme": PAPER | {"rules", "store", "imports", "programme"},
    "report": PAPER | {"rules", "store", "tally", "audit", "programme", "report"},
    **dict.fromkeys(SCAN, PAPER | {"intake", "vision", "reading", "rules", "store"} | SCAN),
    "calibration": PAPER | {"intake", "vision", "reading", "rules", "calibration"},
    "gallery": PAPER | {"intake", "vision", "store"},
    "audit": BASE | {"forms", "rules", "store", "tally", "audit"},
    "review": PAPER | {"intake", "vision", "rules", "store", "audit", "review"},
    "cli": PAPER
    | {"review", "audit"}
    | {"intake", "vision", "reading", "rules", "store", "tally", "calibration", "gallery", "cli"}
    | {"keys", "closing", "verify", "opening", "imports", "programme", "report"}
    | SCAN,
    "keys": BASE,
    "opening": PAPER,
    "closing": BASE | {"rules", "store", "tally", "keys", "verify"},
    "verify": frozenset(),
    "__main__": frozenset({"cli"}),
    "__init__": frozenset(),
}
"""Which of our own modules a room may import; a room that is missing here fails the test."""

SQL = frozenset({"sqlalchemy", "sqlite3", "psycopg"})
PIXELS = frozenset(
    {"numpy", "cv2", "skimage", "PIL", "simplejpeg", "pikepdf", "typst", "zxingcpp", "pytesseract"}
)
SHELL = frozenset({"typer", "click", "rich"})
MUST_NOT_KNOW: dict[str, frozenset[str]] = {
    **dict.fromkeys(BASE, SQL | PIXELS | SHELL | {"pandas"}),
    "forms": SQL | SHELL | {"pandas"},
    "intake": SQL | SHELL | {"pandas"},
    "vision": SQL | SHELL | {"pandas"},
    "reading": SQL | SHELL | {"pandas"},
    "rules": SQL | PIXELS | SHELL | {"pandas"},
    "store": PIXELS | SHELL | {"pandas"},
    "tally": PIXELS | {"typer", "click", "pandas"},
    "imports": SQL | PIXELS | SHELL | {"pandas"},
    "programme": SQL | PIXELS | SHELL | {"pandas"},
    "report": SQL | SHELL,
    **dict.fromkeys(SCAN, SQL | SHELL | {"pandas"}),
    "calibration": SQL | SHELL | {"pandas"},
    "keys": SQL | PIXELS | SHELL | {"pandas"},
    "opening": SQL | SHELL | {"pandas"},
    "closing": SQL | PIXELS | SHELL | {"pandas"},
    "verify": PIXELS | SHELL | {"pandas", "sqlalchemy"},
    "audit": SQL | PIXELS | SHELL | {"pandas"},
    "review": SQL | SHELL | {"pandas"},
    "gallery": SQL | SHELL | {"pandas"},
}
"""Which libraries a room knows nothing of."""

SLOW = frozenset(
    {"pandas", "cv2", "skimage", "sqlalchemy", "typst", "pikepdf", "PIL", "numpy", "scipy"}
    | {"fastapi", "starlette", "uvicorn", "jinja2", "argon2"}
    | {"openpyxl", "docx", "xlsxwriter", "pyreadstat"}
)
"""Libraries that a command line module imports only inside functions, so that --help comes at once."""


@dataclass(frozen=True)
class Import:
    """One imported module: ``name`` is dotted; ``at_top`` is False inside a function."""

    where: str
    name: str
    at_top: bool


def imports_of(path: Path, package: Path) -> Iterator[Import]:
    """Every import of a file, relative ones resolved, those inside functions included."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    shown = path.relative_to(package.parent).as_posix()
    parents = path.relative_to(package.parent).parts[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            before = parents[: len(parents) - node.level + 1] if node.level else ()
            module = ".".join([*before, *([node.module] if node.module else [])])
            # `from ballotscan.forms import load` imports the module forms.load
            names = [f"{module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            yield Import(f"{shown}:{node.lineno}", name, id(node) not in inside)


def broken_rules(package: Path) -> list[str]:
    """One line per import that runs against the arrows, in the order of the files."""
    broken = []
    for path in sorted(package.rglob("*.py")):
        room = path.relative_to(package).parts[0].removesuffix(".py")
        if room not in MAY_IMPORT:
            broken.append(f"{room}: a room that the table of arrows does not know")
            continue
        for found in imports_of(path, package):
            top, _, rest = found.name.partition(".")
            if top == package.name:
                if not may_import(room, rest):
                    broken.append(f"{found.where}: {room} must not import {rest}")
            elif top in MUST_NOT_KNOW.get(room, ()):
                broken.append(f"{found.where}: {room} must not know {top}")
            elif room == "cli" and found.at_top and top in SLOW:
                broken.append(f"{found.where}: {top} makes --help slow; import it inside the function")
    return broken


def may_import(room: str, module: str) -> bool:
    """``module`` is dotted, without the package's name. Constants of the package itself are everyone's."""
    is_constant = module == "" or module.isupper() or module.startswith("__")
    return is_constant or any(f"{module}.".startswith(f"{allowed}.") for allowed in MAY_IMPORT[room])


def test_arrows_run_one_way() -> None:
    assert broken_rules(PACKAGE) == []


def test_every_room_is_looked_at() -> None:
    looked_at = {path.relative_to(PACKAGE).parts[0] for path in PACKAGE.rglob("*.py")}
    assert {"model.py", "forms", "intake", "vision", "rules", "store", "tally", "cli"} <= looked_at


@pytest.mark.parametrize(
    ("file", "source", "complaint"),
    [
        ("model.py", "from ballotscan import errors", "model must not import errors"),
        ("model.py", "import numpy as np", "model must not know numpy"),
        ("vision/marks.py", "import pandas", "vision must not know pandas"),
        ("vision/marks.py", "from ..rules import answers", "vision must not import rules.answers"),
        ("vision/marks.py", "def f():\n    from sqlalchemy import text", "vision must not know sqlalchemy"),
        ("intake/files.py", "import typer", "intake must not know typer"),
        ("rules/answers.py", "import numpy.typing", "rules must not know numpy"),
        ("rules/answers.py", "from ballotscan.forms import prints", "rules must not import forms.prints"),
        (
            "store/database.py",
            "from ballotscan.rules.sheets import pair_sides",
            "store must not import rules",
        ),
        ("store/database.py", "import ballotscan.vision.align", "store must not import vision.align"),
        ("tally/counts.py", "import cv2", "tally must not know cv2"),
        ("pipeline.py", "from ballotscan.cli import main", "pipeline must not import cli.main"),
        ("cli/scan.py", "import pandas as pd", "pandas makes --help slow"),
        ("verify.py", "from ballotscan.model import Mark", "verify must not import model.Mark"),
        ("attic/old.py", "", "attic: a room that the table of arrows does not know"),
    ],
)
def test_a_broken_rule_is_found(tmp_path: Path, file: str, source: str, complaint: str) -> None:
    path = tmp_path / "ballotscan" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, encoding="utf-8")
    (line,) = broken_rules(tmp_path / "ballotscan")
    assert complaint in line


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("rules/answers.py", "from ballotscan.forms.form import Form\nfrom . import sheets"),
        ("vision/align.py", "import numpy as np\nfrom ballotscan.model import Mark\nfrom .page import turn"),
        ("cli/tally.py", "def tally():\n    import pandas"),
        ("tally/counts.py", "from ballotscan.rules.periods import Period"),
        ("cli/__init__.py", "from ballotscan import __version__"),
    ],
)
def test_an_allowed_import_is_let_through(tmp_path: Path, file: str, source: str) -> None:
    path = tmp_path / "ballotscan" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, encoding="utf-8")
    assert broken_rules(tmp_path / "ballotscan") == []


def test_every_library_is_declared() -> None:
    """What is imported is asked for by name, not had by the luck of another package's wishes."""
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked_for = [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]
    packages = {re.split(r"[<>=!; \[]", requirement)[0].lower() for requirement in asked_for}
    provided = metadata.packages_distributions()
    undeclared = set()
    for path in PACKAGE.rglob("*.py"):
        for found in imports_of(path, PACKAGE):
            top = found.name.partition(".")[0]
            givers = {name.lower() for name in provided.get(top, [top])}
            if top not in sys.stdlib_module_names | {PACKAGE.name} and not givers & packages:
                undeclared.add(f"{found.where}: {top}")
    assert undeclared == set()
