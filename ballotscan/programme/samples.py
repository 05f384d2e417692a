"""Sample data of a programme: exports as the form tools write them, made up by a random generator.

The same seed makes the same files. They are there to try a programme out before there is anything real; every
file says that its answers are made up.
"""

from __future__ import annotations

import csv
import json
import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

from ballotscan.forms.form import Form, Question
from ballotscan.forms.nodes import read_source
from ballotscan.i18n import gettext as _
from ballotscan.programme.load import Programme
from ballotscan.rules.periods import Period

TOOLS: Final = ("typed-csv", "kiosk-csv", "google-forms", "microsoft-forms", "limesurvey", "kobo")
_WITH_ADDRESS: Final = ("google-forms", "microsoft-forms")
_REPEATED: Final = 0.02  # of the ballots of tools that ask for an address, so many come twice
_COMMENTS: Final = (
    "Cán bộ hướng dẫn nhiệt tình.",
    "Thời gian chờ còn lâu, đề nghị bố trí thêm ghế ngồi.",
    "Đề nghị giảm bớt giấy tờ.",
    "Gọi lại cho tôi theo số 0912 345 678 để trao đổi thêm.",
    "Nên có chỗ để xe cho người dân.",
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One export to make."""

    channel: str
    form: str
    tool: str
    ballots: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a programme's source says under ``samples``. ``dossiers`` are those of one period, ``sent`` the
    ballots sent out by channel."""

    seed: int
    periods: tuple[str, ...]
    dossiers: int
    sent: Mapping[str, int]
    answers: tuple[Wanted, ...]


@dataclass(frozen=True, slots=True)
class Ballot:
    """One made-up ballot."""

    at: datetime
    unit: str
    linh_vuc: str
    codes: Mapping[str, str]
    comment: str
    address: str


@dataclass(frozen=True, slots=True)
class MadeExport:
    """A file that was written, and what maps its columns."""

    file: Path
    mapping: Path
    channel: str
    form: str


def read_plan(source: Path) -> Plan | None:
    """The plan in a programme's source, or None. Raises ``TemplateError``."""
    node = read_source(source).entries().get("samples")
    if node is None:
        return None
    found = node.fields(("seed", "periods", "dossiers", "answers"), ("sent",))
    most = 1_000_000
    sent = found["sent"].entries() if "sent" in found else {}
    answers = []
    for item in found["answers"].items():
        each = item.fields(("channel", "form", "tool", "ballots"))
        channel, form, tool = (each[name].text() for name in ("channel", "form", "tool"))
        answers.append(Wanted(channel, form, tool, each["ballots"].whole(1, most)))
    return Plan(
        seed=found["seed"].whole(0, most),
        periods=tuple(item.text() for item in found["periods"].items()),
        dossiers=found["dossiers"].whole(0, most),
        sent={name: item.whole(0, most) for name, item in sent.items()},
        answers=tuple(answers),
    )


def make_ballots(
    programme: Programme, form: Form, period: Period, count: int, chance: random.Random
) -> list[Ballot]:
    """Ballots spread over a period, units and fields of procedure; each unit a little better or worse."""
    units = programme.units or ("",)
    content = {unit: 0.80 + 0.15 * chance.random() for unit in units}
    weights = [len(units) + 1 - place / 2 for place in range(len(units))]
    days = (period.last - period.first).days + 1
    ballots: list[Ballot] = []
    for number in range(count):
        unit = chance.choices(units, weights)[0]
        day = period.first + timedelta(days=chance.randrange(days))
        at = datetime.combine(day, time(7 + chance.randrange(10), chance.randrange(60), chance.randrange(60)))
        codes = {q.id: _code(q, content[unit], chance) for q in form.questions}
        comment = chance.choice(_COMMENTS) if chance.random() < 0.08 else ""
        field = chance.choice(programme.linh_vuc) if programme.linh_vuc else ""
        address = f"nguoi.dan.{chance.randrange(10**6):06d}@example.vn"
        if number and chance.random() < _REPEATED:
            address = ballots[chance.randrange(number)].address
        ballots.append(Ballot(at, unit, field, codes, comment, address))
    return sorted(ballots, key=lambda ballot: ballot.at)


def _code(question: Question, content: float, chance: random.Random) -> str:
    """A scale's answer leans to its satisfied end; anything else is even. Some are left blank, of those on
    complaints more."""
    if chance.random() < (0.25 if question.factor == "feedback" else 0.02):
        return ""
    codes = [option.code for option in question.options]
    good = [code for code in codes if code in question.satisfied]
    bad = [code for code in codes if code not in question.satisfied]
    if not good or not bad:
        return chance.choice(codes)
    return chance.choice(good if chance.random() < content else bad)


def write_samples(
    programme: Programme, plan: Plan, forms: Mapping[str, Form], folder: Path
) -> list[MadeExport]:
    """Write every export, its mapping, the dossiers and the dispatch lists into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for number, name in enumerate(plan.periods):
        period = programme.period(name)
        answered: dict[str, list[str]] = defaultdict(list)
        for place, wanted in enumerate(plan.answers):
            chance = random.Random(f"{plan.seed} {number} {place}")
            form = forms[wanted.form]
            ballots = make_ballots(programme, form, period, wanted.ballots, chance)
            stem = f"{wanted.channel}-{wanted.form}-{name.replace('..', '-den-')}"
            file, mapping = _WRITERS[wanted.tool](folder / stem, form, ballots)
            path = folder / f"{stem}.mapping.yaml"
            path.write_text("# " + _("Made up: no real answers.") + "\n" + mapping, encoding="utf-8")
            made.append(MadeExport(file, path, wanted.channel, wanted.form))
            if wanted.tool in _WITH_ADDRESS:
                answered[wanted.channel] += dict.fromkeys(ballot.address for ballot in ballots)
        _write_dossiers(folder / f"ho-so-{name}.csv", programme, plan)
        for channel, sent in plan.sent.items():
            _write_dispatch(folder / f"danh-sach-{channel}-{name}.csv", sent, answered[channel])
    return made


def _write_dispatch(path: Path, sent: int, answered: Sequence[str]) -> None:
    """Those to whom ballots were sent: first those who answered from an address, then others."""
    rows = [["ho_ten", "dia_chi", "thu_dien_tu"]]
    for number in range(1, sent + 1):
        known = answered[number - 1] if number <= len(answered) else f"nguoi.khac.{number}@example.vn"
        rows.append([f"Người nhận {number}", "(bịa)", known])
    _write_csv(path, rows)


def _write_dossiers(path: Path, programme: Programme, plan: Plan) -> None:
    """Dossiers over fields of procedure or units, the first having the most."""
    fields = programme.linh_vuc or ("",)
    units = programme.units or ("",)
    cells = [(unit, field) for unit in units for field in fields]
    weights = [len(cells) + 1 - n / 2 for n in range(len(cells))]
    rows: list[list[str]] = [["don_vi", "linh_vuc", "so_ho_so"]]
    for (unit, field), weight in zip(cells, weights, strict=True):
        rows.append([unit, field, str(round(plan.dossiers * weight / sum(weights)))])
    _write_csv(path, rows)


def _write_csv(path: Path, rows: Sequence[Sequence[str]], delimiter: str = ",") -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter=delimiter, lineterminator="\r\n").writerows(rows)


# --- one writer a tool: the columns that it writes, and a mapping for them -------------------------------

Written = tuple[Path, str]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _mapping(form: Form, columns: Mapping[str, str], **rest: str) -> str:
    lines = [f"form: {form.id}", *(f"{key}: {value}" for key, value in rest.items()), "questions:"]
    return "\n".join([*lines, *(f"  {name}: {_quoted(column)}" for name, column in columns.items())]) + "\n"


def _label(question: Question, code: str) -> str:
    return next((option.label for option in question.options if option.code == code), "")


def _plain_csv(path: Path, form: Form, ballots: Sequence[Ballot], day_only: bool) -> Written:
    """Codes under the questions' own names, as a kiosk writes them, or a clerk who types paper ballots."""
    ids = [question.id for question in form.questions]
    rows = [["ma_phieu", "thoi_gian", "don_vi", "linh_vuc", *ids, "gop_y"]]
    for number, ballot in enumerate(ballots, start=1):
        at = ballot.at.date().isoformat() if day_only else ballot.at.isoformat(sep=" ")
        codes = [ballot.codes[name] for name in ids]
        rows.append([f"{path.stem}-{number:05d}", at, ballot.unit, ballot.linh_vuc, *codes, ballot.comment])
    file = path.with_name(path.name + ".csv")
    _write_csv(file, rows)
    rest = {"time": "thoi_gian", "id": "ma_phieu", "comment": "gop_y"}
    rest |= {"unit": "don_vi", "linh_vuc": "linh_vuc"}
    return file, _mapping(form, {name: name for name in ids}, **rest)


def _typed_csv(path: Path, form: Form, ballots: Sequence[Ballot]) -> Written:
    return _plain_csv(path, form, ballots, day_only=True)


def _kiosk_csv(path: Path, form: Form, ballots: Sequence[Ballot]) -> Written:
    return _plain_csv(path, form, ballots, day_only=False)


def _google_forms(path: Path, form: Form, ballots: Sequence[Ballot]) -> Written:
    """As Google Sheets saves the answers of a form: CSV, labels, a grid's rows in brackets."""
    titles = {q.id: f"Ông/Bà đánh giá thế nào [{q.text}]" if q.in_index else q.text for q in form.questions}
    rows = [["Dấu thời gian", "Địa chỉ email", "Đơn vị", "Lĩnh vực", *titles.values(), "Ý kiến khác"]]
    for ballot in ballots:
        labels = [_label(question, ballot.codes[question.id]) for question in form.questions]
        at = ballot.at.strftime("%d/%m/%Y %H:%M:%S")
        rows.append([at, ballot.address, ballot.unit, ballot.linh_vuc, *labels, ballot.comment])
    file = path.with_name(path.name + ".csv")
    _write_csv(file, rows)
    rest = {
        "time": '{column: "Dấu thời gian", format: "%d/%m/%Y %H:%M:%S"}',
        "respondent": _quoted("Địa chỉ email"),
        "unit": _quoted("Đơn vị"),
        "linh_vuc": _quoted("Lĩnh vực"),
        "comment": _quoted("Ý kiến khác"),
    }
    return file, _mapping(form, titles, **rest)


def _microsoft_forms(path: Path, form: Form, ballots: Sequence[Ballot]) -> Written:
    """As Microsoft Forms saves its answers: a workbook with real times."""
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Sheet1")
    texts = {question.id: question.text for question in form.questions}
    about = ["ID", "Start time", "Completion time", "Email", "Name", "Đơn vị", "Lĩnh vực"]
    sheet.append([*about, *texts.values(), "Góp ý"])
    for number, ballot in enumerate(ballots, start=1):
        labels = [_label(question, ballot.codes[question.id]) for question in form.questions]
        start = ballot.at - timedelta(minutes=3)
        who = [number, start, ballot.at, ballot.address, "", ballot.unit, ballot.linh_vuc]
        sheet.append([*who, *labels, ballot.comment])
    file = path.with_name(path.name + ".xlsx")
    book.save(file)
    rest = {
        "time": _quoted("Completion time"),
        "id": "ID",
        "respondent": "Email",
        "unit": _quoted("Đơn vị"),
        "linh_vuc": _quoted("Lĩnh vực"),
        "comment": _quoted("Góp ý"),
        "ignore": '["Start time", "Name"]',
    }
    return file, _mapping(form, texts, **rest)


def _limesurvey(path: Path, form: Form, ballots: Sequence[Ballot]) -> Written:
    """As LimeSurvey exports with question codes and full answers: CSV by semicolons."""
    names = {question.id: question.id for question in form.questions}
    rows = [["id", "submitdate", "startlanguage", "DONVI", "LINHVUC", *names, "GOPY"]]
    for number, ballot in enumerate(ballots, start=1):
        labels = [_label(question, ballot.codes[question.id]) for question in form.questions]
        at = ballot.at.isoformat(sep=" ")
        rows.append([str(number), at, "vi", ballot.unit, ballot.linh_vuc, *labels, ballot.comment])
    file = path.with_name(path.name + ".csv")
    _write_csv(file, rows, delimiter=";")
    rest = {"time": "submitdate", "id": "id", "unit": "DONVI", "linh_vuc": "LINHVUC", "comment": "GOPY"}
    return file, _mapping(form, names, **rest, ignore="[startlanguage]")


def _kobo(path: Path, form: Form, ballots: Sequence[Ballot]) -> Written:
    """As KoboToolbox gives out submissions: JSON, questions in groups, codes."""
    results: list[dict[str, Any]] = []
    for number, ballot in enumerate(ballots, start=1):
        codes = {f"danh_gia/{name}": code for name, code in ballot.codes.items() if code}
        about = {"_id": 700_000 + number, "_uuid": f"{number:032x}", "_status": "submitted_via_web"}
        place = {"chung/don_vi": ballot.unit, "chung/linh_vuc": ballot.linh_vuc, "gop_y": ballot.comment}
        at = (ballot.at - timedelta(hours=7)).isoformat()  # KoboToolbox keeps UTC
        results.append({**about, "_submission_time": at, **place, **codes})
    file = path.with_name(path.name + ".json")
    text = json.dumps({"count": len(results), "results": results}, ensure_ascii=False, indent=1)
    file.write_text(text, encoding="utf-8")
    rest = {
        "time": "{column: _submission_time, format: iso, clock: utc}",
        "id": "_uuid",
        "unit": "chung/don_vi",
        "linh_vuc": "chung/linh_vuc",
        "comment": "gop_y",
        "ignore": "[_id, _status]",
    }
    return file, _mapping(form, {q.id: f"danh_gia/{q.id}" for q in form.questions}, **rest)


_WRITERS: Final[Mapping[str, Callable[[Path, Form, Sequence[Ballot]], Written]]] = {
    "typed-csv": _typed_csv,
    "kiosk-csv": _kiosk_csv,
    "google-forms": _google_forms,
    "microsoft-forms": _microsoft_forms,
    "limesurvey": _limesurvey,
    "kobo": _kobo,
}
