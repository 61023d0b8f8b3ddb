"""What is imported when: each case in a process of its own, since this one has everything imported already."""

import ast
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import natrob_empirical
from natrob_empirical import datasets
from natrob_empirical.command_line.app import app

ROOT = Path(natrob_empirical.__file__).parents[1]
HEAVY = (
    "natrob_theory",
    "torch",
    "torchvision",
    "torchdiffeq",
    "scipy",
    "sklearn",
    "matplotlib",
    "numpy",
    "jinja2",
    "jaxtyping",
)
COMMANDS = [command.callback.__name__ for command in app.registered_commands if command.callback]
ENTRY = """
import sys
from natrob_empirical.command_line import main
sys.argv = ["natrob", *{arguments!r}]
try:
    main()
except SystemExit:
    pass
"""


def imported_by(code: str, among: tuple[str, ...] = HEAVY) -> list[str]:
    """Those of the packages that are imported after the code."""
    found = f"{code}\nimport sys\nprint()\nprint([name for name in {among!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", found], env={"PYTHONPATH": str(ROOT)}, capture_output=True, check=True, text=True
    )
    return ast.literal_eval(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--help"],
        ["--version"],
        ["no-such-command"],
        ["attack", "--no-such-option"],
        ["datasets"],
        *([name, "--help"] for name in COMMANDS),
    ],
    ids=" ".join,
)
def test_help_and_usage_errors_import_nothing_heavy(arguments: list[str]) -> None:
    assert imported_by(ENTRY.format(arguments=arguments)) == []


def test_a_command_that_runs_is_seen_to_import_torch() -> None:
    assert "torch" in imported_by(ENTRY.format(arguments=["check", "--method", "nonsense"]))


def test_the_package_is_imported_without_torch_and_attacks_and_benchmarks_without_what_they_do_not_run() -> None:
    """Each worker of a run pays for what benchmarks import."""
    assert imported_by("import natrob_empirical") == []
    code = "import natrob_empirical; natrob_empirical.PGD; import natrob_empirical.benchmarks"
    heavy = imported_by(code, (*HEAVY, "torch._dynamo", "altair"))
    assert "torch" in heavy
    unused = {"matplotlib", "sklearn", "jinja2", "torchvision", "torchdiffeq", "scipy", "torch._dynamo", "altair"}
    assert not unused & set(heavy)


@pytest.mark.parametrize("package", [natrob_empirical, datasets], ids=lambda package: package.__name__)
def test_every_name_that_type_checkers_know_is_found_and_listed(package: ModuleType) -> None:
    tree = ast.parse(Path(str(package.__file__)).read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    public = {alias.asname for node in imports for alias in node.names if alias.asname}
    assert len(public) > 7
    for name in public:
        assert getattr(package, name) is not None
    assert public <= set(dir(package))


def test_the_package_lists_its_rooms_before_they_are_imported() -> None:
    rooms = {"attacks", "masking", "models", "random_streams", "training"}
    assert imported_by(f"import natrob_empirical\nassert {rooms} <= set(dir(natrob_empirical))") == []


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'natrob_empirical' has no attribute 'PDG'"):
        natrob_empirical.PDG  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue] - the error is the point
    assert natrob_empirical.attacks.PGD is natrob_empirical.PGD  # pyright: ignore[reportAttributeAccessIssue] - as before
