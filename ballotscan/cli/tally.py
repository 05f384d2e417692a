"""``ballotscan tally``: a period's figures, as a table, CSV or JSON."""

from __future__ import annotations

from ballotscan.cli.options import Batch, Database, Quarter, Rule


def tally(
    quarter: Quarter = None,
    rule: Rule = None,
    batch: Batch = None,
    db: Database = None,
) -> None:
    pass
