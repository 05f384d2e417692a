"""How long a big quarter's tally and report set take: 36,000 ballots of 28 questions, a million answers.

    python -m tests.bench.figures [FOLDER]

Made-up ballots of ``appendix-i`` come in through ``import answers`` as a kiosk's export; then ``tally`` and
``report`` run as a clerk types them, each three times in a process of its own, and the quickest is kept.
Writes ``tests/bench/figures.json``. The folder is kept when it is named: a second run then only measures.
"""

from __future__ import annotations

import json
import os
import platform
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ballotscan.forms.load import load_form
from ballotscan.programme.load import load_programme, shipped_programmes
from ballotscan.programme.samples import _WRITERS, make_ballots
from ballotscan.rules.periods import parse_period
from ballotscan.settings import shipped
from tests.bench.measure import COMPILED

BALLOTS = 36_000
PERIOD = "2018Q1"
KEPT = Path(__file__).with_name("figures.json")
SETS = ("docx", "pdf", "notice-a4", "notice-a3", "minutes", "html", "xlsx", "csv", "json", "sav")


def build(folder: Path) -> None:
    """A programme's folder with the whole export and its database."""
    source = shipped_programmes()["hai-phong-2018"]
    programme = load_programme(source)
    form = load_form(shipped("templates") / "appendix-i")
    folder.mkdir(parents=True, exist_ok=True)
    text = source.read_text(encoding="utf-8")
    reports = f"reports: [{', '.join(SETS)}]"
    lines = [reports if line.startswith("reports:") else line for line in text.splitlines()]
    (folder / "programme.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    period = parse_period(PERIOD, "calendar")
    ballots = make_ballots(programme, form, period, BALLOTS, random.Random(1))
    file, mapping = _WRITERS["kiosk-csv"](folder / "kiosk", form, ballots)
    (folder / "kiosk.yaml").write_text(mapping, encoding="utf-8")
    run(folder, "import", "answers", file.name, "--channel", "kiosk", "--mapping", "kiosk.yaml")


def run(folder: Path, *arguments: str) -> tuple[float, float]:
    """Seconds that one command takes, by the clock and of computing."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    program = Path(sys.executable).with_name("ballotscan")
    command = [str(program), "--lang", "vi", *arguments]
    environment = {**os.environ, **COMPILED}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - start, cpu


def measure(folder: Path) -> dict[str, object]:
    timed = {
        "tally_s": ("tally", "--quarter", PERIOD, "--rule", "calendar"),
        "report_set_s": ("report", PERIOD, "--folder", "out"),
    }
    run(folder, *timed["tally_s"])  # the first also checks the whole record, once
    run(folder, *timed["tally_s"])  # the second notes that nothing has changed since
    taken = {name: [run(folder, *words) for _time in range(3)] for name, words in timed.items()}
    best = {name: round(min(clock for clock, _cpu in runs), 2) for name, runs in taken.items()}
    best |= {f"{name}_cpu": round(min(cpu for _clock, cpu in runs), 2) for name, runs in taken.items()}
    return {
        "ballots": BALLOTS,
        "answers": BALLOTS * 28,
        **best,
        "load_before": round(os.getloadavg()[0], 1),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "day": time.strftime("%Y-%m-%d"),
    }


def main(folder: Path) -> None:
    if not (folder / "ballotscan.sqlite").exists():
        build(folder)
    found = measure(folder)
    KEPT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
