"""What a report's figures rest on: program, templates, settings, chain, people's decisions, an audit."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ballotscan import ENGINE, __version__
from ballotscan.audit.report import last_report
from ballotscan.programme.load import SOURCE_NAME
from ballotscan.settings import SETTINGS_FILE
from ballotscan.store import proposals
from ballotscan.store import review_queries as queries
from ballotscan.store.reviews import Reviews
from ballotscan.tally.figures import Tally

if TYPE_CHECKING:
    from ballotscan.store.database import Store

_SETTINGS: Final = (SOURCE_NAME, SETTINGS_FILE)


@dataclass(frozen=True, slots=True)
class Provenance:
    """``persons``: by how many an answer is settled now. ``audit``: the period's last, as
    ``audit.report.last_report`` has it; None where none was made.
    """

    version: str
    engine: str
    entries: int
    head: str
    templates: tuple[tuple[str, str, str], ...]  # form, edition, hash
    settings: tuple[tuple[str, str], ...]  # file, SHA-256
    agreement: queries.Agreement
    persons: int
    imports: int
    closed_by: tuple[str, ...]
    audit: Mapping[str, Any] | None

    @property
    def agreed_at_once(self) -> int:
        """Answers of which the first two persons who looked said the same."""
        return self.agreement.by_two - self.agreement.disputed


def trace(store: Store, tally: Tally) -> Provenance:
    """What the figures of a period rest on."""
    seq, head = store.head()
    hashes = store.form_hashes()
    names = {batch.name for batch in tally.batches}
    reviews = Reviews(store)
    return Provenance(
        version=__version__,
        engine=ENGINE,
        entries=seq,
        head=head,
        templates=tuple((f.form, f.edition, hashes[f.form, f.edition]) for f in tally.forms),
        settings=tuple(
            (name, hashlib.sha256((store.folder / name).read_bytes()).hexdigest())
            for name in _SETTINGS
            if (store.folder / name).is_file()
        ),
        agreement=reviews.look(queries.agreement, names),
        persons=reviews.look(proposals.persons_needed),
        imports=sum(bool(names & set(each["batches"])) for each in store.imports()),
        closed_by=tally.closed.signers if tally.closed else (),
        audit=last_report(reviews, tally.period) if tally.period else None,
    )
