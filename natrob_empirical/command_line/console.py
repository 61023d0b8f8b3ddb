"""What the commands share on the terminal: the two streams, and errors in one line."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import typer
from rich.console import Console
from rich.markup import escape

from natrob_empirical.command_line.heartbeat import Heartbeat, beating
from natrob_empirical.run_errors import CertificateContradictedError, NonFiniteGradientError

console = Console()
errors = Console(stderr=True)

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
    errors.print(line, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def errors_in_one_line(*, on_interrupt: str = "interrupted") -> Iterator[None]:
    """Turn an expected error into one line on standard error and exit code 2, Ctrl-C into exit code 130.

    Where no terminal is, a line says every 30 seconds what is being done.

    Anything else is shown with its traceback and exit code 3: exit code 1 says that a bound or a certificate is
    violated, and nothing else does.
    """
    try:
        with beating(Heartbeat(_say_alive)) if not on_terminal() else nullcontext():
            yield
    except KeyboardInterrupt:
        errors.print(f"[yellow]{escape(on_interrupt)}[/yellow]", highlight=False, soft_wrap=True)
        raise typer.Exit(INTERRUPTED) from None
    except typer.Exit:  # a RuntimeError of its own kind
        raise
    except CertificateContradictedError as contradiction:
        errors.print(f"[bold red]BUG:[/bold red] {escape(str(contradiction))}", highlight=False, soft_wrap=True)
        raise typer.Exit(VIOLATED) from contradiction
    except EXPECTED as error:
        text = escape(str(error) or type(error).__name__)
        errors.print(f"[red]error:[/red] {text}", highlight=False, soft_wrap=True)
        raise typer.Exit(UNUSABLE) from error
    except Exception as error:
        errors.print_exception()
        raise typer.Exit(UNEXPECTED) from error
