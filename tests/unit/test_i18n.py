"""The catalogues: whole, compiled, and agreeing with the source. And how the language is chosen.

When a text was added or changed, bring the catalogue up to date, translate what is new, and compile:

    pybabel extract -F pyproject.toml -k _ -k ngettext:1,2 --add-location=file --sort-by-file \\
        -o texts.pot ballotscan
    pybabel update -D ballotscan --ignore-obsolete --no-fuzzy-matching -i texts.pot -d ballotscan/locale
    pybabel compile -D ballotscan -d ballotscan/locale

(compile finds fault with "% of", which it takes for an old placeholder; that is harmless.)
"""

from __future__ import annotations

import ast
import errno
import io
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

import ballotscan
from ballotscan import i18n
from ballotscan.i18n import (
    LANGUAGES,
    LOCALE_FOLDER,
    known_language,
    locale_language,
    speaking,
    use_language,
    why,
)
from ballotscan.model import Reason
from ballotscan.reasons import reason_text

SOURCE = Path(ballotscan.__file__).parent
KEYWORDS = {"_": None, "ngettext": (1, 2)}


@pytest.fixture(autouse=True)
def _english_again(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LANGUAGE", "en")
    yield
    use_language("en")


def vietnamese() -> Catalog:
    with (LOCALE_FOLDER / "vi" / "LC_MESSAGES" / "ballotscan.po").open("rb") as file:
        return read_po(file, locale="vi")


def extracted() -> dict[str | tuple[str, ...], str]:
    """Every text of the source, as babel finds it, with where it stands."""
    methods = [("**.py", "python"), ("**.html", "jinja2")]
    found = extract_from_dir(str(SOURCE), methods, keywords=KEYWORDS)
    return {text: f"{file}:{line}" for file, line, text, *_ in found}


def written() -> Iterator[tuple[str, str | tuple[str, ...] | None]]:
    """Every text of the source as Python parses it: place, and text or ``None`` if no literal."""
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args):
                continue
            wanted = {"_": 1, "ngettext": 2}.get(node.func.id, 0)
            texts = [a.value if isinstance(a, ast.Constant) else None for a in node.args[:wanted]]
            if wanted:
                place = f"{path.relative_to(SOURCE)}:{node.lineno}"
                yield place, (tuple(texts) if wanted == 2 else texts[0])  # type: ignore[misc]


def placeholders(text: str) -> set[str]:
    return {str(name) for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def forms_of(message: Message) -> tuple[list[str], list[str]]:
    """A message's texts and their translations, as lists."""
    source = [message.id] if isinstance(message.id, str) else list(message.id)
    translated = [message.string] if isinstance(message.string, str) else list(message.string)
    return source, translated


def test_every_text_is_a_literal_that_can_be_extracted() -> None:
    found = extracted()
    lost = [f"{place}: {text!r}" for place, text in written() if text not in found]
    assert lost == []  # a text inside an f-string, or made up at run time, cannot be translated


def test_every_text_is_translated() -> None:
    catalogue = vietnamese()
    missing = []
    for text, place in extracted().items():
        message = catalogue.get(text)
        if message is None or message.fuzzy or not all(forms_of(message)[1]):
            missing.append(f"{place}: {text!r}")
    assert missing == []


def test_nothing_is_left_over_in_the_catalogue() -> None:
    found = set(extracted())
    stale = [message.id for message in vietnamese() if message.id and message.id not in found]
    assert stale == []


def test_placeholders_agree() -> None:
    wrong = []
    for message in vietnamese():
        if not message.id:
            continue
        source, translated = forms_of(message)
        wanted = placeholders(source[-1])
        wrong += [text for text in translated if placeholders(text) != wanted]
    assert wrong == []


def test_ends_and_signs_are_kept() -> None:
    """A sentence stays a sentence: same full stop, and no stray spaces."""
    wrong = []
    for message in vietnamese():
        for text in forms_of(message)[1] if message.id else ():
            source = forms_of(message)[0][0]
            if source.endswith(".") != text.endswith(".") and source not in {"."}:
                wrong.append(text)
            if (source[-1:] == " ") != (text[-1:] == " ") or "  " in text.strip():
                wrong.append(text)
    assert wrong == []


def test_the_compiled_catalogue_is_the_written_one() -> None:
    compiled = io.BytesIO()
    write_mo(compiled, vietnamese())
    assert (LOCALE_FOLDER / "vi" / "LC_MESSAGES" / "ballotscan.mo").read_bytes() == compiled.getvalue()


def test_translations_are_vietnamese_in_composed_letters() -> None:
    from unicodedata import is_normalized

    text = "".join(form for message in vietnamese() for form in forms_of(message)[1])
    assert is_normalized("NFC", text)
    assert len(re.findall("[ăâđêôơưạảấầẩậắặẹẻẽếềểệịỉọỏốồổộớờởợụủứừửựỳỵỷỹ]", text)) > 500


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_has_its_own_text(language: str) -> None:
    use_language(language)
    texts = [reason_text(reason) for reason in Reason]
    assert len(set(texts)) == len(Reason)
    assert all(texts)


def test_typers_words_are_those_it_looks_up() -> None:
    import typer.core

    from ballotscan.cli.wording import texts_of_typer

    source = Path(typer.core.__file__).read_text(encoding="utf-8")
    use_language("vi")
    for english, translated in texts_of_typer().items():
        assert f'_("{english}")' in source
        assert translated != english


@pytest.mark.parametrize(
    ("names", "language"),
    [
        ("vi|vi_VN.UTF-8|vi-VN|Vietnamese_Vietnam.1258|VI", "vi"),
        ("en|en_GB|EN-us|English_United States.1252", "en"),
        ("C|C.UTF-8|POSIX||vic|de|eng-GB-x", None),
    ],
)
def test_names_of_languages(names: str, language: str | None) -> None:
    assert {known_language(name) for name in names.split("|")} == {language}
    assert known_language(None) is None


def test_the_locale_is_asked_in_posix_order(monkeypatch: pytest.MonkeyPatch) -> None:
    assert locale_language({"LC_ALL": "en_US", "LANG": "vi_VN"}) == "en"
    assert locale_language({"LC_MESSAGES": "vi_VN", "LANG": "en_US"}) == "vi"
    assert locale_language({"LC_ALL": "", "LANG": "vi_VN"}) == "vi"
    assert locale_language({"LC_ALL": "C", "LANG": "vi_VN"}) is None
    monkeypatch.setattr(i18n, "_windows_language", lambda: "vi")
    assert locale_language({}) == "vi"


def test_what_is_wanted_goes_before_the_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "vi_VN.UTF-8")
    assert use_language("en") == "en"
    assert i18n.gettext("Error: {message}") == "Error: {message}"
    assert use_language(None) == "vi"
    assert i18n.gettext("Error: {message}") == "Lỗi: {message}"
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert use_language(None) == "en"
    assert i18n.ngettext("{count} sheet", "{count} sheets", 1) == "{count} sheet"


def test_what_the_system_refuses_is_said_in_the_users_language(tmp_path: Path) -> None:
    with speaking("vi"):
        assert why(OSError(errno.ENOSPC, "No space left on device")) == "ổ đĩa đã đầy"
        assert why(OSError(errno.EXDEV, "Invalid cross-device link")) == "Invalid cross-device link"
    with pytest.raises(FileNotFoundError) as caught:
        (tmp_path / "none").read_bytes()
    with speaking("en"):
        assert why(caught.value) == "there is no such file or folder"
