"""The report's appendices: what its figures rest on, and the account of ballots by field of procedure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ballotscan.i18n import gettext as _
from ballotscan.report.document import Appendix, Block, Grid, Paragraph
from ballotscan.report.figures import Figures
from ballotscan.report.wording import count, group_name, rule_of, share

GOT: Final = ("received", "valid", "duplicates", "void", "held_back")
"""Of an account: what was received, and where it went."""


def appendices(figures: Figures) -> Iterator[Block]:
    """All of them, each on a new page."""
    yield from _provenance(figures)
    yield from _by_field(figures)


def _provenance(figures: Figures) -> Iterator[Block]:
    found = figures.provenance
    yield Appendix("I", _("HOW THESE FIGURES CAN BE CHECKED"))
    rows = [
        (_("Program"), f"ballotscan {found.version} ({found.engine})"),
        (_("Entries in the record"), count(found.entries)),
        (_("Head of the chain"), _in_groups(found.head)),
        *(
            (_("Template {form} {edition}").format(form=f, edition=e), _in_groups(h))
            for f, e, h in found.templates
        ),
        *((_("Settings {file}").format(file=name), _in_groups(sha)) for name, sha in found.settings),
        (_("Imports of other channels"), count(found.imports)),
        (_("Closed by"), ", ".join(found.closed_by) or _("not closed")),
        (_("Small cells"), _("hidden below {least}").format(least=figures.least_cell)),
    ]
    yield Grid(_("Provenance"), (_("What"), _("Value")), tuple(rows), 0.6)
    yield Paragraph(
        _(
            "'ballotscan verify' follows the record's chain from its first entry and finds this head on the"
            " way, if nothing was changed."
        )
    )
    yield from _agreement(figures)
    yield from _audit(figures)


def _agreement(figures: Figures) -> Iterator[Block]:
    """How far people who settled doubtful answers said the same."""
    found, rule = figures.provenance, rule_of(figures)
    of = found.agreement
    rows = (
        (_("Answers settled by two persons"), count(of.by_two), "-"),
        (_("- of these, both said the same at once"), count(found.agreed_at_once),
         share(found.agreed_at_once, of.by_two, rule)),
        (_("- of these, a third person was needed"), count(of.disputed), share(of.disputed, of.by_two, rule)),
        (_("Answers settled by one person alone"), count(of.alone), "-"),
    )  # fmt: skip
    yield Grid(_("Agreement of reviewers"), (_("What"), _("Count"), _("Share")), rows, 3)
    if not of.by_two + of.alone:
        yield Paragraph(_("No answer of the period was settled by people."))
    if found.persons == 1:
        yield Paragraph(
            _("Review by one person is switched on: no second person checks what the first decides."),
            bold=True,
        )


def _audit(figures: Figures) -> Iterator[Block]:
    """What the period's last audit bounds, and what weakens it."""
    found = figures.provenance.audit
    if found is None:
        yield Paragraph(_("No audit was made: no sheets of this period were drawn and compared."), bold=True)
        return
    if found["images"]:
        text = _("Audit on the scanned images (weaker than on paper: what a scanner changed is not found):")
    else:
        text = _("Audit on the paper ballots:")
    yield Paragraph(
        text
        + " "
        + _(
            "of {population} sheets {drawn} were drawn at random and read again; {wrong} differed,"
            " {missing} of them not found. With {sure}% confidence at most {bound} sheets ({share}) are"
            " wrong."
        ).format(
            population=count(found["population"]),
            drawn=count(found["drawn"]),
            wrong=count(found["wrong"]),
            missing=count(found["missing"]),
            sure=f"{100 * found['sure']:.0f}",
            bound=count(found["bound"]),
            share=share(found["bound"], found["population"], "half_up"),
        )
    )
    yield from (Paragraph(text, bold=True) for text in _audit_limits(figures))


def _audit_limits(figures: Figures) -> Iterator[str]:
    found = figures.provenance.audit
    assert found is not None
    if found["unit"]:
        yield _("The audit covers the unit {unit} only.").format(unit=found["unit"])
    if not found["met"]:
        yield _("The limit of {limit} is NOT shown to be kept.").format(limit=found["limit"])
    if not found["by_hand"]:
        yield _("Not every batch was counted by hand: a sheet lost before the scan cannot be drawn.")
    if found["changed"]:
        yield _("Answers were changed after the audit: its bound does not hold for these figures.")


def _in_groups(head: str) -> str:
    return " ".join(head.upper()[start : start + 4] for start in range(0, len(head), 4))


def _by_field(figures: Figures) -> Iterator[Block]:
    """Received and where it went, by channel and field of procedure, where batches name one: a long table."""
    accounts = figures.tally.field_accounts
    if not accounts:
        return
    yield Appendix("II", _("BALLOTS BY CHANNEL AND FIELD OF PROCEDURE"))
    head = (
        _("Channel and field"), _("Received"), _("Valid"), _("Duplicate"), _("Void"), _("Held back"),
    )  # fmt: skip
    rows = tuple(
        (
            f"{figures.programme.channel_name(each.channel)} – {group_name(each.linh_vuc or '')}",
            *(count(getattr(each, name)) for name in GOT),
        )
        for each in accounts
    )
    yield Grid(_("Ballots by channel and field of procedure"), head, rows, 3)
