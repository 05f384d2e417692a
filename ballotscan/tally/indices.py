"""Shares of satisfied answers. Both denominators that offices use are kept, and no figure hides its formula.

Health and home-affairs reports divide by the answers, so that a blank drops out; others, such as Huế's of
2019, divide by the ballots, so that a blank lowers the share. Which codes count is the form's to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ballotscan.forms.form import Question
from ballotscan.tally.figures import Index, IndexLevel, Item


def find_indices(items: Sequence[Item], questions: Sequence[Question]) -> tuple[Index, ...]:
    """The satisfied share of each question that is a scale, of each factor, and of the whole index.

    ``items`` are the questions' own, in the same order as ``questions``. Factors and the whole take only
    questions that the form puts into the index; one where several options may be chosen has no share.
    """
    scales = [
        (question, _of_question(item, question))
        for item, question in zip(items, questions, strict=True)
        if question.satisfied and not question.multiple
    ]
    entering = [(question.factor, index) for question, index in scales if question.in_index]
    return (
        *(index for _, index in scales),
        *_of_factors(entering),
        *([_added_up("all", "all", [index for _, index in entering])] if entering else []),
    )


def _of_question(item: Item, question: Question) -> Index:
    satisfied = sum(option.count for option in item.options if option.code in question.satisfied)
    return Index(
        "question", item.id, item.text, (item.id,), satisfied, item.answered, item.ballots, question.satisfied
    )


def _of_factors(entering: Sequence[tuple[str | None, Index]]) -> Iterator[Index]:
    for factor in dict.fromkeys(factor for factor, _ in entering if factor is not None):
        yield _added_up("factor", factor, [index for name, index in entering if name == factor])


def _added_up(level: IndexLevel, name: str, indices: Sequence[Index]) -> Index:
    return Index(
        level=level,
        id=name,
        text=name,
        questions=tuple(question for index in indices for question in index.questions),
        satisfied=sum(index.satisfied for index in indices),
        answered=sum(index.answered for index in indices),
        ballots=sum(index.ballots for index in indices),
    )
