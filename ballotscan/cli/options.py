"""Options that several commands share, and how they are read."""

from __future__ import annotations

from typing import Annotated

import typer

from ballotscan.i18n import gettext as _

Database = Annotated[
    str | None,
    typer.Option("--db", help=_("The database: a file, or the address of a server."), metavar="DATABASE"),
]
Quarter = Annotated[
    str | None,
    typer.Option(
        "--quarter",
        help=_("The period: 2023-03, 2023Q1, 2023H1, 2023M9, 2023, or 2023-01-01..2023-02-28."),
        metavar="PERIOD",
    ),
]
Rule = Annotated[
    str | None,
    typer.Option(
        "--rule",
        help=_("Where a period begins: nd09 (on the 15th of the month before) or calendar."),
        metavar="RULE",
    ),
]
ShowText = Annotated[
    bool,
    typer.Option("--show-text", help=_("Show what people wrote; it is entered in the record who asked.")),
]
By = Annotated[str, typer.Option("--by", help=_("Who asks for people's texts."), metavar="NAME")]
Batch = Annotated[
    str | None,
    typer.Option("--batch", help=_("Only this batch."), metavar="NAME"),
]
