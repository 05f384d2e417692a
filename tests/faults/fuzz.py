"""Damaged and random input for every reader of ours, and for the whole way from a file to answers.

Inputs are kept ones (``corpus/``, ``samples/hue-2019.jpg``, small scans of ``making``) changed at random:
bits, bytes, pieces cut out, doubled, exchanged with another input's, or words that the formats know; one in
eight is random altogether. No coverage guides it: PyYAML, pikepdf and the decoders are C or too slow to be
traced. Each reader may give a result or one of our own errors; anything else, or more than ten seconds, is a
fault. On the whole way an accepted answer that is not the one on the paper is one too. The long run:

    python -m tests.faults.fuzz

With ``--share 0.01`` it makes so much of it. A reader that took all its inputs of a seed before, and rightly,
is passed over.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ballotscan import keys, opening, verify
from ballotscan.calibration import read_profile
from ballotscan.errors import BallotscanError
from ballotscan.forms.boxlist import read_list
from ballotscan.forms.codes import make_payload, parse_payload
from ballotscan.forms.load import load_form, shipped_templates
from ballotscan.forms.source import parse_source
from ballotscan.intake.names import escape_name
from ballotscan.intake.workers import Limits, WorkerFault, WorkerPool
from ballotscan.model import PageRead, PageRef, Sha256, Status
from ballotscan.page_work import CountPages, FileRefused, Found, ReadPage, Worker, do_task, start_worker
from ballotscan.rules.answers import decide_answers
from ballotscan.rules.periods import next_period, parse_period
from ballotscan.settings import SETTINGS_FILE, load_settings
from ballotscan.store.database import open_store
from ballotscan.store.rulings_file import read_rows
from tests.faults import making
from tests.faults.kill import RESULTS, keep
from tests.unit.record import Office

CORPUS: Final = Path(__file__).with_name("corpus")
SAMPLES: Final = Path(__file__).parents[2] / "samples"
HANGS_S: Final = 10
RANDOM: Final = 1 / 8
WORDS: Final = (
    *(
        b"\x00",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\r\n",
        b"\t",
        b"'",
        b'"',
        b"=cmd",
        b"{}",
        b"[]",
        b"null",
        b"NaN",
    ),
    *(b"1e999", b"-1", b"0", b"9" * 40, b"&a", b"*a", b"<<: *a", b"!!python/object", b"---", b"2023Q1"),
    *(b"2023-02-30", "Ế".encode(), "e\u0302\u0301".encode(), b"\xed\xa0\x80"),
    *(b"stream", b"endobj", b"/Filter", b"\xff\xd9", b"\xff\xda"),
)
FORM: Final = shipped_templates() / "hue-2019"
MEANT: Final = {f"H{number}": ("1",) for number in range(1, 6)}
"""What stands on the paper of ``samples/hue-2019.jpg``."""


class HangError(BaseException):
    """An input that takes too long. No reader of ours may catch it."""


@dataclass(frozen=True)
class Reader:
    """Something that reads input; ``inputs`` of the long run. ``errors`` are its refusals beside our own."""

    name: str
    inputs: int
    seeds: tuple[bytes, ...]
    read: Callable[[bytes, Path], object]
    errors: tuple[type[Exception], ...] = ()


def change(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """The input after one to six changes; or something random altogether."""
    if chance.random() < RANDOM:
        return chance.randbytes(chance.randrange(200))
    changed = bytearray(data)
    for _ in range(chance.randrange(1, 7)):
        at = chance.randrange(len(changed) + 1)
        until = min(len(changed), at + int(chance.expovariate(1 / 12)))
        match chance.randrange(7):
            case 0 if at < len(changed):
                changed[at] ^= 1 << chance.randrange(8)
            case 1 if at < len(changed):
                changed[at] = chance.randrange(256)
            case 2:
                changed[at:at] = chance.choice(WORDS)
            case 3:
                del changed[at:until]
            case 4:
                changed[at:at] = changed[at:until] * chance.randrange(1, 4)
            case 5:
                other = chance.choice(others)
                start = chance.randrange(len(other) + 1)
                changed[at:until] = other[start : start + chance.randrange(1, 40)]
            case 6 if chance.random() < 0.3:
                del changed[at:]
    return bytes(changed)


# --- the readers --------------------------------------------------------------------------------------------


def _as_text(read: Callable[[str], object]) -> Callable[[bytes, Path], object]:
    return lambda data, _folder: read(data.decode("utf-8", errors="replace"))


def _as_file(name: str, read: Callable[[Path], object]) -> Callable[[bytes, Path], object]:
    def call(data: bytes, folder: Path) -> object:
        path = folder / name
        path.write_bytes(data)
        return read(path)

    return call


def _payload(text: str) -> None:
    """What is taken for a code of ours says the same when it is made again."""
    found = parse_payload(text)
    if found is not None:
        assert make_payload(found.form, found.edition, found.side, found.serial) == text


def _period(text: str) -> None:
    for rule in ("nd09", "calendar"):
        period = parse_period(text, rule)
        assert period.first <= period.last
        next_period(period)


def _name(text: str) -> None:
    shown = escape_name(text)
    assert shown.isprintable()
    assert "/" not in shown or "/" in text


def _template(path: Path) -> None:
    parse_source(path)


def _settings(path: Path) -> object:
    return load_settings(environment={}, current=path.parent)


def readers(folder: Path) -> list[Reader]:
    """Every reader with its share of the long run. ``folder`` is where a key and a record are made."""
    kept = {path.name: path.read_bytes() for path in sorted(CORPUS.iterdir())}
    key = _make_key(folder / "made.key")
    payloads = tuple(
        make_payload("hue-2019", "2019", side, serial).encode()
        for side, serial in ((1, None), (2, "ABCDEFGH"))
    )
    return [
        Reader("code on a page", 260_000, payloads, _as_text(_payload)),
        Reader(
            "period",
            150_000,
            (b"2023Q1", b"2023-03", b"2023H2", b"2023-01-01..2023-02-28"),
            _as_text(_period),
        ),
        Reader("head", 100_000, (b"0123 4567 89ab cdef " * 4,), _as_text(verify.plain_head)),
        Reader("name of a file", 100_000, ("Phòng 1/../=a\n.pdf".encode(),), _as_text(_name)),
        Reader("key", 80_000, (key,), _as_file("a.key", lambda path: keys.public_key(str(path)))),
        Reader("settings", 80_000, (kept["settings.toml"],), _as_file(SETTINGS_FILE, _settings)),
        Reader("rulings", 80_000, (kept["rulings.csv"],), _as_file("a.csv", read_rows)),
        Reader("scanner's profile", 40_000, (kept["profile.toml"],), _as_file("a.toml", read_profile)),
        Reader("minute of a box", 40_000, (kept["minute.yaml"],), _as_file("a.yaml", opening.read_minute)),
        Reader("boxes of a form", 25_000, (kept["boxes.json"],), _as_file("a.json", read_list)),
        Reader("template", 40_000, (kept["template.yaml"],), _as_file("template.yaml", _template)),
        _ledger(folder / "office"),
    ]


def _make_key(path: Path) -> bytes:
    keys.new_key(path, "Nguyễn Văn An", "operator", "mật khẩu dài")
    return path.read_bytes()


def _ledger(folder: Path) -> Reader:
    """The last entry's body, a signed close, changed and its hash made to fit: the checker says so, and the
    program's own check does not break over it."""
    folder.mkdir()
    office = Office(folder)
    office.close("2023Q1")
    with closing(sqlite3.connect(office.database)) as connection, connection:
        for verb in ("update", "delete"):
            connection.execute(f"DROP TRIGGER IF EXISTS ledger_no_{verb}")
        bodies = [bytes(body) for (body,) in connection.execute("SELECT body FROM ledger ORDER BY seq")]
    last = len(bodies)

    def read(data: bytes, _folder: Path) -> None:
        (before,) = bodies[-1:]
        with closing(sqlite3.connect(office.database)) as connection, connection:
            (prev,) = connection.execute("SELECT prev FROM ledger WHERE seq = ?", (last,)).fetchone()
            digest = hashlib.sha256(b"\0" + prev + data).digest()
            query = "UPDATE ledger SET body = ?, hash = ? WHERE seq = ?"
            connection.execute(query, (data, digest, last))
        with open_store(office.database, create=False) as store:
            store.check_since_verified()
        if data != before:
            verify.verify(str(office.database), office.folder)
            raise AssertionError("a changed close was taken for the one that was signed")

    return Reader("entry of the record", 5_000, (bodies[-1],), read, (verify.Fault,))


@contextmanager
def _limited_time() -> Iterator[None]:
    def ring(*_signal: object) -> None:
        raise HangError

    former = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, HANGS_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)


def fuzz_reader(reader: Reader, inputs: int, seed: int, folder: Path) -> tuple[Counter[str], list[str]]:
    """Counts by what came of the inputs, and what was wrong, with the input."""
    chance = random.Random(f"{reader.name} {seed}")
    counts: Counter[str] = Counter()
    wrong = []
    for _number in range(inputs):
        data = change(chance.choice(reader.seeds), reader.seeds, chance)
        try:
            with _limited_time():
                reader.read(data, folder)
            counts["read"] += 1
        except (BallotscanError, *reader.errors):
            counts["refused"] += 1
        except HangError:
            wrong.append(f"{reader.name}: more than {HANGS_S} s: {data!r}")
        except Exception:
            wrong.append(f"{reader.name}: {traceback.format_exc(limit=-3)}\n{data!r}")
    return counts, wrong


# --- from a file to answers ---------------------------------------------------------------------------------

INGESTED: Final = 20_000
REAL: Final = 0.1
"""Share of the whole way's inputs that begin as the scan of a form; the others are small pictures without any
ballot: they try the opening, not the reading."""


def scans(folder: Path) -> tuple[dict[str, bytes], bytes]:
    """Small files of every kind, and a scan of a form."""
    pictures = [making.picture(seed) for seed in range(2)]
    bitonal = [making.bitonal_picture(seed) for seed in range(2)]
    small = {
        ".pdf": making.scan_pdf(folder / "a.pdf", making.jpeg(0), making.jpeg(1)).read_bytes(),
        ".jpg": making.jpeg(3, progressive=True),
        ".png": making.encoded(pictures[0], "PNG"),
        ".tif": making.tiff(*bitonal),
        ".tiff": making.tiff(*pictures, compression="tiff_lzw"),
    }
    return small, (SAMPLES / "hue-2019.jpg").read_bytes()


def fuzz_ingest(inputs: int, seed: int, folder: Path, workers: int = 1) -> tuple[Counter[str], list[str]]:
    """Damaged files through the workers that a scan uses, with the reader that it uses."""
    chance = random.Random(f"ingest {seed}")
    small, real = scans(folder)
    limits = Limits(wall_s=30, cpu_s=20, readable=(folder,))
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    done = 0
    while done < inputs:  # once; again only where a fault of ours ended the workers
        files = _files(inputs - done, small, real, folder, chance)
        try:
            with WorkerPool(start_worker, ((FORM,), None), whole_file, workers, limits) as pool:
                for path, found in pool.run(files):
                    done += 1
                    kinds = [
                        outcome_of(each) for each in ([found] if isinstance(found, WorkerFault) else found)
                    ]
                    counts.update(kinds)
                    if "WRONG" in kinds:
                        wrong.append(f"{path}: an answer was accepted that is not on the paper")
                        shutil.copy(path, Path(tempfile.gettempdir()) / f"wrong-{done}{path.suffix}")
        except Exception:
            wrong.append(f"ingest, about file {done}: {traceback.format_exc(limit=-4)}")
            done += 1
    return counts, wrong


def whole_file(worker: Worker, path: Path) -> tuple[Found, ...]:
    """Open a file and read its first two pages, as a scan does."""
    count = do_task(worker, CountPages(path))
    if not isinstance(count, int):
        return (count,)
    refs = [PageRef(path.name, page, Sha256("0" * 64)) for page in range(1, min(count, 2) + 1)]
    return (count, *(do_task(worker, ReadPage(path, ref)) for ref in refs))


def _files(
    count: int, small: dict[str, bytes], real: bytes, folder: Path, chance: random.Random
) -> Iterator[Path]:
    """Damaged files. A ring of names keeps the folder small."""
    for number in range(count):
        suffix, data = (".jpg", real) if chance.random() < REAL else chance.choice(list(small.items()))
        path = folder / f"{number % 500}{suffix}"
        path.write_bytes(change(data, list(small.values()), chance))
        yield path


def outcome_of(found: object) -> str:
    if isinstance(found, WorkerFault):
        return f"ended by a limit: {found.reason.value}"
    if isinstance(found, FileRefused):
        return "file refused"
    if isinstance(found, int):
        return "file opened"
    if not isinstance(found, PageRead):
        return "page set aside"
    answers = decide_answers(load_form(FORM), (found.reading,))
    accepted = {answer.question: answer.codes for answer in answers if answer.status is Status.ACCEPTED}
    if any(codes != MEANT[question] for question, codes in accepted.items()):
        return "WRONG"
    return "page read" if len(accepted) == len(MEANT) else "page read, some answers in review"


# --- the long run -------------------------------------------------------------------------------------------


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--share", type=float, default=1.0, help="of the readers' million inputs")
    parser.add_argument("--ingest", type=float, default=1.0, help="of the 20,000 files")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="ballotscan-fuzz-"))
    (folder / "scans").mkdir()
    wrong = 0
    try:
        if given.share:
            wrong += keep("fuzz", _all_readers(given.share, given.seed, folder))
        if given.ingest:
            wrong += keep("ingest", _whole_way(given.ingest, given.seed, folder / "scans"))
    finally:
        shutil.rmtree(folder)
    return 1 if wrong else 0


def _all_readers(share: float, seed: int, folder: Path) -> dict[str, Any]:
    result: dict[str, Any] = {"seed": seed, "inputs": 0, "wrong": 0}
    kept = json.loads(RESULTS.read_text(encoding="utf-8")).get("fuzz", {})
    for reader in readers(folder):
        began_s = time.process_time()
        inputs = round(reader.inputs * share)
        before = kept.get(reader.name, {}) if kept.get("seed") == seed else {}
        if before.get("inputs") == inputs == before.get("read", 0) + before.get("refused", 0):
            _enter(result, reader.name, before, [])
            continue
        counts, wrong = fuzz_reader(reader, inputs, seed, folder)
        rate = round(inputs / max(time.process_time() - began_s, 1e-3))
        _enter(result, reader.name, {"inputs": inputs, "a_second_of_computing": rate, **counts}, wrong)
    return result


def _whole_way(share: float, seed: int, folder: Path) -> dict[str, Any]:
    result: dict[str, Any] = {"seed": seed, "inputs": 0, "wrong": 0}
    inputs = round(INGESTED * share)
    counts, wrong = fuzz_ingest(inputs, seed, folder)
    _enter(result, "from a file to answers", {"inputs": inputs, **counts}, wrong)
    return result


def _enter(result: dict[str, Any], name: str, found: dict[str, Any], wrong: Sequence[str]) -> None:
    result[name] = found
    result["inputs"] += found["inputs"]
    result["wrong"] += len(wrong)
    sys.stdout.write(f"{name}: {json.dumps(found)}\n" + "".join(f"WRONG {each}\n" for each in wrong[:5]))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
