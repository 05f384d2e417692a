"""What is found in published counts, in words."""

from __future__ import annotations

from collections.abc import Iterator

from ballotscan.i18n import gettext as _
from ballotscan.tally.published import Audit, Published, Rule
from ballotscan.tally.render import rounding_text


def audit_lines(published: Published, found: Audit) -> Iterator[str]:
    """What was found in published counts, in words."""
    yield _("{name}: {collected} ballots collected.").format(
        name=published.name, collected=published.collected
    )
    for question in found.too_many:
        yield _("WRONG: {question} adds up to {sum} answers of {collected} ballots, {more} too many.").format(
            question=question,
            sum=found.sums[question],
            collected=published.collected,
            more=found.sums[question] - published.collected,
        )
    for question, blank in found.blank.items():
        if blank:
            yield _("{question}: {count} ballots without an answer.").format(question=question, count=blank)
    for rule, value in found.values.items():
        yield _("{value:.2f} %: satisfied shares of {basis}, {mean}, {rounding}.").format(
            value=float(value),
            basis=_basis_text(rule),
            mean=_mean_text(rule),
            rounding=rounding_text(rule.rounding),
        )
    if published.index is not None:
        shown = f"{float(published.index):.2f}"
        if found.matching:
            yield _("The printed {index} % is right by {count} of these rules.").format(
                index=shown, count=len(found.matching)
            )
        else:
            yield _("The printed {index} % matches none of these rules.").format(index=shown)


def _basis_text(rule: Rule) -> str:
    return _("the ballots") if rule.basis == "ballots" else _("the answers")


def _mean_text(rule: Rule) -> str:
    return {
        "pooled": _("all questions added up"),
        "mean of shares": _("the mean over the questions"),
        "mean of printed shares": _("the mean of the shares as printed"),
    }[rule.mean]
