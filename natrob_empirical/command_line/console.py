"""The terminal as all commands use it: two streams, and errors in one line."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import typer
from rich.console import Console
from rich.markup import escape

from natrob_empirical.command_line.heartbeat import Heartbeat, beating
from natrob_empirical.command_line.option_words import in_option_words
from natrob_empirical.command_line.tracebacks import described, place_of, traceback_of, user_place
from natrob_empirical.runs.run_errors import CertificateContradictedError, NonFiniteGradientError

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

EXPECTED = (
    ValueError,
    TypeError,
    OSError,
    ImportError,  # an optional dependency that is missing
    OverflowError,
    RuntimeError,  # torch's own errors, and this library's for solves, training and data sets
    NotImplementedError,
    NonFiniteGradientError,
)
VIOLATED, UNUSABLE, UNEXPECTED, UNFINISHED, INTERRUPTED = 1, 2, 3, 4, 130


def on_terminal() -> bool:
    """Whether standard error is a terminal on which a bar can be drawn again and again."""
    return sys.stderr.isatty() and not errors.is_dumb_terminal


def _say_alive(line: str) -> None:
    errors.print(line, markup=False, soft_wrap=True)


@contextmanager
def errors_in_one_line(*, on_interrupt: str = "interrupted") -> Iterator[None]:
    """Turn an expected error into one line on standard error and exit code 2, Ctrl-C into exit code 130.

    Where no terminal is, a line says every 30 seconds what is being done.

    Messages speak of the command's own options. Anything unexpected is one line with the place where it arose, and exit
    code 3: exit code 1 says that a bound or a certificate is violated, and nothing else does. `--debug` shows the
    traceback of either.
    """
    try:
        with beating(Heartbeat(_say_alive)) if not on_terminal() else nullcontext():
            yield
    except KeyboardInterrupt:
        errors.print(f"[yellow]{escape(on_interrupt)}[/yellow]", soft_wrap=True)
        raise typer.Exit(INTERRUPTED) from None
    except typer.Exit:  # a RuntimeError of its own kind
        raise
    except CertificateContradictedError as contradiction:
        errors.print(f"[bold red]BUG:[/bold red] {escape(str(contradiction))}", soft_wrap=True)
        raise typer.Exit(VIOLATED) from contradiction
    except EXPECTED as error:
        _print_traceback(error)
        text = in_option_words(str(error)) or type(error).__name__
        _print_error(text, user_place(error))
        raise typer.Exit(UNUSABLE) from error
    except Exception as error:
        _print_traceback(error)
        if user_place(error):
            _print_error(described(error), user_place(error))
            raise typer.Exit(UNUSABLE) from error
        text = f"{described(error)} ({place_of(error)}); this is a fault of natrob"
        again = "" if traceback_of(error) else "; run it again with --debug to see the traceback"
        errors.print(f"[bold red]unexpected error:[/bold red] {escape(text + again)}", soft_wrap=True)
        raise typer.Exit(UNEXPECTED) from error


def _print_error(text: str, place: str) -> None:
    """One line; the place is that in a user's own file, where the text does not name it yet."""
    where = f" ({place})" if place and place.split(", in ", maxsplit=1)[0] not in text else ""
    errors.print(f"[red]error:[/red] {escape(text + where)}", soft_wrap=True)


def _print_traceback(error: BaseException) -> None:
    """Where `--debug` asks for it."""
    shown = traceback_of(error)
    if shown:
        errors.print(shown.rstrip(), markup=False, soft_wrap=True)
