"""An independent checker of the record. It shares no code with the program that writes it.

It needs Python, ``cryptography`` and a driver only, and also runs alone, from a copy on another machine:
``python verify.py ballotscan.sqlite [HEAD...]``

Checked are the hash chain, heads kept elsewhere (anchors), who signed each close and amendment, that nothing
entered a closed period, the tally of every close, counted again from the ledger's own entries, and the bytes
of every file that is kept (scans, templates, scanners' profiles) or was given out (exports, if named). How
entries are made: ``store/ledger.py``; what a close states: ``closing.py``.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unicodedata import normalize

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

SIGNED = ("close", "amendment")
ROLES = {"operator", "auditor"}
PREFIX = b"ballotscan signed statement v1\n"
Texts = Sequence[str]

TEXTS = {
    "database": "the database cannot be read: {what}",
    "gap": "entry {seq}: it does not follow the entry before it; entries are missing, or were put in",
    "hash": "entry {seq}: its content was changed",
    "body": "entry {seq}: its columns do not fit its content",
    "anchor": "the head {what} is not in the record: it was cut, put back to an older state, or replaced",
    "signature": "entry {seq}: the signature of the {what} is not right",
    "signers": "entry {seq}: it is not signed by an operator and an auditor who are two persons",
    "scanned": "entry {seq}: {what} signed as auditor what he or she scanned",
    "key": "entry {seq}: the key of {what} is not one that was known or vouched for",
    "trust": "entry {seq}: {what} signed with a key that was not named as trusted",
    "place": "entry {seq}: its statement was made for another place in the record",
    "time": "entry {seq}: its time is not the one that was signed",
    "previous": "entry {seq}: its statement names another close before it",
    "closed": "entry {seq}: it was added to the period {what} after that was closed",
    "foreign": "entry {seq}: it changes what belongs to another batch: {what}",
    "again": "entry {seq}: it would count once more, or otherwise, what is in the record: {what}",
    "invented": "entry {seq}: no page belongs to the sheet {what}",
    "void": "entry {seq}: the sheet was made void without a reason and two persons",
    "eyes": "entry {seq}: what {what} rests on was not said alike by two persons who may decide it",
    "removed": "entry {seq}: originals were removed without a reason and two persons, or of no closed batch",
    "statement": "entry {seq}: what was signed does not agree with the record in: {what}",
    "missing": "the original {what} is missing",
    "original": "the original {what} was changed",
    "export": "the file {what} is not as it was written, or is not from this record",
}


class Fault(Exception):  # noqa: N818
    """The first thing that is wrong: a key of ``TEXTS``, the entry's number and what it is about."""

    def __init__(self, code: str, seq: int = 0, what: str = "") -> None:
        super().__init__(TEXTS[code].format(seq=seq, what=what))
        self.code, self.seq, self.what = code, seq, what


@dataclass
class Report:
    """What is right. ``closes``: number, period, signers; ``removed``: number, batch, day, originals;
    ``new_keys``: number, name and key of whoever signed with a key that only the other signer vouches for.
    ``alone``: answers on sheets that count which rest on one person's word."""

    entries: int
    head: str
    closes: list[tuple[int, str, list[str]]]
    originals: int = 0
    removed: list[tuple[int, str, str, int]] = field(default_factory=list)
    new_keys: list[tuple[int, str, str]] = field(default_factory=list)
    alone: int = 0


def verify(
    database: str, folder: Path, anchors: Texts = (), trusted: Texts = (), exports: Sequence[Path] = ()
) -> Report:
    """Check everything and return what was found, or raise ``Fault``.

    ``database`` is a file or a PostgreSQL address, ``folder`` holds ``originals/``. ``trusted`` are public
    keys (hexadecimal); without any, keys vouch for each other. ``exports`` are files that were given out.
    """
    try:
        with closing(_open(database)) as connection:
            report, signed = check_chain(connection, anchors)
            check_signatures(signed, report, trusted)
            recount = Recount(report.removed)
            for seq, kind, body in _rows(connection, "SELECT seq, kind, body FROM ledger ORDER BY seq"):
                content = json.loads(body)
                if (content["seq"], content["kind"]) != (seq, kind) or canonical(content) != body:
                    raise Fault("body", seq)
                recount.add(seq, kind, content)
            report.alone = recount.alone(recount.sheets.values())
            report.originals = check_originals(folder, recount.kept, recount.may_lack)
            for path in (path for path in exports if hash_of(path) not in recount.exports):
                raise Fault("export", what=str(path))
            if isinstance(connection, sqlite3.Connection):  # last, for it names no entry
                (state,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
                if state != "ok":
                    raise Fault("database", what=state.splitlines()[-1])
            return report
    except Fault:
        raise
    except Exception as fault:  # whatever damage does to a driver or a parser, it is damage
        raise Fault("database", what=(str(fault) or type(fault).__name__).splitlines()[0]) from fault


def _open(database: str) -> Any:
    if database.startswith("postgresql"):
        import psycopg

        return psycopg.connect(database.replace("+psycopg", "", 1))
    return sqlite3.connect(f"{Path(database).absolute().as_uri()}?mode=ro", uri=True)


def _rows(connection: Any, query: str) -> Iterator[Any]:
    named = ("rows",) if hasattr(connection, "pgconn") else ()  # else PostgreSQL would send all rows at once
    with closing(connection.cursor(*named)) as cursor:
        cursor.execute(query)
        while rows := cursor.fetchmany(500):
            yield from rows


def plain_head(text: str) -> str:
    """A head as it is compared, however it was written or printed."""
    return "".join(sign for sign in text.lower() if sign.isalnum())


def shown_head(head: str) -> str:
    """A head as it is printed: 16 groups of 4."""
    return "-".join(head.upper()[start : start + 4] for start in range(0, len(head), 4))


def canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def check_chain(connection: Any, anchors: Texts) -> tuple[Report, list[tuple[int, bytes, Any]]]:
    """Follow every entry. Returns the report, and of each signed entry its number, ``prev`` and content."""
    missing = {plain_head(anchor) for anchor in anchors}
    signed, last, count, sha256 = [], bytes(32), 0, hashlib.sha256
    for row in _rows(connection, "SELECT seq, kind, body, prev, hash FROM ledger ORDER BY seq"):
        seq, kind, body, prev, digest = row
        count += 1
        if seq != count or prev != last:
            raise Fault("gap", count)
        if sha256(b"\0" + prev + body).digest() != digest:
            raise Fault("hash", seq)
        last = digest
        if kind in SIGNED:
            signed.append((seq, prev, json.loads(body)))
        missing.discard(last.hex())
    if missing:
        raise Fault("anchor", what=min(missing))
    return Report(count, last.hex(), []), signed


def check_signatures(signed: Iterable[tuple[int, bytes, Any]], report: Report, trusted: Texts) -> None:
    """Both signatures of each statement, by two persons; a new key only beside one that was known."""
    known: dict[str, tuple[str, str]] = {}
    previous = None
    for seq, prev, body in signed:
        statement = body["statement"]
        signers = {each["key"]: (each["name"], each["role"]) for each in statement["signers"]}
        _check_signers(seq, body, signers)
        for key, (name, role) in signers.items():
            if known.get(key, (name, role)) != (name, role) or (known and not known.keys() & signers.keys()):
                raise Fault("key", seq, name)
            if trusted and key not in trusted:
                raise Fault("trust", seq, name)
        report.new_keys += [(seq, signers[key][0], key) for key in signers if known and key not in known]
        known |= signers
        if statement["head"] != {"seq": seq - 1, "hash": prev.hex()}:
            raise Fault("place", seq)
        if statement.get("at") != body["at"]:
            raise Fault("time", seq)
        if statement["previous"] != previous or statement["act"] != body["kind"]:
            raise Fault("previous", seq)
        previous = hashlib.sha256(b"\0" + prev + canonical(body)).hexdigest()
        report.closes.append((seq, statement["period"], [f"{signers[k][0]} ({k})" for k in signers]))


def _check_signers(seq: int, body: Any, signers: dict[str, tuple[str, str]]) -> None:
    """An operator and an auditor, two persons with two keys, and both signed the very statement."""
    names, roles = [name for name, _ in signers.values()], {role for _, role in signers.values()}
    if len(names) != 2 or not roles == {*body["signatures"]} == ROLES or same_person(*names):
        raise Fault("signers", seq)
    for key, (_, role) in signers.items():
        try:
            public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
            public.verify(bytes.fromhex(body["signatures"][role]), PREFIX + canonical(body["statement"]))
        except (InvalidSignature, ValueError) as fault:
            raise Fault("signature", seq, role) from fault


def same_person(name: str, other: str) -> bool:
    """Whether two names are one but for case, blanks and ways to put letters together, or one is empty."""
    one, two = _folded(name), _folded(other)
    return one == two or not one or not two


class Recount:
    """The state of pages, sheets and answers, followed entry by entry; compared at each close."""

    def __init__(self, removed: list[tuple[int, str, str, int]] | None = None) -> None:
        self.batches: dict[str, Any] = {}
        self.forms: dict[tuple[str, str], Any] = {}
        self.files: dict[int, Any] = {}
        self.pages: dict[tuple[int, int], list[Any]] = {}  # state, whether its form is known
        self.place_of: dict[int, tuple[int, int]] = {}
        self.sheets: dict[int, Any] = {}
        self.closed: dict[tuple[str, str, str], str] = {}
        self.kept, self.may_lack, self.exports = set[str](), set[str](), set[str]()  # files, by hash
        self.rows, self.vouched = {""}, 0  # answers of other channels; the empty row is none
        self.removed = [] if removed is None else removed
        self.eyes = FourEyes()

    def add(self, seq: int, kind: str, body: Any) -> None:
        """One entry. A kind without a rule below changes nothing that is counted."""
        batch = body.get("batch") or body.get("id", "").rpartition("/")[0]
        about = body if kind == "batch" else self.batches.get(batch)
        for period in (name for scope, name in self.closed.items() if about and _in(scope, about)):
            raise Fault("closed", seq, period)
        self._refuse_foreign(seq, kind, batch, body)
        self.exports.add(body.get("sha256", ""))
        self.kept.update(body.get("files", {}).values(), body.get("calibration", "").split()[-1:])
        self.eyes.add(seq, kind, body, self.sheets)
        rule = getattr(self, f"on_{kind}", None)
        if rule is not None:
            rule(seq, body)

    def on_batch(self, seq: int, body: Any) -> None:
        if body["batch"] in self.batches:
            raise Fault("again", seq, body["batch"])
        self.batches[body["batch"]] = body

    def on_run(self, _seq: int, body: Any) -> None:
        if body["expect"] is not None:
            self.batches[body["batch"]]["expect"] = body["expect"]

    def on_form(self, seq: int, body: Any) -> None:
        edition = body["form"], body["edition"]
        if self.forms.get(edition, body)["questions"] != body["questions"]:
            raise Fault("again", seq, " ".join(edition))
        self.forms[edition] = body

    def on_removed(self, seq: int, body: Any) -> None:
        """Only a batch's own scans may go, and only when its period is closed."""
        mine = {file["original"] for file in self.files.values() if file["batch"] == body["of"]}
        closed = any(_in(scope, self.batches[body["of"]]) for scope in self.closed)
        if not _by_two(body) or not closed or not mine.issuperset(body["originals"]):
            raise Fault("removed", seq)
        self.may_lack.update(body["originals"])
        self.removed.append((seq, body["of"], body["at"][:10], len(body["originals"])))

    def on_file(self, seq: int, body: Any) -> None:
        self.files[seq] = body
        self.kept.add(body["original"])

    def on_page(self, seq: int, body: Any) -> None:
        if body["counts"]:
            known = "reading" in body or body["form"] is not None
            aside = body.get("state", "set_aside") == "set_aside"
            place = self.place_of[seq] = body["file"], body["page"]
            if self.pages.get(place, [""])[0] == "on_sheet":
                raise Fault("again", seq, f"{body['shown']}, {body['page']}")
            self.pages[place] = ["pending" if known and aside else body["state"], known]

    def on_sheet(self, seq: int, body: Any) -> None:
        """A sheet of pages, each on no other sheet; or an answer that an import vouches for, once."""
        row = body.get("imported", {}).get("row", "")
        if not body["pages"] and row in self.rows:
            raise Fault("invented", seq, body["id"])
        if not body["pages"]:
            self.rows.add(row)
        for page in self._pages_of(body):
            if page[0] == "on_sheet":
                raise Fault("again", seq, body["id"])
            page[0] = "on_sheet"
        self.sheets[seq] = body | {"machine": body["state"], "rulings": {}}

    def on_import(self, seq: int, body: Any) -> None:
        self.vouched += body["added"]
        self._refuse_unvouched(seq, body["file"])

    def on_released(self, _seq: int, body: Any) -> None:
        for page in self._pages_of(self.sheets.pop(body["sheet"])):
            page[0] = "pending" if page[1] else "set_aside"

    def on_ruling(self, _seq: int, body: Any) -> None:
        sheet = self.sheets[body["sheet"]]
        sheet["rulings"][body["question"]] = body
        if sheet["state"] != "void" and not _waits(sheet):
            sheet["state"] = "read"

    def on_withdrawn(self, _seq: int, body: Any) -> None:
        """A person took a decision back: the ruling that rests on it falls."""
        sheet = self.sheets[body["sheet"]]
        if body["proposal"] in sheet["rulings"].get(body["question"], {}).get("proposals", ()):
            del sheet["rulings"][body["question"]]
            if sheet["state"] != "void":
                sheet["state"] = sheet["machine"] if _waits(sheet) else "read"

    def on_replaced(self, seq: int, body: Any) -> None:
        if self.sheets[body["sheet"]]["state"] not in ("set_aside", "incomplete"):
            raise Fault("void", seq)
        self.sheets[body["sheet"]]["state"] = "void"

    def on_void(self, seq: int, body: Any) -> None:
        if not _by_two(body):
            raise Fault("void", seq)
        self.sheets[body["sheet"]]["state"] = "void"

    def on_amendment(self, _seq: int, body: Any) -> None:
        self.closed.pop(_scope(body["statement"]), None)

    def on_close(self, seq: int, body: Any) -> None:
        """What was signed is counted again; the auditor scanned nothing of it."""
        statement = body["statement"]
        self._refuse_unvouched(seq, "?")
        counted = self.count(_scope(statement))
        auditor = _folded(next(s["name"] for s in statement["signers"] if s["role"] == "auditor"))
        for line in counted["batches"]:
            if line["pages_in"] != sum(line["pages"].values()):
                raise Fault("statement", seq, f"pages of {line['batch']}")
            if auditor in self.eyes.scanned[line["batch"]]:
                raise Fault("scanned", seq, auditor)
        stated = {"ruled_alone": counted["ruled_alone"]} | statement  # older closes lack it
        for name in (name for name in counted if counted[name] != stated[name]):
            raise Fault("statement", seq, name)
        self.closed[_scope(statement)] = statement["period"]

    def _refuse_unvouched(self, seq: int, file: str) -> None:
        """Answers without paper that no import has told."""
        if len(self.rows) != 1 + self.vouched:
            raise Fault("invented", seq, file)

    def _pages_of(self, sheet: Any) -> list[list[Any]]:
        return [self.pages[self.place_of[key]] for _side, key in sheet["pages"]]

    def _refuse_foreign(self, seq: int, kind: str, batch: str, body: Any) -> None:
        """An entry names its batch, by which a closed period is kept, and changes nothing of another's."""
        touched = [self.sheets[body["sheet"]]] if kind != "sheet" and "sheet" in body else []
        touched += [self.files[body["file"]]] if kind == "page" else []
        if kind == "sheet":
            touched += [self.files[self.place_of[key][0]] for _side, key in body["pages"]]
        for each in (each for each in touched if each["batch"] != batch):
            raise Fault("foreign", seq, each["batch"])

    def count(self, scope: tuple[str, str, str]) -> dict[str, Any]:
        """What a close states of these days and this unit: batches, tally and templates."""
        wanted = [batch for batch in self.batches.values() if _in(scope, batch)]
        names = {batch["batch"] for batch in wanted}
        sheets = [sheet for sheet in self.sheets.values() if sheet["batch"] in names]
        forms = [self.forms[edition] for edition in sorted({(s["form"], s["edition"]) for s in sheets})]
        return {
            "batches": sorted((self._line(b) for b in wanted), key=lambda b: (b["received"], b["batch"])),
            "tally": [count_form(form, sheets) for form in forms],
            "templates": [{name: form[name] for name in ("form", "edition", "hash")} for form in forms],
            "ruled_alone": self.alone(sheets),
        }

    def alone(self, sheets: Iterable[Any]) -> int:
        """Answers on sheets that count which one person alone settled."""
        counting = (sheet for sheet in sheets if sheet["state"] in ("read", "review"))
        return sum("second" not in ruling for s in counting for ruling in s["rulings"].values())

    def _line(self, batch: Any) -> dict[str, Any]:
        files = {key: file for key, file in self.files.items() if file["batch"] == batch["batch"]}
        pages = Counter(page[0] for place, page in self.pages.items() if place[0] in files)
        return {
            **{name: batch[name] for name in ("batch", "received", "unit", "channel", "linh_vuc", "expect")},
            "pages_in": sum(file["page_count"] or 1 for file in files.values()),
            "pages": {name: pages[name] for name in ("on_sheet", "non_ballot", "repeat", "set_aside")},
            "sheets": _by_state(s for s in self.sheets.values() if s["batch"] == batch["batch"]),
        }


class FourEyes:
    """That nothing rests on proposals but what two persons, who may, have said alike and not taken back."""

    def __init__(self) -> None:
        self.persons = 2
        self.roles: dict[str, set[str]] = {}
        self.scanned: dict[str, set[str]] = defaultdict(set)
        self.handles: dict[str, set[str]] = defaultdict(set)
        self.said: dict[int, Any] = {}
        self.spoke: dict[str, set[str]] = defaultdict(set)  # by sheet: who said anything of it

    def add(self, seq: int, kind: str, body: Any, sheets: dict[int, Any]) -> None:
        """One entry; raises ``Fault`` where it breaks the rule."""
        match kind:
            case "review_rule":
                self.persons = body["persons"]
            case "user":
                self.roles[_folded(body["name"])] = set(body["roles"]) if body["active"] else set()
            case "run" if body.get("by"):
                self.scanned[body["batch"]].add(_folded(body["by"]))
            case "box":
                self.scanned[body["batch"]].update(map(_folded, body["minute"]["scanned_by"]))
                self.handles[body["batch"]].update(map(_folded, body["minute"]["handle_procedures"]))
            case "proposal" | "sheet_proposal":
                if not self._may(body):
                    raise Fault("eyes", seq, body["by"])
                self.said[seq] = body
                self.spoke[body["id"]].add(_folded(body["by"]))
            case "withdrawn":
                said = self.said.pop(body["proposal"], None)
                if said is None or not same_person(said["by"], body["by"]):
                    raise Fault("eyes", seq, body["by"])
            case "ruling" | "counted" | "paired" | "void" if "proposals" in body:
                self._check(seq, kind, body, sheets)
            case "ruling":
                self.spoke[body["id"]].add(_folded(body["ruled_by"]))
            case "audit_reading":
                name = _folded(body["by"])
                barred = name in self.scanned[body["of"]] | self.spoke[body["paper"]]
                if barred or "auditor" not in self.roles.get(name, ()):
                    raise Fault("eyes", seq, body["by"])

    def _may(self, body: Any) -> bool:
        name, batch = _folded(body["by"]), body["id"].rpartition("/")[0]
        return bool({"reviewer", "auditor"} & self.roles.get(name, set())) and name not in self.handles[batch]

    def _check(self, seq: int, kind: str, body: Any, sheets: dict[int, Any]) -> None:
        said = [self.said.get(key, {"sheet": None}) for key in body["proposals"]]
        names = [each.get("by", "") for each in said]
        batch = body["id"].rpartition("/")[0]
        needed = 2 if kind == "void" else self.persons
        two = len(said) == 2 and not same_person(*names) and _folded(names[1]) not in self.scanned[batch]
        alone = len(said) == needed == 1 and "second" not in body
        signed = [body.get("ruled_by", body.get("by")), *([body["second"]] if "second" in body else [])]
        alike = all(self._says(each, kind, body, sheets) for each in said)
        if not (two or alone) or names != signed or not alike:
            raise Fault("eyes", seq, body["id"])

    def _says(self, said: Any, kind: str, body: Any, sheets: dict[int, Any]) -> bool:
        """Whether a proposal says what is entered. Of a sheet that counts, answers are as they were read."""
        if said["sheet"] != body["sheet"]:
            return False
        if kind != "ruling":
            same = said.get("same_as") == body.get("same_as")
            return bool(
                said.get("act") == {"void": "void", "counted": "count", "paired": "pair"}[kind] and same
            )
        if said.get("act") == "count":
            read = {row[0]: row[3] for row in sheets[body["sheet"]]["answers"]}
            return bool(read.get(body["question"]) == body["codes"] and not body["invalid"])
        names = ("question", "codes", "invalid")
        return all(said.get(name) == body[name] for name in names)


def _folded(name: str) -> str:
    return "".join(normalize("NFKC", name).casefold().split())


def _scope(stated: Any) -> tuple[str, str, str]:
    return stated["first"], stated["last"], stated["unit"]


def _in(scope: tuple[str, str, str], batch: Any) -> bool:
    return scope[0] <= batch["received"] <= scope[1] and scope[2] in ("", batch["unit"])


def _by_two(body: Any) -> bool:
    return bool(body["reason"].strip()) and not same_person(body["by"], body["second"])


def _by_state(sheets: Iterable[Any]) -> dict[str, int]:
    states = Counter(sheet["state"] for sheet in sheets)
    return {name: states[name] for name in ("read", "review", "void", "set_aside", "incomplete")}


def answers_of(sheet: Any) -> Iterator[dict[str, Any]]:
    """A sheet's answers as the machine made them, with a person's ruling, and whether they wait for one."""
    for row in sheet["answers"]:
        answer = dict(zip(sheet["answer_fields"], row, strict=True))
        doubtful = answer["status"] == "review" or sheet["machine"] in ("set_aside", "incomplete")
        ruling = sheet["rulings"].get(answer["question"])
        yield {**answer, **(ruling or {"invalid": False}), "waits": doubtful and not ruling}


def _waits(sheet: Any) -> bool:
    return any(answer["waits"] for answer in answers_of(sheet))


def count_form(form: Any, sheets: Iterable[Any]) -> dict[str, Any]:
    """One form's sheets by state, and for each question where its answers went."""
    mine = [s for s in sheets if (s["form"], s["edition"]) == (form["form"], form["edition"])]
    several = {question: multiple for question, _side, multiple, _codes in form["questions"]}
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for answer in (a for s in mine if s["state"] in ("read", "review") for a in answers_of(s)):
        invalid = answer["invalid"] or (len(answer["codes"]) > 1 and not several[answer["question"]])
        place = "invalid" if invalid else "answered" if answer["codes"] else "blank"
        place = "awaiting" if answer["waits"] else place
        chosen = answer["codes"] if place == "answered" else ()
        counts[answer["question"]].update([place, *(f"={code}" for code in chosen)])
    questions = []
    for question, _side, _multiple, codes in form["questions"]:
        places = {name: counts[question][name] for name in ("answered", "blank", "invalid", "awaiting")}
        options = {code: counts[question][f"={code}"] for code in codes}
        questions.append({"question": question, **places, "options": options})
    about = {"form": form["form"], "edition": form["edition"]}
    return {**about, "sheets": _by_state(mine), "questions": questions}


def check_originals(folder: Path, originals: Iterable[str], may_lack: Iterable[str] = ()) -> int:
    """Every original's bytes; returns how many there are. Those that were removed may be there or not."""
    paths = [folder / "originals" / sha[:2] / sha for sha in sorted(originals)]
    there = [path for path in paths if path.name not in may_lack or path.exists()]
    for path in (path for path in there if hash_of(path) != path.name):
        raise Fault("original", what=str(path))
    return len(there)


def hash_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, hexadecimal."""
    if not path.is_file():
        raise Fault("missing", what=str(path))
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main(database: str, *anchors: str) -> int:
    """As a program of its own: exit code 0, or 5 with the first fault on one line."""
    try:
        found = verify(database, Path(database).parent, anchors)
    except Fault as fault:
        sys.stdout.write(f"NOT VERIFIED: {fault}\n")
        return 5
    sys.stdout.write(f"Verified: {found.entries} entries, {found.originals} originals, head {found.head}\n")
    for seq, period, signers in found.closes:
        sys.stdout.write(f"Entry {seq}, period {period}: signed by {'; '.join(signers)}\n")
    for seq, name, key in found.new_keys:
        sys.stdout.write(f"Entry {seq}: a new key of {name}, vouched for by the other signer: {key}\n")
    for seq, batch, day, count in found.removed:
        sys.stdout.write(f"Entry {seq}: {count} originals of {batch} removed by retention on {day}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
