"""What may lie in the repository: the top level as laid out, nothing heavy, no address of a registry."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

TOP_LEVEL = {
    "ballotscan", "templates", "samples", "calibration", "tests", "pyproject.toml", "README.md",
    "start.py", "requirements.lock", "LICENSE",
}  # fmt: skip
DOT_FILES = {".ci", ".gitignore", ".pre-commit-config.yaml", ".gitattributes"}

LARGEST_FILE_BYTES = 12_000_000
"""The stack of the small quarter as one PDF is the largest; anything heavier is not source."""

LARGEST_SAMPLES_BYTES = 25_000_000
"""Small enough to be cloned over an office's line."""

HOSTS = ("pypi" + ".org", "python" + "hosted.org", "deb." + "debian.org", "registry.npm" + "js.org")
"""Written in two parts, so that this file does not hold what it forbids."""

HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def tracked() -> list[Path]:
    """Every file that git would carry: those it tracks and those it does not ignore."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode("utf-8")
    return [ROOT / name for name in sorted(listed.split("\0")) if name and (ROOT / name).is_file()]


def files_naming_a_host(files: list[Path]) -> list[str]:
    found = []
    for file in files:
        content = file.read_bytes()
        found += [f"{file.name}: {host}" for host in HOSTS if host.encode() in content]
    return found


def faults_of_lock(text: str) -> list[str]:
    """Lines of a lock file that are neither a pinned name, a hash, nor a comment."""
    pin = re.compile(r"[A-Za-z0-9._-]+==[^\s;/]+( ; [^/]+)? \\")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    return [
        line for line in lines if not pin.fullmatch(line) and not HASH.fullmatch(line.rstrip(" \\").strip())
    ]


def test_top_level_is_as_laid_out() -> None:
    found = {file.relative_to(ROOT).parts[0] for file in tracked()}
    assert found - TOP_LEVEL - DOT_FILES == set()
    assert TOP_LEVEL - found == set()


def test_no_heavy_file() -> None:
    heavy = [file.name for file in tracked() if file.stat().st_size > LARGEST_FILE_BYTES]
    assert heavy == []


def test_samples_are_small() -> None:
    assert sum(file.stat().st_size for file in tracked() if file.parts[len(ROOT.parts)] == "samples") < (
        LARGEST_SAMPLES_BYTES
    )


def test_no_registry_is_named() -> None:
    assert files_naming_a_host(tracked()) == []


def test_a_named_registry_is_found(tmp_path: Path) -> None:
    page = tmp_path / "notes.md"
    page.write_text(f"see {HOSTS[0]}", encoding="utf-8")
    assert files_naming_a_host([page]) == [f"notes.md: {HOSTS[0]}"]


@pytest.mark.parametrize("lock", ["requirements.lock", "tests/requirements.lock"])
def test_lock_holds_pins_and_hashes_only(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert faults_of_lock(text) == []
    names = re.findall(r"^[A-Za-z0-9]\S*==.*\\\n(\s+--hash=)", text, flags=re.MULTILINE)
    assert len(names) == len(re.findall(r"^[A-Za-z0-9]", text, flags=re.MULTILINE)) > 10


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://example.org/simple",
        "numpy>=2",
        "numpy==2.4.6",
        "numpy @ file:///tmp/numpy.whl",
        "-e .",
    ],
)
def test_a_loose_lock_is_found(line: str) -> None:
    assert faults_of_lock(f"# fine\n{line}\n") == [line]


def test_every_direct_dependency_is_locked() -> None:
    wanted = [*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"]]
    locked = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert [name_of(one) for one in wanted if f"\n{name_of(one)}==" not in locked] == []


def test_every_tool_of_the_tests_is_locked() -> None:
    locked = (ROOT / "tests" / "requirements.lock").read_text(encoding="utf-8")
    assert [one for one in PROJECT["dependency-groups"]["dev"] if f"\n{name_of(one)}==" not in locked] == []


def test_programs_dependencies_are_in_use() -> None:
    """A dependency nobody asks for is weight on every office's machine."""
    modules = {
        "opencv-python": "cv2",
        "opencv-python-headless": "cv2",
        "scikit-image": "skimage",
        "pillow": "PIL",
        "zxing-cpp": "zxingcpp",
        "fontpkg-be-vietnam-pro": "fontpkg_be_vietnam_pro",
        "pyyaml": "yaml",
        "argon2-cffi": "argon2",
        "python-multipart": "fastapi",  # which reads posted forms with it
        "python-docx": "docx",
    }
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "ballotscan").rglob("*.py"))
    names = [name_of(requirement) for requirement in PROJECT["project"]["dependencies"]]
    unused = [name for name in names if not is_used(modules.get(name, name), source)]
    assert unused == []


def is_used(module: str, source: str) -> bool:
    """Imported, or named as a string for ``importlib``."""
    name = re.escape(module)
    return bool(re.search(rf"^\s*(import|from) {name}\b|[\"']{name}[\"']", source, re.MULTILINE))


def name_of(requirement: str) -> str:
    return re.split(r"[<>=!; \[]", requirement)[0].lower()
