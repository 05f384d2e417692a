"""``ballotscan programme`` and ``ballotscan due``: survey programmes that are ready to use."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ballotscan.cli.options import Database, Rule
from ballotscan.errors import UsageError
from ballotscan.i18n import gettext as _
from ballotscan.settings import SETTINGS_FILE, load_settings, template_folders

if TYPE_CHECKING:
    from ballotscan.programme.load import Programme
    from ballotscan.programme.samples import MadeExport
    from ballotscan.settings import Settings
    from ballotscan.store.database import Store

app = typer.Typer()


@app.command("list", help=_("The programmes that come with the program."))
def list_programmes() -> None:
    """Name and title of each."""
    from ballotscan.programme.load import load_programme, shipped_programmes

    for name, path in shipped_programmes().items():
        typer.echo(f"{name:16} {load_programme(path).title}")


@app.command(help=_("Make a folder for a programme: its settings, and sample data to try it with."))
def init(
    *,
    name: Annotated[str, typer.Argument(help=_("A programme of 'programme list'."), metavar="NAME")],
    folder: Annotated[
        Path | None, typer.Option("--folder", help=_("The folder; by default its name."), metavar="FOLDER")
    ] = None,
    samples: Annotated[
        bool, typer.Option("--samples/--no-samples", help=_("Whether made-up answers are taken in."))
    ] = True,
) -> None:
    """Write the programme's files and take its sample data into a database of its own."""
    from ballotscan.programme.load import SOURCE_NAME, load_programme, shipped_programmes

    known = shipped_programmes()
    if name not in known:
        raise UsageError(
            _("There is no programme '{name}'.").format(name=name),
            _("Programmes: {names}.").format(names=", ".join(known)),
        )
    target = folder or Path(name)
    if target.exists() and any(target.iterdir()):
        raise UsageError(
            _("{folder}: the folder is not empty.").format(folder=target), _("Name another one.")
        )
    target.mkdir(parents=True, exist_ok=True)
    programme = load_programme(known[name])
    (target / SOURCE_NAME).write_bytes(known[name].read_bytes())
    settings = f'database = "ballotscan.sqlite"\nlanguage = "vi"\nperiod_rule = "{programme.period_rule}"\n'
    (target / SETTINGS_FILE).write_text(settings, encoding="utf-8")
    typer.echo(f"{name}: {programme.title}")
    if samples:
        _take_samples(programme, target)
    typer.echo(_("{folder}: ready. Go there and run 'ballotscan due'.").format(folder=target))


def _take_samples(programme: Programme, folder: Path) -> None:
    from ballotscan.forms.load import find_forms, load_form
    from ballotscan.programme.load import SOURCE_NAME
    from ballotscan.programme.samples import read_plan, write_samples
    from ballotscan.store.database import open_store

    plan = read_plan(folder / SOURCE_NAME)
    if plan is None:
        return
    settings = load_settings(str(folder / "ballotscan.sqlite"))
    folders = find_forms(template_folders(settings))
    forms = {each.form: load_form(folders[each.form]) for each in programme.forms}
    made = write_samples(programme, plan, forms, folder / "samples")
    with open_store(settings.database, settings.folder) as store:
        for name in plan.periods:
            _declare(store, programme, folder / "samples", name, list(plan.sent))
        added = sum(_take(store, export, settings) for export in made)
    typer.echo(_("{count} made-up ballots from {files} files taken in.").format(count=added, files=len(made)))


def _declare(store: Store, programme: Programme, folder: Path, name: str, channels: list[str]) -> None:
    from ballotscan.imports.declared import read_dispatch, read_dossiers

    period = programme.period(name)
    store.declare("dossiers", read_dossiers(folder / f"ho-so-{name}.csv", period))
    for channel in channels:
        path = folder / f"danh-sach-{channel}-{name}.csv"
        store.declare("dispatch", read_dispatch(path, channel, period))


def _take(store: Store, export: MadeExport, settings: Settings) -> int:
    """Take in one made-up export by the same way as any other; returns how many ballots it added."""
    from ballotscan import ENGINE
    from ballotscan.forms.load import find_forms, load_form
    from ballotscan.imports.answers import read_answers, store_answers
    from ballotscan.imports.mapping import faults_of, read_mapping
    from ballotscan.imports.tables import read_table

    mapping, table = read_mapping(export.mapping), read_table(export.file)
    form = load_form(find_forms(template_folders(settings))[export.form])
    read = read_answers(table, mapping, form, export.channel, None)
    faults = [*faults_of(mapping, form, table), *read.faults]
    if faults:
        raise ValueError(f"{export.file}: {faults[0]}")  # a made-up export that is wrong is a bug
    return store_answers(store, read, mapping, form, export.channel, export.file, ENGINE).added


@app.command(help=_("How many ballots are still missing, against the programme's targets."))
def progress(
    *,
    quarter: Annotated[
        str | None,
        typer.Option("--quarter", help=_("The period; by default the programme's window."), metavar="PERIOD"),
    ] = None,
    rule: Rule = None,
    db: Database = None,
) -> None:
    """Print each unit's or field's dossiers, target, ballots counted and missing."""
    from ballotscan.report.figures import gather
    from ballotscan.rules.periods import parse_period
    from ballotscan.store.database import open_store
    from ballotscan.tally.render import PLAIN_WIDTH, progress_table

    settings = load_settings(db)
    programme = _programme_of(settings)
    name = quarter or programme.window
    if not name:
        raise UsageError(_("No period is given."), _("Write for example --quarter 2023Q1."))
    if programme.target is None:
        raise UsageError(_("The programme has no targets."), _("Name a rule under targets."))
    period = parse_period(name, rule or programme.period_rule)
    with open_store(settings.database, settings.folder, create=False) as store:
        figures = gather(store, programme, template_folders(settings), period, settings.least_cell)
    for line in progress_table(figures.progress).lines(PLAIN_WIDTH):
        typer.echo(line)
    missing = sum(each.missing for each in figures.progress)
    typer.echo(_("Still missing: {count}.").format(count=missing) if missing else _("The target is reached."))
    few = [each.name for each in figures.progress if 0 < each.counted < programme.least_n]
    if few:
        line = _("Fewer than {least} ballots, not to be published without saying so: {names}.")
        typer.echo(line.format(least=programme.least_n, names="; ".join(name or "-" for name in few)))


def _programme_of(settings: Settings) -> Programme:
    from ballotscan.programme.load import SOURCE_NAME, programme_in

    programme = programme_in(settings.folder)
    if programme is None:
        raise UsageError(
            _("{folder}: there is no {file}.").format(folder=settings.folder, file=SOURCE_NAME),
            _("Copy one from a folder that 'ballotscan programme init' made, and change it."),
        )
    return programme


def due(
    *,
    year: Annotated[
        int | None, typer.Option("--year", help=_("The year; by default this one."), metavar="YEAR")
    ] = None,
    db: Database = None,
) -> None:
    """List what must be published when, and what there is for it so far."""
    from ballotscan.programme.due import due_days
    from ballotscan.store.database import open_store

    settings = load_settings(db)
    programme = _programme_of(settings)
    with open_store(settings.database, settings.folder) as store:
        batches = store.batches()
        closed = [each for each in store.closings() if each.standing]
    wanted = year or _year_of(programme, [date.fromisoformat(batch.received) for batch in batches])
    for each in due_days(programme, wanted):
        first, last = each.period.first, each.period.last
        count = sum(first <= date.fromisoformat(batch.received) <= last for batch in batches)
        state = _("closed") if any((c.first, c.last) == (first, last) for c in closed) else _("open")
        line = _("{day}: {period}, ballots from {first} to {last}; batches so far: {count}; {state}").format(
            day=each.day.strftime("%d/%m/%Y"),
            period=each.period.name,
            first=first.strftime("%d/%m/%Y"),
            last=last.strftime("%d/%m/%Y"),
            count=count,
            state=state,
        )
        if each.early:
            line += " " + _("(due before the period ends)")
        typer.echo(line)


def _year_of(programme: Programme, received: Sequence[date]) -> int:
    """The year of a one-off window; else this one, or that of the last ballots where they are older."""
    if programme.window:
        return programme.period(programme.window).last.year
    this = date.today().year  # noqa: DTZ011  the office's own calendar
    last = max(received, default=date(this, 1, 1)).year
    return this if last >= this - 1 else last  # in January the year before has its ballots already
