"""``ballotscan scan`` and ``ballotscan reread``: from a folder of scans to stored answers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Optional
from unicodedata import normalize

import typer

from ballotscan.cli.options import Database
from ballotscan.errors import BallotscanError, ExitCode, UsageError
from ballotscan.i18n import gettext as _
from ballotscan.i18n import ngettext
from ballotscan.model import BatchName, BatchSettings
from ballotscan.settings import CLOCK_MAY_BE_BEHIND, Settings, load_settings, template_folders

if TYPE_CHECKING:
    from ballotscan.calibration import KeptProfile
    from ballotscan.pipeline import ScanReport
    from ballotscan.store.database import Store
    from ballotscan.store.rows import Difference

_NAME_AT_MOST: Final = 120
_WORST_FIRST: Final = (ExitCode.UNBALANCED, ExitCode.NOTHING_DONE, ExitCode.LEFT_OPEN, ExitCode.OK)

Paths = Annotated[
    list[Path], typer.Argument(help=_("Folders or files: PDF, TIFF, JPEG, PNG."), metavar="PATH...")
]
Templates = Annotated[
    Optional[list[str]],  # noqa: UP045  typer reads the annotation when the command is built
    typer.Option("--template", help=_("The form's template; may be named several times."), metavar="NAME"),
]
Workers = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option("--workers", min=1, max=256, help=_("Processes that read; one per core by default.")),
]


def scan(
    *,
    paths: Paths,
    template: Templates = None,
    batch: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--batch", help=_("The batch's name; by default day and folder."), metavar="NAME"),
    ] = None,
    channel: Annotated[
        str, typer.Option("--channel", help=_("How the ballots came, for example hom-phieu."), metavar="NAME")
    ] = "",
    unit: Annotated[
        str, typer.Option("--unit", help=_("The office the ballots are about."), metavar="NAME")
    ] = "",
    linh_vuc: Annotated[
        str,
        typer.Option(
            "--linh-vuc",
            help=_("The field of procedure, where a sheet's own answer is blank."),
            metavar="NAME",
        ),
    ] = "",
    received: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--received", help=_("The day the box was opened; today by default."), metavar="YYYY-MM-DD"
        ),
    ] = None,
    expect: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--expect", min=1, help=_("The number of sheets, counted by hand."), metavar="SHEETS"),
    ] = None,
    calibration: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--calibration", help=_("The scanner's profile, by name."), metavar="NAME"),
    ] = None,
    by: Annotated[
        str, typer.Option("--by", help=_("Who scans: not the second person of a review."), metavar="NAME")
    ] = "",
    workers: Workers = None,
    db: Database = None,
) -> None:
    """Read a stack and print what came of it."""
    settings = load_settings(db)
    folders = _find_templates(settings, template or [])
    _check_paths(paths)
    _check_linh_vuc(linh_vuc, folders)
    profile = _profile(settings, calibration)

    from ballotscan.cli.progress import ProgressBar
    from ballotscan.cli.summary import warning_line
    from ballotscan.pipeline import scan_batch
    from ballotscan.store.database import open_store

    wanted = BatchSettings(
        name=BatchName(_named(batch)),
        forms=tuple(folder.name for folder in folders),
        received=_day(received).isoformat(),
        channel=_plain(channel),
        unit=_plain(unit),
        linh_vuc=_plain(linh_vuc),
        expect=expect,
        calibration=profile.label if profile else "",
        accepted_risk=settings.accepted_risk,
        scanned_by=_plain(by),
    )
    with open_store(settings.database, settings.folder) as store:
        if profile:
            store.keep_original(profile.path)
        if received is None:
            _check_clock(store)
        chosen = wanted if wanted.name else _default_batch(store, wanted, paths, received)
        _say_batch(chosen)
        store.refuse_closed(date.fromisoformat(chosen.received), chosen.unit)
        with ProgressBar() as bar:
            report = scan_batch(
                store,
                paths,
                folders,
                chosen,
                workers=workers or _cores(),
                tell=bar,
                warn=lambda warning: bar.say(warning_line(warning)),
            )
        code = _print_report(store, report)
    raise typer.Exit(code)


def reread(
    *,
    batch: Annotated[str, typer.Argument(help=_("The batch to read again."), metavar="BATCH")],
    template: Templates = None,
    workers: Workers = None,
    db: Database = None,
) -> None:
    """Read a batch's kept originals again and list every answer that comes out otherwise."""
    settings = load_settings(db)

    from ballotscan.cli.progress import ProgressBar
    from ballotscan.reread import reread_batch
    from ballotscan.store.database import open_store

    with open_store(settings.database, settings.folder, create=False) as store:
        known = replace(_known_batch(store, _plain(batch)), accepted_risk=settings.accepted_risk)
        folders = _find_templates(settings, template or list(known.forms))
        with ProgressBar() as bar:
            found = reread_batch(store, known, folders, workers=workers or _cores(), tell=bar)
    _print_differences(found)
    raise typer.Exit(ExitCode.LEFT_OPEN if found else ExitCode.OK)


# --- what was given --------------------------------------------------------------------------------------


def _find_templates(settings: Settings, names: Sequence[str]) -> list[Path]:
    """The folders of the templates named. Raises ``UsageError`` that lists the known ones."""
    from ballotscan.forms.load import find_forms

    known = find_forms(template_folders(settings))
    listed = _("Known templates: {names}.").format(names=", ".join(known) or "-")
    if not names:
        raise UsageError(_("No template is named."), _("Name one with --template.") + " " + listed)
    for name in names:
        if name not in known:
            raise UsageError(_("There is no template '{name}'.").format(name=name), listed)
    return [known[name] for name in dict.fromkeys(names)]


def _profile(settings: Settings, name: str | None) -> KeptProfile | None:
    """The scanner's profile that was named, if it may be used today."""
    if name is None and not settings.daily_check:
        return None
    from ballotscan.calibration import profile_for_scan

    return profile_for_scan(settings, name, datetime.now().astimezone().date())


def _check_paths(paths: Sequence[Path]) -> None:
    for path in paths:
        if not os.path.lexists(path):
            raise UsageError(
                _("{path}: there is no such file or folder.").format(path=path), _("Check its name.")
            )


def _check_linh_vuc(wanted: str, folders: Sequence[Path]) -> None:
    """A field of procedure must be on a form's list, where some form has one."""
    if not _plain(wanted):
        return
    from ballotscan.forms.load import load_form
    from ballotscan.rules.decide import find_linh_vuc

    forms = [form for form in map(load_form, folders) if form.linh_vuc_question]
    if not forms or any(find_linh_vuc(form, wanted) for form in forms):
        return
    options = [option for form in forms for option in form.question(form.linh_vuc_question or "").options]
    choices = "; ".join(dict.fromkeys(f"{option.code} {option.label}" for option in options))
    raise UsageError(
        _("--linh-vuc: '{name}' is on no form's list.").format(name=wanted),
        _("Choose one of: {choices}.").format(choices=choices),
    )


def _day(given: str | None) -> date:
    """A day written 2023-02-10 or 10/02/2023; today where none is given."""
    today = date.today()  # noqa: DTZ011  the day on the office's own calendar
    if given is None:
        return today
    for form in ("%Y-%m-%d", "%d/%m/%Y"):
        try:
            day = datetime.strptime(given.strip(), form).date()  # noqa: DTZ007
        except ValueError:
            continue
        if day > today:
            raise UsageError(_("--received: {day} is in the future.").format(day=day.isoformat()))
        return day
    raise UsageError(
        _("--received: '{given}' is no day.").format(given=given), _("Write it as {day}.").format(day=today)
    )


def _check_clock(store: Store) -> None:
    """Today is the day of receipt only by a clock that goes right: one that is behind the record does not."""
    last = store.last_at()
    if last > datetime.now(UTC) + CLOCK_MAY_BE_BEHIND:
        raise BallotscanError(
            _("This computer's clock is behind: the last entry of the record was made on {day}.").format(
                day=last.astimezone().strftime("%Y-%m-%d %H:%M")
            ),
            _("Set the clock, or name the day with --received."),
        )


def _named(batch: str | None) -> str:
    """The batch's name as given; empty where none was."""
    if batch is None:
        return ""
    name = _plain(batch)
    if not name or not name.isprintable() or len(name) > _NAME_AT_MOST:
        raise UsageError(
            _("--batch: this is no name for a batch."),
            _("Use 1 to {most} letters, digits and signs.").format(most=_NAME_AT_MOST),
        )
    return name


def _plain(text: str) -> str:
    """Text as it is compared and stored: one way to write each Vietnamese letter, no blanks around it."""
    return normalize("NFC", text).strip()


def _default_batch(
    store: Store, wanted: BatchSettings, paths: Sequence[Path], received: str | None
) -> BatchSettings:
    """The batch of that day and folder, or the one that an earlier scan of the folder did not finish."""
    label = _label(paths)
    for known in store.batches():
        same_day = received is None or known.received == wanted.received
        again = replace(wanted, name=known.name, received=known.received)
        if known.name == f"{known.received} {label}" and same_day and not store.balance(known.name).holds:
            return again
    return replace(wanted, name=BatchName(f"{wanted.received} {label}"))


def _label(paths: Sequence[Path]) -> str:
    from ballotscan.intake.names import escape_name

    names = dict.fromkeys(escape_name(path.resolve().name) for path in paths)
    return _plain("+".join(names))[: _NAME_AT_MOST - len("2023-02-10 ")]


def _cores() -> int:
    """The cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _known_batch(store: Store, name: str) -> BatchSettings:
    batches = {batch.name: batch for batch in store.batches()}
    if BatchName(name) not in batches:
        raise UsageError(
            _("There is no batch '{name}'.").format(name=name),
            _("Known batches: {names}.").format(names=", ".join(batches) or "-"),
        )
    return batches[BatchName(name)]


# --- what is said ----------------------------------------------------------------------------------------


def _say_batch(batch: BatchSettings) -> None:
    """Before reading: the day decides the quarter, so it is shown while it can still be mended."""
    typer.echo(_("Batch: {name}").format(name=batch.name))
    typer.echo(_("Received: {day} (change it with --received)").format(day=batch.received))


def _print_report(store: Store, report: ScanReport) -> ExitCode:
    """Everything about a scan, and the exit code for it: the worst of its batches'."""
    from ballotscan.cli.summary import print_summary, summarise

    settings = {batch.name: batch for batch in store.batches()}
    summaries = [summarise(store, settings[name]) for name in report.batches]
    for summary in summaries:
        print_summary(summary)
    _say_unchanged(report)
    for file in report.still_written:
        typer.echo(_("{file}: still being written. Run the command again when it is done.").format(file=file))
    codes = {summary.exit_code for summary in summaries}
    if report.still_written:
        codes.add(ExitCode.LEFT_OPEN if report.batches else ExitCode.NOTHING_DONE)
    return next((code for code in _WORST_FIRST if code in codes), ExitCode.NOTHING_DONE)


def _say_unchanged(report: ScanReport) -> None:
    count = len(report.unchanged)
    if not count:
        return
    batches = ", ".join(dict.fromkeys(seen.batch for seen in report.unchanged))
    if not report.pages_added:
        typer.echo(_("Nothing added."))
    typer.echo(
        ngettext(
            "{count} file was scanned before, in batch {batches}.",
            "{count} files were scanned before, in batch {batches}.",
            count,
        ).format(count=count, batches=batches)
    )


def _print_differences(found: Sequence[Difference]) -> None:
    if not found:
        typer.echo(_("Read again: every answer is the same."))
        return
    for each in found:
        typer.echo(
            _("{sheet}, question {question}: first {first}, now {second}").format(
                sheet=each.sheet,
                question=each.question,
                first=_verdict(each.first),
                second=_verdict(each.second),
            )
        )
    typer.echo(
        ngettext(
            "{count} answer differs. The first reading still counts; settle it with 'import rulings'.",
            "{count} answers differ. The first reading still counts; settle them with 'import rulings'.",
            len(found),
        ).format(count=len(found))
    )


def _verdict(answer: Any) -> str:
    if answer is None:
        return "-"
    codes = "|".join(answer.codes) or "-"
    return f"{codes} ({answer.outcome}, {answer.status})"
