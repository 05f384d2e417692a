#!/usr/bin/env python3
"""Set everything up, then run the main job on the samples, or the tests.

    python3 start.py          set up, read samples/small-quarter and print the quarter's tally
    python3 start.py test     set up with the developers' tools, then run every check and test
    python3 start.py setup    only set up; the program is then .venv/bin/ballotscan

Needs Python 3.11 and nothing else: on Debian and Ubuntu the missing system packages are installed by
apt-get (as root, or through sudo), the Python packages come from the hash-pinned lock files.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
WINDOWS = os.name == "nt"
BIN = VENV / ("Scripts" if WINDOWS else "bin")
PYTHON = BIN / ("python.exe" if WINDOWS else "python")
PROGRAM = BIN / ("ballotscan.exe" if WINDOWS else "ballotscan")
RUNTIME_LOCK = ROOT / "requirements.lock"
TESTS_LOCK = ROOT / "tests" / "requirements.lock"
DEMO = ROOT / "work" / "demo"
"""Scratch folder of the demonstration; not kept in git, made anew at each start."""

DEMO_COMMANDS = (
    "scan samples/small-quarter --template appendix-i --batch hom-phieu-2023Q1 --channel hom-phieu"
    " --received 2023-03-10 --expect 40 --db work/demo/ballots.db",
    "tally --quarter 2023Q1 --db work/demo/ballots.db",
)
"""What the demonstration runs, as a clerk would type it in this folder."""

LEFT_OPEN = 3
"""Exit code of ``ballotscan`` when all went well and some answers wait for a person."""


def main() -> int:
    """Run the command named on the command line; the exit code is 0 when all of it went well."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace", line_buffering=True)  # type: ignore[union-attr]
    command = sys.argv[1] if len(sys.argv) > 1 else "demo"
    commands: dict[str, Callable[[], int]] = {"demo": run_demo, "test": run_tests, "setup": say_ready}
    if command not in commands or len(sys.argv) > 2:
        print(__doc__)
        return 0 if command in ("-h", "--help") else 2
    if sys.version_info < (3, 11):
        return stop(
            f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}.",
            f"Cần Python 3.11 trở lên; bản đang dùng là {sys.version.split()[0]}.",
        )
    try:
        install_system_packages(with_tests=command == "test")
        install_python_packages(with_tests=command == "test")
        return commands[command]()
    except subprocess.CalledProcessError as failure:
        return stop(
            f"This step failed: {shown(failure.cmd)}", "Bước trên không chạy được; xem thông báo ở trên."
        )
    except KeyboardInterrupt:
        return 130


# --- what the system must have ---------------------------------------------------------------------------


def missing_debian_packages() -> list[str]:
    """Names of the Debian packages behind the programs that are not there yet."""
    missing = []
    if importlib.util.find_spec("ensurepip") is None:
        missing.append(f"python3.{sys.version_info.minor}-venv")
    if shutil.which("tesseract") is None:
        missing.append("tesseract-ocr")
    if "vie" not in tesseract_languages():
        missing.append("tesseract-ocr-vie")
    if shutil.which("pdftoppm") is None:
        missing.append("poppler-utils")
    if not has_tinos():
        missing.append("fonts-croscore")
    return missing


def debian_packages_of_the_tests() -> list[str]:
    """The programs by which the tests open what an office would open; 250 MB, so only for the tests."""
    programs = {"soffice": "libreoffice-writer-nogui", "chromium": "chromium"}
    return [package for program, package in programs.items() if shutil.which(program) is None]


def has_tinos() -> bool:
    """Whether the PDFs' font, as wide as Times New Roman, is there. Without it Typst's own is taken."""
    folders = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".fonts")
    return any(next(folder.glob("**/Tinos-Regular.ttf"), None) for folder in folders)


def tesseract_languages() -> list[str]:
    """Languages that tesseract can read; none when it is not installed."""
    if shutil.which("tesseract") is None:
        return []
    listed = subprocess.run(["tesseract", "--list-langs"], capture_output=True, text=True, check=False)
    return (listed.stdout + listed.stderr).split()


def install_system_packages(with_tests: bool = False) -> None:
    """Install what is missing with apt-get; elsewhere say what to install and go on."""
    missing = missing_debian_packages() + (debian_packages_of_the_tests() if with_tests else [])
    if not missing:
        return
    if shutil.which("apt-get") is None:
        say_what_to_install(missing)
        return
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
    if os.geteuid() != 0 and shutil.which("sudo") is None:
        raise SystemExit(
            stop(
                f"Run this as root, then start again: apt-get update && {shown(install)}",
                f"Hãy chạy lệnh này bằng quyền root rồi chạy lại: apt-get update && {shown(install)}",
            )
        )
    say(f"Installing {' '.join(missing)}", "Đang cài các gói hệ thống còn thiếu")
    as_root = ["env", "DEBIAN_FRONTEND=noninteractive"]
    if os.geteuid() != 0:
        as_root.insert(0, "sudo")
    # The package lists may be absent or old: only then are they fetched.
    if subprocess.run([*as_root, *install], capture_output=True, check=False).returncode != 0:
        run([*as_root, "apt-get", "update"])
        run([*as_root, *install])


def say_what_to_install(missing: list[str]) -> None:
    """Outside Debian and Ubuntu: name the programs to install by hand."""
    if WINDOWS:
        say(
            "To read printed text install Tesseract with Vietnamese (its UB Mannheim installer); "
            "Poppler is optional. Both must be on PATH.",
            "Hãy cài Tesseract kèm tiếng Việt (bộ cài UB Mannheim); Poppler không bắt buộc. "
            "Cả hai phải có trong PATH.",
        )
    elif sys.platform == "darwin":
        say(
            "Install these first: brew install tesseract tesseract-lang poppler",
            "Hãy cài trước các gói trên.",
        )
    else:
        say(
            f"Install what your system calls {' '.join(missing)}",
            "Hãy cài các gói trên bằng công cụ của hệ thống.",
        )


# --- the Python packages ---------------------------------------------------------------------------------


def install_python_packages(with_tests: bool) -> None:
    """Bring ``.venv`` to the state of the lock files; what is there already is left as it is."""
    if not python_works():
        say("Making .venv", "Đang tạo môi trường Python")
        run([sys.executable, "-m", "venv", "--clear", str(VENV)])
    runtime = Stage("runtime", RUNTIME_LOCK)
    if not runtime.done():
        say("Installing the Python packages (about a minute)", "Đang cài các gói Python (khoảng một phút)")
        pip("--require-hashes", "--only-binary", ":all:", "--requirement", str(RUNTIME_LOCK))
        # Editable: the program then follows the checkout, which holds its .venv anyway.
        pip("--no-deps", "--no-build-isolation", "--editable", str(ROOT))
        runtime.finish()
    tests = Stage("tests", TESTS_LOCK)
    if with_tests and not tests.done():
        say("Installing the tools for the tests", "Đang cài công cụ kiểm thử")
        pip("--require-hashes", "--only-binary", ":all:", "--requirement", str(TESTS_LOCK))
        tests.finish()


def python_works() -> bool:
    """True when ``.venv`` was made here by this very Python (a copied or moved one would point elsewhere)."""
    if not PYTHON.exists():
        return False
    ask = "import pathlib, sys; print(*sys.version_info[:3], pathlib.Path(sys.prefix).resolve())"
    answer = subprocess.run([str(PYTHON), "-c", ask], capture_output=True, encoding="utf-8", check=False)
    expected = " ".join([*map(str, sys.version_info[:3]), str(VENV)])
    return answer.returncode == 0 and answer.stdout.strip() == expected


class Stage:
    """One step of the installation, remembered in ``.venv`` by the hash of what it was made from."""

    def __init__(self, name: str, lock: Path) -> None:
        made_from = lock.read_bytes() + (ROOT / "pyproject.toml").read_bytes()
        self.hash = hashlib.sha256(made_from).hexdigest()
        self.stamp = VENV / f"installed-{name}.txt"

    def done(self) -> bool:
        return self.stamp.exists() and self.stamp.read_text(encoding="utf-8") == self.hash

    def finish(self) -> None:
        self.stamp.write_text(self.hash, encoding="utf-8")


def pip(*arguments: str) -> None:
    """``pip install`` inside ``.venv``, quiet unless it fails."""
    quiet = ["--quiet", "--no-input", "--disable-pip-version-check", "--progress-bar", "off"]
    run([str(PYTHON), "-m", "pip", "install", *quiet, *arguments])


# --- the jobs --------------------------------------------------------------------------------------------


def say_ready() -> int:
    """Tell where the program is."""
    say(f"Ready: {shown([str(PROGRAM)])} --help", "Đã cài xong")
    return 0


def run_demo() -> int:
    """Read the small quarter from nothing and print its tally."""
    shutil.rmtree(DEMO, ignore_errors=True)
    DEMO.mkdir(parents=True, exist_ok=True)
    say("Reading the ballots of samples/small-quarter", "Đang đọc phiếu mẫu trong samples/small-quarter")
    for line in DEMO_COMMANDS:
        arguments = line.split()
        print(f"$ {shown([str(PROGRAM), *arguments])}")
        code = subprocess.run([str(PROGRAM), *arguments], cwd=ROOT, check=False).returncode
        if code not in (0, LEFT_OPEN):
            return code
    return 0


def run_tests() -> int:
    """Run every check, also after one has failed; pytest comes last, so that its summary closes the run."""
    checks = [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["mypy"],
        ["tests.bench", "--short"],  # warns where the reader has become slower, and never fails
        ["pytest", "--numprocesses", str(os.cpu_count() or 1)],
    ]
    failed = []
    for check in checks:
        print(f"$ {shown(check)}")
        if subprocess.run([str(PYTHON), "-m", *check], cwd=ROOT, check=False).returncode != 0:
            failed.append(shown(check))
    if failed:
        return stop(f"Failed: {'; '.join(failed)}", "Có bước kiểm tra không đạt.")
    return 0


# --- small things ----------------------------------------------------------------------------------------


def run(command: list[str]) -> None:
    """Run a command that must succeed; its output is shown only if it does not.

    Raises CalledProcessError.
    """
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        sys.stdout.write(done.stdout.decode("utf-8", "replace"))
        raise subprocess.CalledProcessError(done.returncode, command)


def shown(command: list[str]) -> str:
    """A command as one would type it; paths below this folder are shortened."""
    return shlex.join(word.replace(f"{ROOT}{os.sep}", "") for word in command)


def say(english: str, vietnamese: str) -> None:
    print(f"{english} / {vietnamese}")


def stop(english: str, vietnamese: str) -> int:
    print(f"{english}\n{vietnamese}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
