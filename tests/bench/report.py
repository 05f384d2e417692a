"""Figures to tables: ``results.json``, ``ballotscan/docs/speed.md`` and the README's "How fast"."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ballotscan import ENGINE, __version__
from tests.bench.pages import ROOT

RESULTS = Path(__file__).parent / "results.json"
SPEED = ROOT / "ballotscan" / "docs" / "speed.md"
README = ROOT / "README.md"
PEERS = Path(__file__).parent / "peers.json"

Figures = Mapping[str, float]


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def in_one_line(figures: Figures) -> str:
    return ", ".join(f"{name} {value:.3g}" for name, value in figures.items())


def history() -> list[dict[str, Any]]:
    """Every recorded run, oldest first."""
    return list(json.loads(RESULTS.read_text(encoding="utf-8"))) if RESULTS.exists() else []


def kept_ratio() -> float | None:
    """The reader against decoding, as last recorded."""
    runs = history()
    return float(runs[-1]["reader"]) if runs else None


def ratios(figures: Figures) -> dict[str, float]:
    """What is compared from run to run and from machine to machine."""
    floor = figures["decode_ms"]
    return {
        "reader": figures["read_ms"] / floor,
        "scan": figures["scan_jpeg_ms"] / floor,
        "pdf": figures["scan_pdf_ms"] / figures["scan_jpeg_ms"],
        "tiff": figures["scan_tiff_ms"] / figures["scan_jpeg_ms"],
        "colour": figures["scan_colour_ms"] / figures["scan_jpeg_ms"],
        "two_cores": figures["pages_s_2"] / figures["pages_s_1"],
        "memory": figures["memory_many_mb"] / figures["memory_few_mb"],
    }


def record(figures: Figures) -> None:
    """Append the run to the history and write the documents anew."""
    run = {
        "day": datetime.now(UTC).date().isoformat(),
        "version": __version__,
        "engine": ENGINE,
        "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        **{name: round(value, 3) for name, value in (ratios(figures) | dict(figures)).items()},
    }
    runs = [*history(), run]
    lines = ",\n".join(json.dumps(each, ensure_ascii=False) for each in runs)
    RESULTS.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    _replace(SPEED, "figures", table(figures))
    _replace(SPEED, "peers", peers_table())
    _replace(README, "how fast", readme_table(figures))


def write_profile(shares: tuple[Mapping[str, float], Mapping[str, float]]) -> None:
    _replace(SPEED, "profile", list(profile_table(*shares)))


def _replace(document: Path, part: str, lines: list[str]) -> None:
    """Write the lines between the marks of this part."""
    text = document.read_text(encoding="utf-8")
    begin, end = f"<!-- {part} -->\n", f"<!-- end of {part} -->"
    before, _, rest = text.partition(begin)
    _old, _, after = rest.partition(end)
    if not rest or not after:
        raise ValueError(f"{document.name} has no marks for {part}")
    document.write_text(
        before + begin + "\n".join(lines) + "\n" + end + after, encoding="utf-8", newline="\n"
    )


# --- tables ----------------------------------------------------------------------------------------------


def table(figures: Figures) -> list[str]:
    """Every figure with its bar."""
    r = ratios(figures)
    pages = round(figures["pages"])
    sheets_min = 30 * figures["pages_s_2"]
    many = round(figures["memory_pages"])
    rows = [
        ("decode only (OpenCV, full-size grey)", f"{figures['decode_ms']:.1f} ms a page", "", ""),
        ("reader, decoding included", _of(figures["read_ms"], r["reader"]), "1.6×", _met(r["reader"], 1.6)),
        (
            f"whole `scan` of {pages} pages, stored durably",
            _of(figures["scan_jpeg_ms"], r["scan"]),
            "2.5×",
            _met(r["scan"], 2.5),
        ),
        ("the same from scanner PDFs, against JPEG", f"{r['pdf']:.2f}×", "1.3×", _met(r["pdf"], 1.3)),
        ("from G4 TIFFs, against JPEG", f"{r['tiff']:.2f}×", "", ""),
        ("from colour JPEGs, against grey", f"{r['colour']:.2f}×", "", ""),
        ("pages a second, one core", f"{figures['pages_s_1']:.1f}", "", ""),
        ("pages a second, two cores", f"{figures['pages_s_2']:.1f}", "", ""),
        ("two cores against one", f"{r['two_cores']:.2f}×", "1.8×", _met(-r["two_cores"], -1.8)),
        ("duplex sheets a minute, two cores", f"{sheets_min:.0f}", "600", _met(-sheets_min, -600)),
        (
            f"memory at {many:,} pages, two workers",
            f"{figures['memory_many_mb']:.0f} MB",
            "600 MB",
            _met(figures["memory_many_mb"], 600),
        ),
        ("against 100 pages", f"{r['memory']:.2f}×", "1.1×", _met(r["memory"], 1.1)),
        ("first pages stored after", f"{figures['first_s']:.1f} s", "", ""),
        ("`--help`", f"{figures['help_s']:.2f} s", "0.5 s", _met(figures["help_s"], 0.5)),
        (
            "`tally` of the small quarter",
            f"{figures['tally_s']:.2f} s",
            "1.5 s",
            _met(figures["tally_s"], 1.5),
        ),
    ]
    return [
        "| what | measured | bar | |",
        "|---|--:|--:|---|",
        *(f"| {' | '.join(row)} |".replace("|  |", "| |") for row in rows),
    ]


def _of(ms: float, ratio: float) -> str:
    return f"{ms:.1f} ms, {ratio:.2f}× decoding"


def _met(value: float, most: float) -> str:
    return "met" if value <= most else "not met"


def readme_table(figures: Figures) -> list[str]:
    """This program, decode only, and the peers."""
    r = ratios(figures)
    rows = [
        ("decode only: every JPEG to pixels, nothing else", "1"),
        ("this program's reader, decoding included", f"{r['reader']:.1f}"),
        ("this program's whole `scan`, stored durably", f"{r['scan']:.1f}"),
        *((f"{each['name']}", f"{each['of_decoding']:g}") for each in _peers() if each["error_free"]),
    ]
    return ["| | CPU a page, decoding = 1 |", "|---|--:|", *(f"| {what} | {times} |" for what, times in rows)]


def peers_table() -> list[str]:
    """Every peer that was run, with its errors."""
    rows = [
        f"| {each['name']} | {each['of_decoding']:g}× | {each['missed']} | {each['extra']} | {each['note']} |"
        for each in sorted(_peers(), key=lambda each: float(each["of_decoding"]))
    ]
    return ["| program | CPU, decoding = 1 | missed | extra | |", "|---|--:|--:|--:|---|", *rows]


def _peers() -> list[dict[str, Any]]:
    return list(json.loads(PEERS.read_text(encoding="utf-8")))


def profile_table(worker: Mapping[str, float], parent: Mapping[str, float]) -> Iterator[str]:
    for who, steps in (("Worker", worker), ("Parent", parent)):
        total = sum(steps.values())
        yield f"| {who}: step | ms of CPU a page | share |"
        yield "|---|--:|--:|"
        for name, ms in steps.items():
            yield f"| `{name}` | {ms:.2f} | {ms / total:.0%} |"
        yield f"| together | {total:.2f} | |"
        yield ""
