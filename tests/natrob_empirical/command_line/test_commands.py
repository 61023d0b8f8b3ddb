import os
import re
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from console_runner import natrob, text_of

from natrob_empirical.benchmarks import PRESETS, AttackSpecification, Preset, PresetModel, load_checkpoint
from natrob_empirical.files.sole_writer import lock_of_folder, sole_writer
from natrob_empirical.models import ModelSpecification
from natrob_empirical.records import RecordStore, TheoryResult, packed
from natrob_empirical.training import TrainingSpecification

TINY = Preset(
    name="tiny",
    summary="for tests",
    dataset="digits",
    models=(
        PresetModel(
            specification=ModelSpecification(label="ResNet, small", network="euler", channels=2, hidden=2, num_steps=2),
            training=TrainingSpecification(epochs=1),
        ),
    ),
    attacks=(AttackSpecification(label="FGSM", attack="FGSM", norm="Linf", epsilons=(0.1,)),),
    train_images=100,
    test_images=20,
    pairs=4,
)

FIELDS = """
import natrob_theory
import torch

class Growing(torch.nn.Module):
    def forward(self, t, y):
        return 3.0 * y

class Doubling(natrob_theory.LinearField):
    def __init__(self):
        super().__init__(2.0 * torch.eye(2))
def damped():
    import natrob_theory
    return natrob_theory.DissipativeField(natrob_theory.SkewSymmetricField.dense(6).double(), 20.0)

DAMPED = damped()

def rooted(t, y):
    return torch.sign(y) * torch.sqrt(torch.abs(y))

def later(t, y):
    return (0.0 if float(t) == 0 else 4.0) * y

class Misdeclared(Growing):
    pass

natrob_theory.layer_lipschitz.register(Misdeclared, lambda field, shape: 1.0)

def narrow(t, y):
    return y[:, :2]

def broken(t, y):
    raise KeyError("inside the field")

NUMBER = 3
"""


@pytest.fixture
def tiny() -> Iterator[None]:
    with mock.patch.dict(PRESETS, {"tiny": TINY}):
        yield


@pytest.fixture
def fields_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "fields_of_a_user.py").write_text(FIELDS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "fields_of_a_user", raising=False)
    return "fields_of_a_user"


def test_check_without_arguments_covers_every_class_and_holds() -> None:
    result = natrob("check", "--pairs", "4", "--steps", "3", "--state-shape", "6")
    assert result.exit_code == 0, result.output
    for name in ("euler", "heun", "rk4", "backward_euler", "polynet", "fractalnet", "revnet", "neural_ode"):
        assert name in result.output
    assert result.output.count("holds") == 8


def test_a_method_that_refuses_does_not_hide_the_others() -> None:
    result = natrob("check", "--pairs", "2", "--steps", "2", "--state-shape", "5")
    assert result.exit_code == 2
    text = " ".join(result.output.split())
    assert "revnet was not run" in text
    assert result.output.count("holds") == 7


def test_a_users_field_is_not_given_to_revnet_unasked(fields_module: str) -> None:
    target = (f"{fields_module}:Growing", "--lipschitz", "3")
    result = natrob("check", *target, "--pairs", "2", "--steps", "2", "--state-shape", "4")
    assert result.exit_code == 0, result.output
    assert "revnet" not in result.output


def test_what_is_unusable_never_exits_with_the_code_of_a_violation(fields_module: str) -> None:
    for arguments in (
        ("check", f"{fields_module}:Growing", "--lipschitz", "-1"),
        ("check", f"{fields_module}:Growing", "--method", "euler", "--steps", "4000"),
        ("check", f"{fields_module}:broken"),
        ("bench", "--device", "nonsense"),
        ("report", "--preset", "[/x]"),
    ):
        result = natrob(*arguments)
        assert result.exit_code in (2, 3), result.output


def test_check_exits_1_on_a_refuted_constant(fields_module: str) -> None:
    target = f"{fields_module}:Growing"
    claimed = natrob("check", target, "--method", "heun", "--lipschitz", "2.97", "--pairs", "4")
    assert claimed.exit_code == 1
    assert "refuted as a constant: K ≥ 2.99" in text_of(claimed)
    assert "violated" not in claimed.output
    assert "holds" not in claimed.output
    honest = natrob("check", target, "--method", "heun", "--lipschitz", "3", "--pairs", "4")
    assert honest.exit_code == 0
    assert "1.0000" in honest.output  # f = Ky is the tight case


def test_check_in_ball_arithmetic_says_proved_undecided_or_refuted(fields_module: str) -> None:
    built_in = natrob("check", "--pairs", "2", "--steps", "2", "--state-shape", "4", "--arithmetic", "ball")
    assert built_in.exit_code == 0, built_in.output
    assert built_in.output.count("proved") == 8
    assert "Arb balls" in built_in.output
    target = (f"{fields_module}:Doubling", "--state-shape", "2", "--pairs", "2", "--steps", "2", "--arithmetic", "ball")
    for method, claimed, exit_code, verdict in (
        ("euler", "2", 0, "proved"),
        ("rk4", "2", 0, "undecided"),
        ("rk4", "1.98", 1, "refuted as a constant: K ≥ 1.99"),
    ):
        result = natrob("check", *target, "--method", method, "--lipschitz", claimed)
        assert result.exit_code == exit_code
        assert verdict in result.output
    unknown = natrob("check", f"{fields_module}:Growing", "--method", "euler", "--arithmetic", "ball")
    assert unknown.exit_code == 2
    assert "no enclosure in balls is known for Growing" in unknown.output


def test_check_of_a_field_without_an_upper_bound_says_so(fields_module: str) -> None:
    for field in ("Growing", "rooted"):  # a module without rules, and sign(y)√|y|, which has no finite K
        result = natrob("check", f"{fields_module}:{field}", "--method", "euler", "--pairs", "4")
        assert result.exit_code == 2
        assert "no bound known" in result.output
        assert "holds" not in result.output
        assert "no bound from an upper K" in result.output
        assert "give --lipschitz" in text_of(result)
    assert "layer_lipschitz.register" in text_of(natrob("check", f"{fields_module}:Growing", "--pairs", "2"))


def test_check_of_one_method_without_a_bound_claims_nothing_of_it(fields_module: str) -> None:
    """hK = 6 ≥ 1: backward Euler has no bound, Heun has."""
    arguments = ("check", f"{fields_module}:Doubling", "--state-shape", "2", "--step-size", "3", "--pairs", "2")
    assert natrob(*arguments, "--method", "heun").exit_code == 0
    implicit = natrob(*arguments, "--method", "backward_euler", "--lipschitz", "2")
    assert implicit.exit_code == 2
    assert "no bound known" in implicit.output


@pytest.mark.parametrize("claimed", ["0.01", "2.9999"])
def test_a_false_constant_is_refuted_by_the_lower_bound_found(fields_module: str, claimed: str) -> None:
    result = natrob("check", f"{fields_module}:Growing", "--lipschitz", claimed, "--pairs", "2", "--steps", "2")
    assert result.exit_code == 1
    found = re.findall(r"refuted as a constant: K ≥ ([0-9.]+)", text_of(result))
    assert len(found) == 7
    assert all(float(claimed) < float(value) <= 3.0 for value in found)


def test_a_constant_that_the_search_does_not_refute_is_refuted_by_a_violated_bound(fields_module: str) -> None:
    """At t = 0, where the search looks, K = 0; one step later it is 4."""
    result = natrob("check", f"{fields_module}:later", "--lipschitz", "0.5", "--method", "euler", "--pairs", "2")
    assert result.exit_code == 1
    assert "refuted as a constant: K > 0.5" in text_of(result)


def test_a_false_rule_of_the_users_own_is_refuted_too(fields_module: str) -> None:
    result = natrob("check", f"{fields_module}:Misdeclared", "--method", "euler", "--pairs", "2")
    assert result.exit_code == 1
    assert "refuted as a constant: K ≥ 2.99" in text_of(result)


def test_check_shows_mu_and_bounds_with_it(fields_module: str) -> None:
    """hK is far above 1, so backward Euler has a bound from μ = −20 only: 1/(1 + 20)² over two steps."""
    target = f"{fields_module}:DAMPED"
    arguments = ("check", target, "--steps", "2", "--state-shape", "6", "--step-size", "1", "--pairs", "4")
    result = natrob(*arguments, "--method", "backward_euler")
    assert result.exit_code == 0, result.output
    assert re.search(r"μ in \[−20(\.1)?, −(20|19\.9)\]", result.output)  # −20, rounded outward
    assert f"{1 / 21**2:.3g}" in result.output
    claimed = natrob(*arguments, "--method", "backward_euler", "--lipschitz", "30")
    assert "no bound from an upper K" in claimed.output
    assert "μ in [" in natrob(*arguments, "--method", "heun").output
    plain = natrob("check", f"{fields_module}:Growing", "--method", "euler", "--pairs", "4")
    assert "K in [3, ?]" in plain.output or "K in [2.99, ?]" in plain.output
    assert ", ?]" in plain.output.split("μ in")[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("Growing",), "must be given as module:name"),
        (("{module}:Growin",), "did you mean Growing"),
        (("{module}:NUMBER",), "must be a callable field(t, y), got int"),
        (("{module}:narrow",), "must keep the shape of the state"),
        (("{module}:Growing", "--arithmetic", "exact"), "`--arithmetic` must be float or ball, got 'exact'"),
        (("no_such_module:f",), "no module named 'no_such_module'"),
        (("--method", "eular"), "did you mean euler"),
        (("--step-size", "-1"), "`--step-size` must be greater than 0, got -1.0"),
        (("--steps", "0"), "`--steps` must be at least 1, got 0"),
        (("--state-shape", "4,x"), "`--state-shape` must be integers"),
        (("--state-shape", "5", "--method", "revnet"), "must be even"),
    ],
)
def test_check_names_what_is_wrong(fields_module: str, arguments: tuple[str, ...], message: str) -> None:
    result = natrob("check", *(part.format(module=fields_module) for part in arguments))
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())


@pytest.mark.usefixtures("tiny")
def test_report_runs_what_is_missing_and_writes_the_pages(tmp_path: Path) -> None:
    output = tmp_path / "out"
    first = natrob("report", "--preset", "tiny", "--output", str(output))
    assert first.exit_code == 0, first.output
    assert {path.stem for path in output.glob("*.html")} == {"index", "claims", "models", "data", "method"}
    pages = {path: path.read_bytes() for path in (*output.rglob("*.html"), *output.glob("*.md"))}
    again = natrob("report", "--preset", "tiny", "--output", str(output), "--records-only")
    assert again.exit_code == 0
    assert all(path.read_bytes() == content for path, content in pages.items())


@pytest.mark.usefixtures("tiny")
def test_a_contradicted_certificate_is_exit_code_1_in_the_run_and_in_the_report(tmp_path: Path) -> None:
    output = tmp_path / "out"
    assert natrob("bench", "--preset", "tiny", "--output", str(output)).exit_code == 0
    store = RecordStore(output / "records")
    theory = next(record for record in store.read_all() if isinstance(record.result, TheoryResult))
    assert isinstance(theory.result, TheoryResult)
    bold = [each.model_copy(update={"radii": packed([9.0] * each.images)}) for each in theory.result.certificates]
    result = theory.result.model_copy(update={"certificates": bold})
    store.write(theory.model_copy(update={"result": result}))
    again = natrob("bench", "--preset", "tiny", "--output", str(output))
    assert again.exit_code == 1
    assert "BUG:" in again.output
    assert "certified radii" in " ".join(again.output.split())
    reported = natrob("report", "--preset", "tiny", "--output", str(output), "--records-only")
    assert reported.exit_code == 1
    assert "ALARM" in reported.output
    assert "**ALARM**" in (output / "index.md").read_text(encoding="utf-8")


@pytest.mark.usefixtures("tiny")
def test_report_on_a_users_arrays(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (90, 9, 6, 3), dtype=np.uint8)
    labels = np.arange(90) % 3
    path = tmp_path / "mine.npz"
    np.savez(path, train_x=images[:60], train_y=labels[:60], test_x=images[60:], test_y=labels[60:])
    output = tmp_path / "out"
    result = natrob("report", "--preset", "tiny", "--data", str(path), "--output", str(output))
    assert result.exit_code == 0, result.output
    assert "mine" in (output / "data.md").read_text()


@pytest.mark.usefixtures("tiny")
def test_an_interrupt_tells_how_to_go_on(tmp_path: Path) -> None:
    with mock.patch("natrob_empirical.command_line.bench_command.run_preset", side_effect=KeyboardInterrupt):
        result = natrob("bench", "--preset", "tiny", "--output", str(tmp_path), "--data", "digits")
    assert result.exit_code == 130
    text = " ".join(result.output.split())
    assert "finished cells are kept in" in text
    assert f"natrob bench --preset tiny --output {tmp_path} --data digits" in text


def test_bad_names_are_one_line_with_near_names(tmp_path: Path) -> None:
    for arguments, message in (
        (("report", "--preset", "quik"), "did you mean quick"),
        (("bench", "--data", "digit"), "did you mean digits"),
        (("report", "--records-only", "--output", str(tmp_path)), "there are no records in"),
    ):
        result = natrob(*arguments)
        assert result.exit_code == 2
        assert message in " ".join(result.output.split())
        assert "Traceback" not in result.output


def test_an_output_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = natrob("bench", "--output", str(tmp_path / "file"))
    assert result.exit_code == 2
    assert "a file is in the way" in " ".join(result.output.split())


def test_datasets_lists_them_with_the_root(tmp_path: Path) -> None:
    result = natrob("datasets", "--data-root", str(tmp_path))
    assert result.exit_code == 0
    for word in ("digits", "mnist", "fashion_mnist", "cifar10", "cifar10_jpeg"):
        assert word in result.output


@pytest.mark.parametrize("command", ["report", "bench", "check", "attack", "certify", "diagnose", "datasets"])
def test_every_commands_help_shows_an_example(command: str) -> None:
    result = natrob(command, "--help")
    assert result.exit_code == 0
    assert "Example" in result.output
    assert f"natrob {command}" in result.output


@pytest.mark.usefixtures("tiny")
def test_bench_stops_when_its_minutes_are_over_and_goes_on(tmp_path: Path) -> None:
    arguments = ("bench", "--preset", "tiny", "--output", str(tmp_path))
    stopped = natrob(*arguments, "--minutes", "1e-9")
    assert stopped.exit_code == 4, stopped.output
    assert "to go on" in stopped.output
    finished = natrob(*arguments)
    assert finished.exit_code == 0, finished.output
    assert len(list((tmp_path / "records").glob("*.json"))) == 3


@pytest.mark.usefixtures("tiny")
def test_a_dry_run_states_the_cost_and_runs_nothing(tmp_path: Path) -> None:
    result = natrob("bench", "--preset", "tiny", "--output", str(tmp_path), "--dry-run")
    assert result.exit_code == 0, result.output
    text = " ".join(result.output.split())
    assert "2 cells" in text
    assert "measured now on this cpu" in text
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("tiny")
def test_a_second_run_into_one_folder_ends_with_one_line_and_a_reader_is_let_in(tmp_path: Path) -> None:
    arguments = ("--preset", "tiny", "--output", str(tmp_path))
    assert natrob("bench", *arguments).exit_code == 0
    with sole_writer(lock_of_folder(tmp_path), what="it"):
        for command in ("bench", "report"):
            result = natrob(command, *arguments)
            assert result.exit_code == 2
            assert f"the output folder {tmp_path} is in use: another run (process {os.getpid()} on" in text_of(result)
            assert result.output.count("\n") == 1
        read = natrob("report", *arguments, "--records-only")
        assert read.exit_code == 0, read.output
    assert natrob("report", *arguments).exit_code == 0


@pytest.mark.parametrize(
    ("asked", "title"), [(("--preset", "cpu"), "MNIST"), (("table2", "--preset", "gpu"), "CIFAR-10")]
)
def test_a_dry_run_needs_no_data(
    asked: tuple[str, ...], title: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        pytest.fail("a dry run reads no data, downloads none and trains nothing")

    for name in ("datasets.loading.load_dataset", "datasets.torchvision_source.load", "benchmarks.runner.run_preset"):
        monkeypatch.setattr(f"natrob_empirical.{name}", refuse)
    monkeypatch.chdir(tmp_path)
    result = natrob("bench", *asked, "--data-root", str(tmp_path / "nothing"), "--dry-run")
    assert result.exit_code == 0, result.output
    assert f"data: {title}" in text_of(result)
    assert "not here, a run downloads it" in text_of(result)
    assert not list(tmp_path.iterdir())


def test_a_dry_run_of_ones_own_data_reads_its_headers(tmp_path: Path) -> None:
    path, labels = tmp_path / "own.npz", np.arange(20) % 2
    images = np.arange(20 * 64).reshape(20, 8, 8).astype(np.uint8)
    np.savez(path, train_x=images, train_y=labels, test_x=images, test_y=labels)
    result = natrob("bench", "table1", "--preset", "smoke", "--data", str(path), "--dry-run")
    assert result.exit_code == 0, result.output
    assert "data: own, here" in text_of(result)
    np.savez(path, test_x=images, test_y=labels)
    result = natrob("bench", "table1", "--preset", "smoke", "--data", str(path), "--dry-run")
    assert result.exit_code == 2
    assert "own must hold train_x and train_y to train on" in text_of(result)


def test_train_writes_a_checkpoint_that_attack_takes(tmp_path: Path) -> None:
    result = natrob(
        "train", "resnet", "--set", "blocks=1", "--set", "width=4", "--epochs", "1", "--output", str(tmp_path)
    )
    assert result.exit_code == 0, result.output
    (checkpoint,) = tmp_path.glob("*.pt")
    attacked = natrob(
        "attack", str(checkpoint), "--attack", "fgsm", "--epsilon", "0.1", "--images", "20", "--output", str(tmp_path)
    )
    assert attacked.exit_code == 0, attacked.output


def test_the_settings_of_a_method_are_options_and_go_on_record(tmp_path: Path) -> None:
    result = natrob(
        "train", "euler", "--set", "channels=4", "--epochs", "1", "--method", "margin", "--offset", "0.7",
        "--temperature", "0.25", "--warmup", "0.1", "--output", str(tmp_path),
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    (checkpoint,) = tmp_path.glob("*.pt")
    training = load_checkpoint(checkpoint).settings["training"]
    assert training["method"] == {"name": "margin", "offset": 0.7, "temperature": 0.25}
    assert training["warmup"] == 0.1


def test_training_by_intervals_takes_its_settings_from_options(tmp_path: Path) -> None:
    result = natrob(
        "train", "euler", "--set", "stem_convolutions=1", "--set", "channels=4", "--set", "initialisation=interval",
        "--epochs", "1", "--method", "interval", "--epsilon", "0.05", "--kappa", "0.3", "--gradient-norm", "2.5",
        "--output", str(tmp_path),
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    (checkpoint,) = tmp_path.glob("*.pt")
    training = load_checkpoint(checkpoint).settings["training"]
    assert (training["method"]["epsilon"], training["method"]["kappa"]) == (0.05, 0.3)
    assert training["gradient_norm"] == 2.5


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            ("--method", "lipschitz_penalty", "--weight", "2", "--quantity", "one_sided", "--target", "0.5"),
            {"name": "lipschitz_penalty", "weight": 2.0, "quantity": "one_sided", "target": 0.5,
             "points": 16, "iterations": 4},
        ),
        (
            ("--method", "spectral_normalisation", "--bound", "1.5"),
            {"name": "spectral_normalisation", "bound": 1.5, "iterations": 8, "method": {"name": "standard"}},
        ),
        (
            ("--method", "noise", "--sigma", "0.5"),
            {"name": "noise", "sigma": 0.5, "method": {"name": "standard"}},
        ),
    ],
)  # fmt: skip
def test_the_controls_are_trained_from_the_command_line(
    options: tuple[str, ...], expected: dict[str, object], tmp_path: Path
) -> None:
    result = natrob(
        "train", "euler", "--set", "channels=4", "--set", "num_steps=2", "--epochs", "1", *options, "--output",
        str(tmp_path),
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    (checkpoint,) = tmp_path.glob("*.pt")
    assert load_checkpoint(checkpoint).settings["training"]["method"] == expected


def test_a_training_that_cannot_begin_leaves_no_folder_behind(tmp_path: Path) -> None:
    output = tmp_path / "models" / "of mine"
    result = natrob("train", "gradient_flow", "--set", "channels=3", "--output", str(output))
    assert result.exit_code == 2
    assert "`channels` must be at least 64" in " ".join(result.output.split())
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_cannot_be_a_folder_is_found_before_the_training(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    result = natrob("train", "euler", "--epochs", "1", "--output", str(tmp_path / "taken" / "models"))
    assert result.exit_code == 2
    assert "taken is a file" in " ".join(result.output.split())


def test_train_names_what_is_wrong() -> None:
    for arguments, message in (
        (("resnet51",), "unknown network 'resnet51'; did you mean resnet50"),
        (("euler", "--set", "stepsize=1"), "unknown setting of euler 'stepsize'; did you mean step_size"),
        (("euler", "--set", "num_steps=x"), "`--set num_steps` must be an integer such as 16, got 'x'"),
        (("euler", "--set", "num_steps"), "`--set` must be NAME=VALUE"),
        (("euler", "--method", "trade"), "unknown training method 'trade'; did you mean trades"),
        (("euler", "--method", "margin", "--offset", "-1"), "`--offset` must be at least 0, got -1"),
        (("euler", "--warmup", "1"), "`--warmup` must be less than 1"),
        (("euler", "--data", "minst"), "`--data` must be one of digits, mnist"),
        (("euler", "--epsilon", "0.1"), "training method 'standard' has no settings, got 'epsilon'"),
    ):
        result = natrob("train", *arguments)
        assert result.exit_code == 2, result.output
        assert message in " ".join(result.output.split())
