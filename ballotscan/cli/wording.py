"""The few sentences of typer's help that do not come through gettext."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperGroup

from ballotscan.i18n import gettext as _


class _Wording:
    """Says "Usage" and the help of ``--help`` in the language in use."""

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        pieces = " ".join(self.collect_usage_pieces(ctx))  # type: ignore[attr-defined]
        formatter.write_usage(ctx.command_path, pieces, prefix=_("Usage: "))

    def get_help_option(self, ctx: Any) -> Any:
        option = super().get_help_option(ctx)  # type: ignore[misc]
        if option is not None:
            option.help = _("Show this message and exit.")
        return option


class Command(_Wording, TyperCommand):
    """A command whose help is wholly in the language in use."""


class Group(_Wording, TyperGroup):
    """A group of commands whose help is wholly in the language in use."""


def texts_of_typer() -> dict[str, str]:
    """What typer's plain help says through gettext, and takes from our catalogue: see ``use_language``.

    Named here so that the catalogue gets them; typer itself looks them up by its own English words.
    """
    return {
        "Arguments": _("Arguments"),
        "Options": _("Options"),
        "Commands": _("Commands"),
        "required": _("required"),
        "default: {default}": _("default: {default}"),
        "env var: {var}": _("env var: {var}"),
        "(dynamic)": _("(dynamic)"),
        "Missing command.": _("Missing command."),
        "No such command {name!r}.": _("No such command {name!r}."),
    }
