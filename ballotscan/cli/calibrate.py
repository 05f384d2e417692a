"""``ballotscan calibrate``: the test deck for a scanner, and what its scan tells."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ballotscan.cli.giving import writing
from ballotscan.cli.options import Database
from ballotscan.errors import ExitCode
from ballotscan.i18n import gettext as _
from ballotscan.settings import load_settings

if TYPE_CHECKING:
    from ballotscan.calibration import Profile

app = typer.Typer()


@app.command(help=_("Draw the test deck, to be printed and scanned."))
def deck(
    output: Annotated[Path, typer.Option("--output", "-o", help=_("The PDF to write."), metavar="FILE")],
) -> None:
    from ballotscan.forms.deck import draw_deck

    with writing(output):
        output.write_bytes(draw_deck())
    typer.echo(_("{file}: written.").format(file=output))
    typer.echo(_("Print it in colour on both sides at 100 %, and scan it as ballots are scanned."))


@app.command(help=_("Judge a scanner by its scan of the test deck, and keep what was measured."))
def scan(
    paths: Annotated[
        list[Path], typer.Argument(help=_("The scan of the test deck: files or a folder."), metavar="PATH...")
    ],
    *,
    name: Annotated[str, typer.Option("--name", help=_("The scanner's name."), metavar="NAME")],
    db: Database = None,
) -> None:
    """Exit code 0: fit; 3: fit with warnings; 5: not fit; 4: the deck was not found in the scan."""
    from ballotscan.calibration import make_profile, write_profile
    from ballotscan.rules.scanner import Verdict

    settings = load_settings(db)
    profile = make_profile(name, paths, datetime.now().astimezone().date())
    _print_checks(profile)
    typer.echo(_("{file}: written.").format(file=write_profile(profile, settings.folder)))
    codes = {
        Verdict.PASS: ExitCode.OK,
        Verdict.WARN: ExitCode.LEFT_OPEN,
        Verdict.FAIL: ExitCode.UNBALANCED,
    }
    raise typer.Exit(codes[profile.verdict])


def _print_checks(profile: Profile) -> None:
    """One line per check; under those that did not pass, why that matters and what to do."""
    from ballotscan.rules.scanner import Verdict, words_of

    marks = {Verdict.PASS: _("good"), Verdict.WARN: _("doubtful"), Verdict.FAIL: _("NOT GOOD")}
    for check in profile.checks:
        words = words_of(check.name)
        line = _("{verdict}: {title}: {value} (good: {limit})")
        values = {"title": words.title, "value": check.value, "limit": check.limit}
        typer.echo(line.format(verdict=marks[check.verdict], **values))
        if check.verdict is not Verdict.PASS:
            typer.echo(f"    {words.why} {words.remedy}")
    results = {
        Verdict.PASS: _("{name} is fit to scan ballots."),
        Verdict.WARN: _("{name} may scan ballots, but see what is doubtful."),
        Verdict.FAIL: _("{name} is NOT fit to scan ballots."),
    }
    typer.echo(results[profile.verdict].format(name=profile.name))
