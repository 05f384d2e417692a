"""The command line: parse, call, print. Every deliberate error ends here, as one line and an exit code.

Start-up matters (`ballotscan --help` in under 0.3 s), so the modules beside this one import nothing heavy at
their top, and help is plain text: typer's coloured boxes cost as much again as all the rest.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ballotscan import ENGINE, __version__
from ballotscan.errors import BallotscanError, ExitCode, UsageError
from ballotscan.i18n import LANGUAGES, use_language
from ballotscan.i18n import gettext as _
from ballotscan.settings import load_settings

if TYPE_CHECKING:
    import typer


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code. Without ``arguments``, those of the process are taken."""
    _write_utf8()
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        use_language(_language_set())
        language, rest = take_language(given)
        if language:
            use_language(language)
        return _run(rest)
    except BallotscanError as fault:
        _complain(_("Error: {message}").format(message=" ".join(str(fault).split())))
        return fault.exit_code
    except KeyboardInterrupt:
        _complain(_("Interrupted. What was stored before stays stored."))
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        return _reader_gone()
    except Exception as fault:
        _complain(_where(fault))
        return ExitCode.BUG


def take_language(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """Take ``--lang`` out, wherever it stands before ``--``: it must be known before any help is built."""
    rest: list[str] = []
    language = None
    left = iter(arguments)
    for argument in left:
        if argument == "--":
            rest += [argument, *left]
        elif argument == "--lang":
            language = next(left, "")
        elif argument.startswith("--lang="):
            language = argument.removeprefix("--lang=")
        else:
            rest.append(argument)
    if language is not None and language not in LANGUAGES:
        raise UsageError(
            _("--lang: the language '{language}' is not known.").format(language=language),
            _("Choose one of: {choices}.").format(choices=", ".join(LANGUAGES)),
        )
    return language, rest


def _language_set() -> str | None:
    """The settings' language. A faulty file is reported by the command that needs it: help works without."""
    with suppress(UsageError):
        return load_settings().language
    return None


def _run(arguments: list[str]) -> int:
    """Parse and call. Typer's own errors become ours, so that every error looks alike.

    The command is invoked without typer's ``main``, which would turn an interruption and a closed pipe into
    exit codes of its own.
    """
    import typer
    from typer.exceptions import TyperException

    command = typer.main.get_command(build_app())
    try:
        with command.make_context("ballotscan", arguments) as context:
            code = command.invoke(context)
    except typer.Exit as leave:
        code = leave.exit_code
    except TyperException as fault:
        return _wrong_use(fault)
    return code if isinstance(code, int) else ExitCode.OK


def _wrong_use(fault: Any) -> int:
    """One line for what typer could not parse, or the help where no command was given at all."""
    if type(fault).__name__ == "NoArgsIsHelpError":
        _complain(fault.format_message())
        return ExitCode.USAGE
    context = getattr(fault, "ctx", None)
    command = context.command_path if context else "ballotscan"
    reason = " ".join(_what_is_wrong(fault).split()).rstrip(".")
    help_line = _("Run '{command} --help' to see its use.").format(command=command)
    _complain(_("Error: {message}").format(message=f"{reason}. {help_line}"))
    return ExitCode.USAGE


def _what_is_wrong(fault: Any) -> str:
    """Typer's complaints in the user's language; what lies deeper as typer says it."""
    message = fault.format_message()
    match type(fault).__name__:
        case "MissingParameter":
            return _("{parameter} is missing").format(parameter=_name_of(fault.param))
        case "NoSuchOption":
            return _("there is no option {option}").format(option=fault.option_name)
        case "BadOptionUsage":
            return _("{option} lacks its value, or has one too many").format(option=fault.option_name)
        case "BadParameter" if fault.param is not None:
            reason = fault.message.removeprefix("Value error, ")
            return _("{parameter}: {reason}").format(parameter=_name_of(fault.param), reason=reason)
        case _ if extra := re.fullmatch(r"Got unexpected extra argument\w*(?:\(s\))? \((.*)\)", message):
            return _("there is a word too many: {words}").format(words=extra[1])
        case _:
            return str(message)


def _name_of(parameter: Any) -> str:
    """An option as it is written; an argument as help shows it."""
    longest = max(parameter.opts, key=len)
    return longest if longest.startswith("-") else str(parameter.metavar or longest.upper())


def build_app() -> typer.Typer:
    """The whole tree of commands, in the language in use."""
    import typer

    from ballotscan.cli.wording import Command, Group

    app = typer.Typer(
        cls=Group,
        help=_("Reads scanned survey ballots, flags what is doubtful and tallies the rest."),
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_options_of_all(typer))
    for name, function, text in _commands():
        app.command(name, cls=Command, help=text)(function)
    for name, group, text in _groups():
        for command in group.registered_commands:
            command.cls = Command
        app.add_typer(group, name=name, help=text, cls=Group, no_args_is_help=True)
    return app


def _commands() -> tuple[tuple[str, Callable[..., None], str], ...]:
    """Name, function and help of each command that stands alone."""
    from ballotscan.cli.close import amend, close
    from ballotscan.cli.doctor import doctor
    from ballotscan.cli.gallery import gallery
    from ballotscan.cli.inspect import inspect
    from ballotscan.cli.programme import due
    from ballotscan.cli.record import backup, rebuild, restore, void
    from ballotscan.cli.report import report
    from ballotscan.cli.retention import retention
    from ballotscan.cli.review import review
    from ballotscan.cli.roles import roles
    from ballotscan.cli.scan import reread, scan
    from ballotscan.cli.tally import tally
    from ballotscan.cli.verify import verify

    return (
        ("scan", scan, _("Read scanned ballots and store every answer.")),
        ("reread", reread, _("Read a batch a second time and list every answer that differs.")),
        ("inspect", inspect, _("Draw what was seen on a page: every box with its verdict.")),
        ("gallery", gallery, _("Draw all boxes in order of their ink, to show where the border lies.")),
        ("review", review, _("Serve the pages on which people settle what is doubtful.")),
        ("tally", tally, _("Count a period's answers, once everything balances.")),
        ("report", report, _("Write a period's official report, notice, web page, workbook and open data.")),
        ("due", due, _("What must be published when, by the programme's calendar.")),
        ("void", void, _("Take one sheet out of every count, for a reason two persons agree on.")),
        ("close", close, _("Close a period under two signatures: nothing enters it any more.")),
        ("amend", amend, _("Open a closed period again under two signatures.")),
        ("verify", verify, _("Check the whole record, by a program of its own.")),
        ("rebuild", rebuild, _("Make all tables anew from the ledger.")),
        ("backup", backup, _("Copy the record and its originals, and verify the copy.")),
        ("restore", restore, _("Put a backup in place where there is no database.")),
        ("doctor", doctor, _("Look whether this computer is fit for scanning.")),
        ("retention", retention, _("List the scans that were kept long enough, and remove them.")),
        ("roles", roles, _("Make the roles of a PostgreSQL database: who may scan, who may look.")),
    )


def _groups() -> tuple[tuple[str, typer.Typer, str], ...]:
    """Name, commands and help of each group."""
    from ballotscan.cli import audit, box, calibrate, export, importing, keys, programme, template, users

    return (
        ("template", template.app, _("The forms: list, show, print, and take in an office's own.")),
        ("export", export.app, _("Write answers, pages or what awaits review to a CSV file.")),
        ("users", users.app, _("Accounts of the review page.")),
        ("audit", audit.app, _("Prove by sheets drawn at random how wrong the figures can still be.")),
        ("box", box.app, _("Minutes of opening ballot boxes.")),
        ("import", importing.app, _("Take in what people decided, answers of other channels, and counts.")),
        ("programme", programme.app, _("Survey programmes that are ready to use.")),
        ("keys", keys.app, _("Keys for signing.")),
        ("calibrate", calibrate.app, _("Test a scanner: draw a test deck, and judge the scan of it.")),
    )


def _options_of_all(typer: Any) -> Callable[..., None]:
    """The options that stand before any command. ``--lang`` was taken out before; here it is explained."""

    def show_version(wanted: bool) -> None:
        if wanted:
            sys.stdout.write(f"ballotscan {__version__} ({ENGINE})\n")
            raise typer.Exit

    def options(
        lang: str | None = typer.Option(
            None, "--lang", metavar="|".join(LANGUAGES), help=_("The language, at any place in the command.")
        ),
        version: bool = typer.Option(
            False, "--version", help=_("Show the version and exit."), callback=show_version, is_eager=True
        ),
    ) -> None:
        pass

    return options


def _where(fault: BaseException) -> str:
    """Where a bug and what led to it were raised. Their messages are left out: they may hold an answer."""
    from traceback import format_tb

    before = fault.__cause__ or fault.__context__
    told = _where(before) if before else ""
    return told + "".join(format_tb(fault.__traceback__)) + f"{type(fault).__name__}\n"


def _complain(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _write_utf8() -> None:
    """Vietnamese must come out whole, also in an old Windows console and into a pipe."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")


def _reader_gone() -> int:
    """The program we wrote to (``| head``) closed the pipe: stop quietly, and let no later flush complain."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return ExitCode.OK
