"""The users' tables of reasons say what the program says. Run as a script, this writes them anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from ballotscan.i18n import Language, use_language
from ballotscan.model import Reason
from ballotscan.reasons import advice, reason_text

DOCUMENTS = Path(__file__).parents[2] / "ballotscan" / "docs"

PAGES: dict[Language, tuple[str, str]] = {
    "en": (
        "reasons.md",
        "# What each reason means\n\n"
        "Tiếng Việt: [ly-do.md](ly-do.md).\n\n"
        "The code in the first column stands in the CSV files, the same in every language.\n\n"
        "| code | meaning | what to do |\n|---|---|---|\n",
    ),
    "vi": (
        "ly-do.md",
        "# Ý nghĩa của từng lý do\n\n"
        "English: [reasons.md](reasons.md).\n\n"
        "Mã ở cột đầu có trong các tệp CSV, giống nhau ở mọi ngôn ngữ.\n\n"
        "| mã | ý nghĩa | cách xử lý |\n|---|---|---|\n",
    ),
}


def page_of_reasons(language: Language) -> str:
    """The whole page, one row per reason in the order of the model."""
    use_language(language)
    try:
        rows = [f"| `{reason}` | {reason_text(reason)} | {advice(reason)} |\n" for reason in Reason]
    finally:
        use_language("en")
    return PAGES[language][1] + "".join(rows)


@pytest.mark.parametrize("language", PAGES)
def test_page_is_up_to_date(language: Language) -> None:
    page = (DOCUMENTS / PAGES[language][0]).read_text(encoding="utf-8")
    assert page == page_of_reasons(language), "run: python tests/unit/test_reasons_page.py"


def test_languages_differ() -> None:
    english, vietnamese = page_of_reasons("en").splitlines()[8:], page_of_reasons("vi").splitlines()[8:]
    same = [row for row, other in zip(english, vietnamese, strict=True) if row == other]
    assert same == []


if __name__ == "__main__":
    for wanted, (name, _) in PAGES.items():
        (DOCUMENTS / name).write_text(page_of_reasons(wanted), encoding="utf-8")
