import io
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch
from console_runner import natrob, text_of
from rich.console import Console

import natrob_empirical
from natrob_empirical.attacks import PGD, AbstractAttack, attack_accuracy
from natrob_empirical.benchmarks import AttackProgress, load_checkpoint
from natrob_empirical.command_line.attack_display import AttackDisplay
from natrob_empirical.datasets import Dataset
from natrob_empirical.random_streams import RandomStreams
from natrob_empirical.records import AttackRunResult, CellRecord, RecordStore
from natrob_empirical.threat_models import L2Ball, LinfBall


def records_in(output: Path) -> list[CellRecord]:
    return RecordStore(output / "records").read_all()


def results_in(output: Path) -> list[AttackRunResult]:
    results = [record.result for record in records_in(output)]
    assert all(isinstance(result, AttackRunResult) for result in results)
    return results  # pyright: ignore[reportReturnType]


def without_clock(result: AttackRunResult) -> AttackRunResult:
    return result.model_copy(update={"summary": result.summary.model_copy(update={"seconds": 0.0})})


@pytest.mark.parametrize(("norm", "ball"), [("linf", LinfBall(0.06)), ("l2", L2Ball(0.06))])
def test_a_checkpoint_is_attacked_as_in_python(
    norm: str, ball: LinfBall | L2Ball, checkpoint: Path, digits: Dataset, tmp_path: Path
) -> None:
    arguments = ("--steps", "6", "--restarts", "2", "--step-size", "0.01", "--images", "50", "--batch-size", "20")
    result = natrob("attack", str(checkpoint), "--attack", "pgd", "--norm", norm, "--epsilon", "0.06", *arguments,
                    "--seed", "3", "--output", str(tmp_path))  # fmt: skip
    assert result.exit_code == 0, result.output
    expected = attack_accuracy(
        PGD(ball, steps=6, restarts=2, step_size=0.01),
        load_checkpoint(checkpoint).classifier(),
        digits.to_images(digits.test_x[:50]),
        digits.test_y[:50],
        generator=RandomStreams(3).generator("attack"),
        batch_size=20,
    )
    (found,) = results_in(tmp_path)
    assert found.summary.accuracy.value == expected.accuracy
    assert found.summary.accuracy.kind == "upper"
    assert found.summary.clean_accuracy.value == expected.clean_accuracy
    assert found.summary.mean_queries == pytest.approx(expected.mean_queries)
    assert found.summary.mean_gradient_calls == pytest.approx(expected.mean_gradient_calls)
    assert found.summary.largest_distance == expected.largest_distance <= 0.06
    kept = torch.tensor([letter == "k" for letter in found.samples.outcomes])
    assert torch.equal(kept, ~expected.success)
    low, high = found.accuracy_interval
    assert low < expected.accuracy < high
    text = text_of(result)
    assert "an UPPER bound of the robust accuracy" in text
    assert "n = 50" in text
    assert f"{expected.clean_accuracy:.3f}" in text


def test_radii_are_fractions_or_decimals_and_each_is_run_once(checkpoint: Path, tmp_path: Path) -> None:
    result = natrob("attack", str(checkpoint), "--attack", "fgsm", "--epsilon", "8/255, 0.1", "--epsilon", "0.10",
                    "--epsilon", "0", "--images", "20", "--output", str(tmp_path))  # fmt: skip
    assert result.exit_code == 0, result.output
    epsilons = {record.cell.epsilon: record.result for record in records_in(tmp_path)}
    assert set(epsilons) == {8 / 255, 0.1, 0.0}
    at_zero = epsilons[0.0]
    assert isinstance(at_zero, AttackRunResult)
    assert at_zero.summary.accuracy.value == at_zero.summary.clean_accuracy.value
    assert set(at_zero.samples.distance_values) == {0.0}


def test_a_weak_attack_is_told_from_a_robust_model_by_the_ceiling(models_module: str, tmp_path: Path) -> None:
    for attack, verdict in (("fgsm", "exceeded"), ("move-to-gray", "ceiling: the largest class's share")):
        result = natrob("attack", f"{models_module}:Quantised", "--data", "digits", "--attack", attack,
                        "--epsilon", "0.5", "--images", "60", "--output", str(tmp_path / attack))  # fmt: skip
        assert result.exit_code == 0, result.output
        assert verdict in text_of(result)
        assert ("exceeded" in result.output) == (attack == "fgsm")
    (by_gray,) = results_in(tmp_path / "move-to-gray")
    assert by_gray.ceiling is not None
    assert by_gray.summary.accuracy.value <= by_gray.ceiling


def attack_of(model: str, output: Path, *more: str) -> Sequence[str]:
    return ("attack", model, "--data", "digits", "--attack", "pgd", "--steps", "3", "--epsilon", "0.05",
            "--images", "50", "--batch-size", "8", "--output", str(output), *more)  # fmt: skip


def test_a_killed_run_goes_on_where_it_stopped(models_module: str, tmp_path: Path) -> None:
    """The process is killed in the fourth of seven batches, after 12 looks at the model and about 3 × 14 passes."""
    target = f"{models_module}:Breaking"
    limit = tmp_path / "limit"
    limit.write_text("56 kill")
    code = "from natrob_empirical.command_line import main; main()"
    root = str(Path(natrob_empirical.__file__).parents[1])
    killed = subprocess.run(
        [sys.executable, "-c", code, *attack_of(target, tmp_path / "killed")],
        cwd=tmp_path, env={"PYTHONPATH": root, "OMP_NUM_THREADS": "1"}, capture_output=True, check=False,
    )  # fmt: skip
    assert killed.returncode == -9, killed.stderr.decode()
    left = sorted((tmp_path / "killed" / "unfinished").glob("*/*"))
    assert len(left) == 3
    assert records_in(tmp_path / "killed") == []
    limit.write_text("1000000 stop")
    written = [path.stat().st_mtime_ns for path in left]
    with mock.patch("natrob_empirical.benchmarks.attack_batches.AttackBatchStore.clear"):
        resumed = natrob(*attack_of(target, tmp_path / "killed"))
    assert resumed.exit_code == 0, resumed.output
    assert "its first 24 images from an earlier run" in text_of(resumed)
    assert [path.stat().st_mtime_ns for path in left] == written
    whole = natrob(*attack_of(target, tmp_path / "whole"))
    assert whole.exit_code == 0
    one, other = results_in(tmp_path / "killed"), results_in(tmp_path / "whole")
    assert [without_clock(result) for result in one] == [without_clock(result) for result in other]
    assert not (tmp_path / "whole" / "unfinished").exists() or not any((tmp_path / "whole" / "unfinished").iterdir())


@pytest.mark.parametrize(("model", "more"), [("Breaking", ()), ("Random", ("--average", "3"))])
def test_an_interrupt_names_the_command_that_goes_on(
    model: str, more: tuple[str, ...], models_module: str, tmp_path: Path
) -> None:
    target, limit = f"{models_module}:{model}", tmp_path / "limit"
    limit.write_text("50 interrupt")
    interrupted = natrob(*attack_of(target, tmp_path / "stopped", *more))
    assert interrupted.exit_code == 130
    hint = re.search(r"run `natrob (.*)` to go on", text_of(interrupted))
    assert hint is not None
    limit.write_text("1000000 interrupt")
    resumed = natrob(*shlex.split(hint[1]))
    assert resumed.exit_code == 0, resumed.output
    assert "from an earlier run" in text_of(resumed)
    natrob(*attack_of(target, tmp_path / "whole", *more))
    one, other = results_in(tmp_path / "stopped"), results_in(tmp_path / "whole")
    assert [without_clock(result) for result in one] == [without_clock(result) for result in other]
    assert [record.settings for record in records_in(tmp_path / "stopped")] == [
        record.settings for record in records_in(tmp_path / "whole")
    ]


def test_a_record_that_is_there_is_shown_and_other_settings_are_another_run(checkpoint: Path, tmp_path: Path) -> None:
    arguments = attack_of(str(checkpoint), tmp_path)
    first = natrob(*arguments)
    with mock.patch.object(AbstractAttack, "run", side_effect=AssertionError("attacked again")):
        again = natrob(*arguments)
    assert again.exit_code == 0, again.output
    assert "found:" in again.output
    assert text_of(first).split("record:")[0] == text_of(again).split("found:")[0]
    for changes in (("--seed", "1"), ("--images", "49"), ("--steps", "4"), ("--batch-size", "9"), ("--epsilon", "0.1")):
        before = len(records_in(tmp_path))
        assert natrob(*attack_of(str(checkpoint), tmp_path, *changes)).exit_code == 0
        assert len(records_in(tmp_path)) == before + 1, changes


def test_a_terminal_shows_a_bar_with_the_accuracy_so_far() -> None:
    terminal = Console(force_terminal=True, width=120, file=io.StringIO())
    module = "natrob_empirical.command_line"
    with (
        mock.patch(f"{module}.attack_display.errors", terminal),
        mock.patch(f"{module}.displays.on_terminal", return_value=True),
        AttackDisplay(norm="Linf", epsilon=8 / 255, total=40) as display,
    ):
        display.show(AttackProgress(done=16, total=40, kept=6))
    shown = terminal.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]
    assert "L∞ ε = 8/255, accuracy so far 0.375" in shown
    assert "16/40" in shown


def test_an_edited_model_is_another_run(models_module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = attack_of(f"{models_module}:trained", tmp_path / "out")
    natrob(*arguments)
    source = tmp_path / f"{models_module}.py"
    source.write_text(source.read_text().replace(".classifier()", ".classifier()  # another model"))
    monkeypatch.delitem(sys.modules, models_module)
    natrob(*arguments)
    assert len(records_in(tmp_path / "out")) == 2


def test_probabilities_are_warned_of_once(models_module: str, tmp_path: Path) -> None:
    result = natrob("attack", f"{models_module}:probabilities", "--data", "digits", "--epsilon", "0.05",
                    "--images", "8", "--batch-size", "4", "--steps", "2", "--queries", "5", "--attack", "autoattack",
                    "--output", str(tmp_path / "out"))  # fmt: skip
    assert result.exit_code == 0, result.output
    assert text_of(result).count("seems to return probabilities") == 1


def test_a_float64_model_is_attacked_in_float64(models_module: str, tmp_path: Path) -> None:
    natrob(*attack_of(f"{models_module}:in_double", tmp_path / "double"))
    natrob(*attack_of(f"{models_module}:trained", tmp_path / "single"))
    (double,), (single,) = results_in(tmp_path / "double"), results_in(tmp_path / "single")
    assert double.samples.distances != single.samples.distances
    assert abs(double.summary.accuracy.value - single.summary.accuracy.value) <= 0.04
    assert max(double.samples.distance_values) <= 0.05


def test_images_that_are_all_misclassified_cost_one_query_each(models_module: str, tmp_path: Path) -> None:
    images, labels = np.random.default_rng(0).integers(0, 256, (21, 8, 8), dtype=np.uint8), np.arange(21) % 9
    right, wrong = slice(0, 9), labels > 0
    np.savez(tmp_path / "own.npz", train_x=images[right], train_y=labels[right], test_x=images[wrong],
             test_y=labels[wrong])  # fmt: skip
    result = natrob("attack", f"{models_module}:always_class_0", "--data", "own.npz", "--epsilon", "8/255",
                    "--output", str(tmp_path / "out"))  # fmt: skip
    assert result.exit_code == 0, result.output
    (found,) = results_in(tmp_path / "out")
    assert found.samples.outcomes == 18 * "w"
    assert set(found.samples.query_counts) == {1}
    assert found.summary.accuracy.value == found.accuracy_interval[0] == 0.0


def test_a_report_is_made_of_the_records(checkpoint: Path, tmp_path: Path) -> None:
    natrob(*attack_of(str(checkpoint), tmp_path, "--epsilon", "0.1"))
    result = natrob("report", "--records-only", "--output", str(tmp_path))
    assert result.exit_code == 0, result.output
    (table,) = (tmp_path / "data").glob("attacked-linf-*.csv")
    assert "\nPGD-3,gradient,0.1," in table.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--attack", "pdg"), "unknown attack 'pdg'; did you mean pgd"),
        (("--epsilon", "8/0"), "`--epsilon` must be a fraction such as 8/255 or a decimal such as 0.03, got '8/0'"),
        (("--epsilon=-1",), "`--epsilon` must be at least 0, got '-1'"),
        (("--epsilon", "abc"), "got 'abc'"),
        (("--epsilon", "0.1,"), "got ''"),
        (("--epsilon", "nan"), "got 'nan'"),
        (("--epsilon", "8"), "`--epsilon` must be at most 1 in L∞, pixels being in [0, 1], got '8'; 8/255 perhaps?"),
        (("--norm", "l3"), "unknown norm 'l3'; did you mean l2?"),
        (
            ("--attack", "fgsm", "--steps", "3"),
            "fgsm has no setting `--steps` (it has none; `--steps` is one of",
        ),
        (
            ("--attack", "pgd", "--queries", "3"),
            "attack pgd has no setting `--queries` (it has steps, step_size, restarts",
        ),
        (("--attack", "pgd", "--steps", "0"), "`--steps` must be at least 1, got 0"),
        (("--attack", "pgd", "--step-size", "1/0"), "`--step-size` must be a fraction"),
        (("--images", "0"), "`--images` must be at least 1, got 0"),
        (("--images", "361"), "`--images` must be at most 360"),
        (("--batch-size", "0"), "`--batch-size` must be at least 1, got 0"),
        (("--seed", "-1"), "`--seed` must be at least 0, got -1"),
        (("--device", "cuda:99"), "`--device` cuda:99 is not here"),
        (("--device", "nonsense"), "nonsense"),
        (("--mixed-precision",), "`--mixed-precision` is for GPUs"),
        (("--average", "3"), "`--average` is for models whose answers are random"),
        (("--data", "digit"), "did you mean digits"),
        (("--data", "wide.npz"), "takes images of shape 1×8×8, but those of wide have 1×8×9"),
        (("--output", "file"), "a file is in the way"),
    ],
)
def test_bad_arguments_are_one_line(
    arguments: tuple[str, ...], message: str, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    images, labels = np.zeros((4, 8, 9), dtype=np.uint8), np.arange(4) % 2
    np.savez(tmp_path / "wide.npz", train_x=images, train_y=labels, test_x=images, test_y=labels)
    epsilon = () if any("--epsilon" in part for part in arguments) else ("--epsilon", "0.1")
    result = natrob("attack", str(checkpoint), *epsilon, *arguments)
    assert result.exit_code == 2, result.output
    assert message in text_of(result)
    assert "Traceback" not in result.output


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("five_classes", "has 5 logits, but digits has 10 classes"),
        ("for_other_images", "fails on images of digits, of shape 1×8×8: mat1 and mat2 shapes cannot be multiplied"),
        ("nan_logits", "nan_logits must return finite logits, got NaN or infinity"),
        ("a_tuple", "a_tuple must return a floating-point tensor of logits, got tuple"),
        ("no_network", "must be or return an nn.Module, got int"),
        ("with_an_argument", "must be callable without arguments: missing a required argument: 'width'"),
        ("in_half", "must be float32 or float64, got torch.float16"),
        ("Random", "answers the same images differently from call to call"),
        ("NETT", "unknown name in module models_of_a_user 'NETT'; did you mean NET"),
        ("", "the model must be given as module:name"),
    ],
)
def test_a_model_that_cannot_be_attacked_is_one_line(
    model: str, message: str, models_module: str, tmp_path: Path
) -> None:
    (tmp_path / "limit").write_text("1000000 stop")
    result = natrob("attack", f"{models_module}:{model}", "--data", "digits", "--epsilon", "0.1", "--images", "20")
    assert result.exit_code == 2, result.output
    assert message in text_of(result)
    assert not (tmp_path / "output").exists()


def test_a_module_instance_needs_data_and_a_module_that_exists(models_module: str, tmp_path: Path) -> None:
    without = natrob("attack", f"{models_module}:NET", "--epsilon", "0.1")
    assert without.exit_code == 2
    assert "`--data` must be given" in text_of(without)
    missing = natrob("attack", "no_such_module:net", "--epsilon", "0.1", "--data", "digits")
    assert missing.exit_code == 2
    assert "no module named 'no_such_module'" in text_of(missing)
    assert natrob(*attack_of(f"{models_module}:NET", tmp_path / "out")).exit_code == 0


def test_files_that_are_no_checkpoint_are_named(checkpoint: Path, tmp_path: Path) -> None:
    content = torch.load(checkpoint, weights_only=True)
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.pt").write_text("no tensors")
    torch.save(content["state_dict"], tmp_path / "weights.pt")
    torch.save(torch.nn.Linear(2, 2), tmp_path / "module.pt")
    torch.save({"schema_version": 1, "state_dict": {}, "training_seconds": 1.0}, tmp_path / "old.pt")
    torch.save({**content, "schema_version": 9}, tmp_path / "new.pt")
    torch.save({**content, "num_classes": 7}, tmp_path / "other.pt")
    torch.save({**content, "settings": {}}, tmp_path / "empty.pt")
    torch.save({name: part for name, part in content.items() if name != "image_shape"}, tmp_path / "damaged.pt")
    listed = natrob("attack", str(checkpoint.parent), "--epsilon", "0.1")
    assert f"give a checkpoint in it: {checkpoint.name} (ResNet, small, digits)" in text_of(listed)
    for name, message in (
        (
            "missing.pt",
            "missing.pt; `natrob train` writes them to OUTPUT, `natrob bench` to OUTPUT/checkpoints",
        ),
        (".", "is a folder; give a checkpoint in it: other.pt (ResNet, small, digits)"),
        ("empty", "is a folder; give a checkpoint in it: there is none"),
        ("text.pt", "is not a checkpoint that natrob wrote: it cannot be read as plain tensors and data"),
        ("module.pt", "is not a checkpoint that natrob wrote: it cannot be read as plain tensors and data"),
        ("weights.pt", "it does not say what model it is; if it is a model of yours, give module:factory"),
        (
            "old.pt",
            "is of schema version 1, this natrob reads version 3; run the `natrob bench` that wrote it once more",
        ),
        ("new.pt", "is of schema version 9, this natrob reads version 3"),
        ("other.pt", "weights do not fit the model that it describes"),
        ("empty.pt", "is damaged: its `settings` must hold model, training and data"),
        ("damaged.pt", "is damaged: its `image_shape` must be of type tuple"),
    ):
        result = natrob("attack", str(tmp_path / name), "--epsilon", "0.1")
        assert result.exit_code == 2, result.output
        assert message in text_of(result), name
