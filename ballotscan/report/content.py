"""The frame of the official report: how the survey was held, whether ballots add up, what people wrote.

Every figure in prose is the text of the table beside it; ``results`` writes what was answered, ``appendices``
what the figures rest on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from fractions import Fraction
from typing import Final

from ballotscan.i18n import gettext as _
from ballotscan.i18n import ngettext
from ballotscan.programme.load import Programme
from ballotscan.report import wording
from ballotscan.report.appendices import GOT, appendices
from ballotscan.report.document import (
    COUNTRY,
    MOTTO,
    Block,
    Document,
    Grid,
    Heading,
    Letterhead,
    Paragraph,
)
from ballotscan.report.figures import Figures
from ballotscan.report.opinions import by_theme
from ballotscan.report.results import results
from ballotscan.report.wording import (
    count,
    group_name,
    index_name,
    index_value,
    interval,
    lower,
    percent,
    rule_of,
    share,
)
from ballotscan.tally.render import alone_line

_DOTS: Final = "……………………………………………………"
_OPINIONS_SHOWN: Final = 20


def write_report(figures: Figures, language: str, today: date) -> Document:
    """The whole report, in the language in use. ``today`` is the day it bears."""
    blocks: list[Block] = [*_grounds(figures), *_organisation(figures), *_accounting(figures)]
    blocks += _progress(figures)
    for form in figures.forms:
        blocks += results(figures, form)
    blocks += _together(figures)
    blocks += [*_opinions(figures), *_to_fill_in(figures)]
    blocks += appendices(figures)
    return Document(
        letterhead=letterhead(figures.programme, today),
        blocks=tuple(_numbered(blocks)),
        stamp=_("PROVISIONAL") if figures.provisional else "",
        language=language,
        title=_("Report: {title}").format(title=figures.programme.title),
        appendix_word=_("Appendix"),
    )


def _numbered(blocks: Sequence[Block]) -> Iterator[Block]:
    """Sections in Roman, sub-sections in Arabic figures, as official reports are."""
    section = part = 0
    for block in blocks:
        if isinstance(block, Heading) and block.level == 1:
            section, part = section + 1, 0
            yield Heading(f"{_ROMAN[section - 1]}. {block.text}", 1)
        elif isinstance(block, Heading):
            part += 1
            yield Heading(f"{part}. {block.text}", 2)
        else:
            yield block


_ROMAN: Final = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")


def letterhead(programme: Programme, today: date) -> Letterhead:
    """The head and foot of a report."""
    agency = programme.agency
    subject = programme.subject or programme.title
    return Letterhead(
        parent=agency.parent,
        agency=agency.name,
        country=COUNTRY,
        motto=MOTTO,
        number=_("No.: ……/BC-{agency}").format(agency=agency.abbreviation),
        place_and_day=wording.place_and_day(agency.place, today),
        kind=_("REPORT"),
        subject=subject[:1].upper() + subject[1:],
        signer=agency.signer,
        recipients_title=_("Recipients:"),
        recipients=(*(f"- {each};" for each in agency.recipients), _("- File: VT.")),
    )


def _grounds(figures: Figures) -> Iterator[Block]:
    programme = figures.programme
    for each in programme.legal:
        yield Paragraph(_("Pursuant to {document};").format(document=each))
    if figures.provisional:
        waiting = figures.tally.awaiting_answers
        yield Paragraph(
            _("Provisional figures: the period is not closed; answers awaiting review: {count}.").format(
                count=count(waiting)
            ),
            bold=True,
        )
    subject = programme.subject or programme.title
    yield Paragraph(_("The agency reports the {subject} as follows:").format(subject=lower(subject)))


def _organisation(figures: Figures) -> Iterator[Block]:
    programme, period = figures.programme, figures.period
    yield Heading(_("HOW THE SURVEY WAS HELD"))
    yield Heading(_("Scope"), 2)
    yield Paragraph(wording.period_text(period))
    groups = [form.group for form in figures.forms if form.group]
    if groups:
        yield Paragraph(_("Who was asked: {groups}.").format(groups="; ".join(groups)))
    names = "; ".join(programme.channel_name(each.channel) for each in figures.accounts)
    yield Paragraph(_("Channels: {channels}.").format(channels=names))
    for role, who in programme.roles:
        yield Paragraph(f"{role}: {who}.")
    yield Heading(_("Sample and method"), 2)
    for text in programme.method:
        yield Paragraph(text)
    if programme.target is not None:
        yield Paragraph(wording.target_text(programme.target, programme.target_by))
    yield from _reading(figures)
    yield Paragraph(
        _(
            "Intervals are Wilson's at 95 % confidence with each ballot as one observation. Groups of fewer"
            " than {least} ballots are not compared."
        ).format(least=programme.least_n)
    )


def _reading(figures: Figures) -> Iterator[Block]:
    """How ballots became answers, and that answers rest on one person's word where they do."""
    imported = {batch.imported for batch in figures.tally.batches}
    alone = figures.provenance.persons == 1
    if False in imported and alone:
        yield Paragraph(
            _(
                "Paper ballots were scanned and read by the program; what it was not sure of was settled by a"
                " person."
            )
        )
    elif False in imported:
        yield Paragraph(
            _(
                "Paper ballots were scanned and read by the program; what it was not sure of was settled by"
                " two persons, each without knowing what the other said."
            )
        )
    if True in imported:
        yield Paragraph(
            _(
                "Answers of the other channels were taken in from their exports, all rows or none, and no"
                " file twice."
            )
        )
    if alone:
        yield Paragraph(
            _("Review by one person is switched on: no second person checks what the first decides."),
            bold=True,
        )
    if alone or figures.tally.ruled_alone:
        yield Paragraph(alone_line(figures.tally), bold=True)


# --- accounting ------------------------------------------------------------------------------------------


def _accounting(figures: Figures) -> Iterator[Block]:
    yield Heading(_("BALLOT ACCOUNTING"))
    head = (
        _("Channel"), _("Issued"), _("Unused"), _("Spoiled"), _("Taken out"), _("Received"),
        _("Valid"), _("Duplicate"), _("Void"), _("Held back"),
    )  # fmt: skip
    rows = []
    for each in figures.accounts:
        given = (each.issued, each.unused, each.spoiled, each.taken_out)
        got = (each.received, each.valid, each.duplicates, each.void, each.held_back)
        name = group_name(figures.programme.channel_name(each.channel))
        rows.append((name, *(count(value) for value in (*given, *got))))
    sums = [sum(getattr(each, name) for each in figures.accounts) for name in GOT]
    rows.append((_("Total"), "", "", "", "", *(count(value) for value in sums)))
    yield Grid(_("Ballots by channel"), head, tuple(rows), 2.6, frozenset({len(rows) - 1}))
    yield Paragraph(_accounting_text(figures, sums))
    for each in figures.accounts:
        if not each.holds:
            reasons = "; ".join(each.reasons) or _("no reason was given")
            yield Paragraph(
                _(
                    "Channel {channel} does not balance: taken out {taken}, received {received}; {reason}."
                ).format(
                    channel=figures.programme.channel_name(each.channel),
                    taken=count(each.taken_out),
                    received=count(each.received),
                    reason=reasons,
                ),
                bold=True,
            )
    yield Paragraph(_("A dash: nothing is issued on this channel, or no minute and no dispatch list tells."))
    if figures.tally.nameless:
        yield Paragraph(
            _(
                "{count} of the ballots counted name nobody, as paper does, and cannot be matched with other"
                " channels: the total may hold the same person more than once."
            ).format(count=count(figures.tally.nameless))
        )


def _accounting_text(figures: Figures, sums: Sequence[int]) -> str:
    received, valid = sums[0], sums[1]
    text = _("Of {received} ballots received {valid} are valid and counted ({share}).").format(
        received=count(received), valid=count(valid), share=share(valid, received, rule_of(figures))
    )
    issued = [each for each in figures.accounts if each.returned is not None]
    for each in issued:
        text += " " + _("On the channel {channel} {share} of the ballots given out came back.").format(
            channel=figures.programme.channel_name(each.channel),
            share=percent(Fraction(each.returned or 0).limit_denominator(10**9), rule_of(figures)),
        )
    return text


def _progress(figures: Figures) -> Iterator[Block]:
    if not figures.progress:
        return
    yield Heading(_("SAMPLE AND TARGET"))
    rows = [
        (group_name(each.name), *(count(n) for n in (each.dossiers, each.wanted, each.counted, each.missing)))
        for each in figures.progress
    ]
    missing = sum(each.missing for each in figures.progress)
    total = [sum(getattr(e, n) for e in figures.progress) for n in ("dossiers", "wanted", "counted")]
    rows.append((_("Total"), *(count(value) for value in (*total, missing))))
    head = (_("Unit or field"), _("Dossiers"), _("Target"), _("Counted"), _("Missing"))
    yield Grid(_("Ballots against the target"), head, tuple(rows), 3, frozenset({len(rows) - 1}))
    if missing:
        line = _("{counted} of {wanted} ballots wanted were counted; {missing} are missing.")
    else:
        line = _("{counted} ballots were counted; the target of {wanted} is reached.")
    yield Paragraph(line.format(counted=rows[-1][3], wanted=rows[-1][2], missing=rows[-1][4]))


def _together(figures: Figures) -> Iterator[Block]:
    """All groups of respondents as one, beside each of them, where there are several."""
    if figures.together is None:
        return
    rule = rule_of(figures)
    yield Heading(_("ALL RESPONDENTS TOGETHER"))
    named = [(form.group or form.form.title, form.chosen) for form in figures.forms]
    named.append((_("All together"), figures.together))
    rows = tuple(
        (name, count(index.ballots), index_value(index, rule), count(index.out_of), interval(index, rule))
        for name, index in named
    )
    head = (_("Respondents"), _("Ballots"), _("Satisfied"), _("Out of"), _("95% interval"))
    title = _("All respondents") + f": {lower(index_name(figures.together.name))}"
    yield Grid(title, head, rows, 3, frozenset({len(rows) - 1}))
    yield Paragraph(
        _(
            "Over all respondents it is {value}; every answer weighs the same, whichever form asked it."
        ).format(value=index_value(figures.together, rule))
    )


# --- the rest --------------------------------------------------------------------------------------------


def _opinions(figures: Figures) -> Iterator[Block]:
    """What people wrote, by theme. Only masked texts: what is asked for by name is in the workbook."""
    if not figures.opinions:
        return
    yield Heading(_("OTHER OPINIONS"))
    total = len(figures.opinions)
    yield Paragraph(
        ngettext("{count} opinion was written.", "{count} opinions were written.", total).format(
            count=count(total)
        )
        + " "
        + _(
            "Numbers of telephones and identity cards and mail addresses are masked, and so are names that"
            " were marked or look like one."
        )
    )
    themes = by_theme(figures.opinions, figures.programme.themes)
    named = {theme or _("other matters"): those for theme, those in themes.items()}
    if len(named) > 1:
        rows = tuple(
            (theme, count(len(those)), share(len(those), total, rule_of(figures)))
            for theme, those in named.items()
        )
        note = _("An opinion that touches several themes stands under each of them.")
        head = (_("Theme"), _("Opinions"), _("% of opinions"))
        yield Grid(_("Opinions by theme"), head, rows, 3, note=note)
    of: dict[str, list[str]] = {}
    for theme, those in named.items():
        for each in those:
            of.setdefault(each.masked, [])
            of[each.masked] += [theme] if theme not in of[each.masked] else []
    times = {text: sum(each.masked == text for each in figures.opinions) for text in of}
    often = sorted(times, key=lambda text: -times[text])[:_OPINIONS_SHOWN]
    quotes = tuple((text, "; ".join(of[text]), count(times[text])) for text in often)
    yield Grid(_("Opinions, the most frequent first"), (_("Opinion"), _("Theme"), _("Times")), quotes, 1.8)


def _to_fill_in(figures: Figures) -> Iterator[Block]:
    yield Heading(_("STRENGTHS, WEAKNESSES, CAUSES"))
    for title in (_("Strengths"), _("Weaknesses and causes"), _("Proposals")):
        yield Heading(title, 2)
        yield Paragraph(_DOTS)
        yield Paragraph(_DOTS)
    subject = figures.programme.subject or figures.programme.title
    yield Paragraph(_("This is the report on the {subject}./.").format(subject=lower(subject)))
