"""Errors speak of what the user typed, name the place in the user's own file, and offer near names at every level."""

from pathlib import Path

import numpy as np
import pytest
from console_runner import natrob, text_of

from natrob_empirical.command_line.option_words import in_option_words, option_words

pytestmark = pytest.mark.usefixtures("unchecked")

OWN = """
import torch
from torch import nn

class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    def forward(self, x):
        return self.net(x)

class Factory(nn.Module):
    def __init__(self):
        raise KeyError("weights of the user")

class Raising(Plain):
    def forward(self, x):
        raise KeyError("forward of the user")

class RaisingLate(Plain):
    calls = 0
    def forward(self, x):
        RaisingLate.calls += 1
        if RaisingLate.calls > 12:
            raise KeyError("late")
        return self.net(x)

class ATuple(Plain):
    def forward(self, x):
        return self.net(x), x

class ADictionary(Plain):
    def forward(self, x):
        return {"logits": self.net(x), "hidden": x}

class Output:
    def __init__(self, logits):
        self.logits = logits

class AnOutput(Plain):
    def forward(self, x):
        return Output(self.net(x))

class NotANumber(Plain):
    def forward(self, x):
        return self.net(x) * float("nan")

class Labels(Plain):
    def forward(self, x):
        return self.net(x).argmax(1)

class OneLogit(Plain):
    def forward(self, x):
        return self.net(x)[:, 0]

class Half(Plain):
    def forward(self, x):
        return self.net(x)[:1]

class Colour(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Conv2d(3, 2, 3)
    def forward(self, x):
        return self.net(x).flatten(1)

class TwoDtypes(Plain):
    def __init__(self):
        super().__init__()
        self.last = nn.Linear(10, 10).double()
    def forward(self, x):
        return self.last(self.net(x))

class WantsTime(Plain):
    def forward(self, x, t):
        return self.net(x)

def field(t, y):
    return y.nothing

class Field:
    def __init__(self):
        raise ValueError("a field without weights")
    def __call__(self, t, y):
        return y
"""


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The module above, modules that cannot be imported, and files with names, in the current folder."""
    (tmp_path / "own_code.py").write_text(OWN)
    (tmp_path / "bad_import.py").write_text("import torchh\n")
    (tmp_path / "bad_syntax.py").write_text("x = (\n")
    (tmp_path / "raises.py").write_text("\n\n1 / 0\n")
    (tmp_path / "trained_model.pt").write_text("")
    np.savez(tmp_path / "my_images.npz", test_x=np.zeros((2, 8, 8)), test_y=np.arange(2))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv("NATROB_DEBUG", raising=False)
    for name in ("own_code", "bad_import", "bad_syntax", "raises"):
        monkeypatch.delitem(__import__("sys").modules, name, raising=False)


def attack(target: str, *more: str) -> tuple[str, ...]:
    return ("attack", target, "--data", "digits", "--epsilon", "0.01", "--images", "8", "--attack", "pgd", *more)


def error_of(*arguments: str) -> str:
    result = natrob(*arguments)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    return text_of(result)


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (attack("own_code:Plain", "--steps", "0"), "--steps"),
        (attack("own_code:Plain", "--step-size", "0"), "--step-size"),
        (attack("own_code:Plain", "--restarts", "0"), "--restarts"),
        (attack("own_code:Plain", "--batch-size", "0"), "--batch-size"),
        (attack("own_code:Plain", "--seed", "-1"), "--seed"),
        (("attack", "own_code:Plain", "--data", "digits", "--epsilon", "0.1", "--queries", "0"), "--queries"),
        (("attack", "own_code:Plain", "--data", "digits", "--epsilon", "0.1", "--images", "0"), "--images"),
        (("diagnose", "own_code:Plain", "--data", "digits", "--epsilon", "0.1", "--seed", "-1"), "--seed"),
        (("diagnose", "own_code:Plain", "--data", "digits", "--epsilon", "0.1", "--steps", "0"), "--steps"),
        (("check", "--pairs", "0"), "--pairs"),
        (("check", "--pairs", "-2"), "--pairs"),
        (("check", "--steps", "0"), "--steps"),
        (("check", "--step-size", "0"), "--step-size"),
        (("check", "--seed", "-1"), "--seed"),
        (("check", "--lipschitz", "-1"), "--lipschitz"),
        (("check", "--state-shape", "0"), "--state-shape"),
        (("train", "euler", "--epochs", "0"), "--epochs"),
        (("train", "euler", "--batch-size", "0"), "--batch-size"),
        (("train", "euler", "--learning-rate", "0"), "--learning-rate"),
        (("train", "euler", "--warmup", "2"), "--warmup"),
        (("train", "euler", "--seed", "-1"), "--seed"),
        (("train", "euler", "--method", "trades", "--epsilon", "-1"), "--epsilon"),
        (("train", "euler", "--method", "trades", "--weight", "-1"), "--weight"),
        (("train", "euler", "--method", "margin", "--temperature", "0"), "--temperature"),
        (("train", "euler", "--set", "num_steps=0"), "--set num_steps"),
        (("train", "euler", "--set", "step_size=-1"), "--set step_size"),
        (("train", "gradient_flow", "--set", "method=eul"), "--set method"),
        (("bench", "--minutes", "0"), "--minutes"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_bad_value_is_refused_in_the_words_of_the_command(arguments: tuple[str, ...], option: str) -> None:
    assert f"error: `{option}` must " in error_of(*arguments)


@pytest.mark.parametrize("option", ["--steps", "--images", "--batch-size", "--seed", "--queries", "--restarts"])
@pytest.mark.parametrize("text", ["1_0", "1e3", "٣", " 7", "1.0", ""])
def test_integers_are_read_strictly(option: str, text: str) -> None:
    message = error_of(*attack("own_code:Plain", option, text))
    assert f"Invalid value for '{option}': must be an integer such as 16, got {text!r}" in message


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "--step-size"),
        ("check", "--lipschitz"),
        ("bench", "--minutes"),
        *(("train", "euler", option) for option in ("--epsilon", "--weight", "--learning-rate", "--warmup", "--bound")),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
@pytest.mark.parametrize("text", ["8/255/2", "nan", "inf", "1_0", "1e400", "٣"])
def test_numbers_are_read_strictly(arguments: tuple[str, ...], text: str) -> None:
    message = error_of(*arguments, text)
    assert f"Invalid value for '{arguments[-1]}': must be a f" in message  # a fraction, or a finite number
    assert f"got {text!r}" in message


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("step_size=1_0", "`--set step_size` must be a fraction such as 8/255 or a decimal such as 0.03, got '1_0'"),
        ("step_size=nan", "`--set step_size` must be a fraction"),
        ("num_steps=1e1", "`--set num_steps` must be an integer such as 16, got '1e1'"),
        ("num_steps", "`--set` must be NAME=VALUE"),
        ("step_siz=1", "unknown setting of euler 'step_siz'; did you mean step_size"),
    ],
)
def test_settings_are_read_strictly(setting: str, message: str) -> None:
    assert message in error_of("train", "euler", "--set", setting)


def test_a_setting_is_given_once() -> None:
    text = error_of("train", "euler", "--set", "num_steps=3", "--set", "num_steps=4")
    assert "`--set num_steps` must be given once, got 'num_steps=4' too" in text


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("Factory", "own_code:Factory raised KeyError: 'weights of the user' (own_code.py, line 14, in __init__)"),
        ("Raising", "fails on images of digits, of shape 1×8×8: KeyError: 'forward of the user' "
                    "(own_code.py, line 18, in forward)"),
        ("RaisingLate", "error: KeyError: 'late' (own_code.py, line 25, in forward)"),
        ("ATuple", "own_code:ATuple must return a floating-point tensor of logits, got tuple; wrap it in a module that "
                   "returns one of its entries, such as model(x)[0]"),
        ("ADictionary", "got dict; wrap it in a module that returns one of 'logits', 'hidden'"),
        ("AnOutput", "got Output; wrap it in a module that returns model(x).logits"),
        ("NotANumber", "own_code:NotANumber must return finite logits, got NaN or infinity for 2 of 2 samples"),
        ("Labels", "own_code:Labels must return a floating-point tensor of logits, got torch.int64"),
        ("OneLogit", "own_code:OneLogit must return logits of shape (batch, classes) = (2, 2 or more), got (2,)"),
        ("Half", "own_code:Half must return logits of shape (batch, classes) = (2, 2 or more), got (1, 10)"),
        ("Colour", "expected input[2, 1, 8, 8] to have 3 channels"),
        ("TwoDtypes", "must have the same dtype, but got Float and Double (own_code.py, line 72, in forward)"),
        ("WantsTime", "WantsTime.forward() missing 1 required positional argument: 't'"),
    ],
)  # fmt: skip
def test_a_model_that_fails_is_blamed_for_what_it_did(model: str, message: str) -> None:
    assert message in error_of(*attack(f"own_code:{model}", "--steps", "2"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (attack("bad_import:x"), "bad_import imports 'torchh', which is not here (bad_import.py, line 1)"),
        (
            attack("bad_syntax:x"),
            "bad_syntax raised SyntaxError: '(' was never closed (bad_syntax.py, line 1)",
        ),
        (attack("raises:x"), "importing raises raised ZeroDivisionError: division by zero (raises.py, line 3)"),
        (
            ("check", "own_code:Field"),
            "Field raised ValueError: a field without weights (own_code.py, line 83",
        ),
        (("check", "own_code:field", "--pairs", "2", "--method", "euler"), "(own_code.py, line 79, in field)"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else "",
)
def test_the_place_in_the_users_file_is_named_once(arguments: tuple[str, ...], message: str) -> None:
    text = error_of(*arguments)
    assert message in text
    assert text.count(".py, line") == 1


@pytest.mark.parametrize("how", ["before", "behind", "environment"])
def test_debug_shows_the_traceback_of_a_users_factory(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = attack("own_code:Factory")
    if how == "environment":
        monkeypatch.setenv("NATROB_DEBUG", "1")
    result = natrob(*{"before": ("--debug", *arguments), "behind": (*arguments, "--debug")}.get(how, arguments))
    assert result.exit_code == 2
    assert 'raise KeyError("weights of the user")' in result.stderr
    assert "error: own_code:Factory raised KeyError" in text_of(result)
    monkeypatch.delenv("NATROB_DEBUG", raising=False)
    assert "Traceback" not in natrob(*arguments).output


def test_an_error_nobody_expected_is_one_line_with_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise LookupError("a fault")

    monkeypatch.setattr("natrob_empirical.command_line.check_display.print_checks", broken)
    arguments = ("check", "--method", "euler", "--pairs", "2", "--state-shape", "2", "--steps", "1")
    # A test's own file stands for one of natrob's.
    monkeypatch.setattr("natrob_empirical.command_line.tracebacks._LIBRARIES", ("/",))
    result = natrob(*arguments)
    assert result.exit_code == 3
    assert "unexpected error: LookupError: a fault (" in text_of(result)
    assert "run it again with --debug to see the traceback" in text_of(result)
    assert "Traceback" not in result.output
    assert "Traceback" in natrob(*arguments, "--debug").output


@pytest.mark.parametrize(
    ("arguments", "near"),
    [
        (("atack",), "Did you mean 'attack'?"),
        (("attack", "own_code:Plain", "--epsilom", "0.1"), "--epsilon"),
        (attack("own_code:Plian"), "did you mean Plain"),
        (attack("own_cod:Plain"), "did you mean own_code?"),
        (("attack", "trained_modle.pt", "--epsilon", "0.1"), "did you mean trained_model.pt?"),
        (("attack", "models/a.pt", "--epsilon", "0.1"), "there is no folder models"),
        (("attack", "own_code:Plain", "--data", "my_image.npz", "--epsilon", "0.1"), "did you mean my_images.npz?"),
        (("attack", "own_code:Plain", "--data", "digit", "--epsilon", "0.1"), "did you mean digits?"),
        (attack("own_code:Plain", "--norm", "linff"), "did you mean linf?"),
        (attack("own_code:Plain", "--device", "cud"), "did you mean cuda"),
        (("attack", "own_code:Plain", "--epsilon", "0.1", "--attack", "autoatack"), "did you mean autoattack"),
        (("diagnose", "own_code:Plain", "--epsilon", "0.1", "--level", "ful"), "did you mean full?"),
        (("certify", "own_code:Plain", "--epsilon", "0.1", "--method", "locale"), "did you mean local"),
        (("certify", "own_code:Plain", "--epsilon", "0.1", "--precision", "float23"), "did you mean float32"),
        (("check", "--method", "huen"), "did you mean heun?"),
        (("check", "--arithmetic", "bal"), "did you mean ball?"),
        (("train", "eular"), "did you mean euler?"),
        (("train", "euler", "--method", "trads"), "did you mean trades"),
        (("train", "euler", "--set", "hiden=3"), "did you mean hidden"),
        (("bench", "--preset", "quik"), "did you mean quick?"),
        (("report", "tabel1"), "did you mean table1"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_near_names_are_offered_at_every_level(arguments: tuple[str, ...], near: str) -> None:
    assert near in error_of(*arguments)


def test_only_the_names_of_options_are_translated() -> None:
    with option_words({"pairs": "--pairs"}), option_words({"step_size": "--step-size"}):
        message = in_option_words("`pairs` and `step_size` must be positive, `field` too, and pairs")
    assert message == "`--pairs` and `--step-size` must be positive, `field` too, and pairs"
    assert in_option_words("`pairs` must be 3") == "`pairs` must be 3"
