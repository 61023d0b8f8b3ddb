"""`natrob attack`: one attack on one model at one or more radii, resumable, with a record of every image."""

import shlex
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, final

import typer

from natrob_empirical.attacks import (
    ATTACKS,
    AbstractAttack,
    Norm,
    ProbabilitiesWarning,
    RegisteredAttack,
    registered_attack,
)
from natrob_empirical.benchmarks import AttackRun, FinishedAttack, run_attack
from natrob_empirical.command_line.attack_display import AttackDisplay, print_summary
from natrob_empirical.command_line.attack_subject import AttackSubject, check_subject, load_subject
from natrob_empirical.command_line.console import errors_in_one_line
from natrob_empirical.command_line.model_target import load_target
from natrob_empirical.command_line.options import (
    AverageOption,
    DataRootOption,
    DeviceOption,
    EpsilonOption,
    ImagesOption,
    NormOption,
    RestartsOption,
    StepSizeOption,
    StepsOption,
    TargetArgument,
    TargetDataOption,
    attack_settings,
    device_named,
    epsilons_of,
    norm_named,
)
from natrob_empirical.records import CellKey

OUTPUT = Path("output") / "attack"


@final
@dataclass(frozen=True, kw_only=True)
class AttackRequest:
    """Which attack at which radii, and how it is run.

    Attributes:
        registered: the attack.
        attacks: it, at each radius.
        norm: of the balls.
        seed: of its random numbers.
        batch_size: images at once.
        average: answers of a random model that are averaged.
        settings: of the attack, as given.
    """

    registered: RegisteredAttack
    attacks: tuple[AbstractAttack, ...]
    norm: Norm
    seed: int
    batch_size: int
    average: int | None
    settings: dict[str, int | float]

    @property
    def label(self) -> str:
        """ "PGD" with the attack's own settings, "PGD-10 (restarts = 5)" with others."""
        steps = f"-{self.settings['steps']}" if "steps" in self.settings else ""
        others = ", ".join(f"{name} = {value:g}" for name, value in self.settings.items() if name != "steps")
        return f"{self.registered.label}{steps}" + (f" ({others})" if others else "")

    def run_of(self, attack: AbstractAttack, subject: AttackSubject) -> AttackRun:
        """The attack at one radius on the subject."""
        target = subject.target
        return AttackRun(
            key=CellKey(
                preset="attack",
                dataset=subject.dataset.name,
                model=target.label,
                network=target.network,
                training=target.training,
                seed=self.seed,
                attack=self.label,
                norm=self.norm,
                epsilon=attack.ball.epsilon,
            ),
            settings={
                **subject.identity,
                "attack": {
                    "name": self.registered.name,
                    "configuration": repr(attack),
                    "mixed_precision": attack.mixed_precision,
                    "average": self.average,
                    "batch_size": self.batch_size,
                    "device": subject.images.device.type,
                },
            },
            attack=attack,
            model=subject.model,
            images=subject.images,
            labels=subject.labels,
            batch_size=self.batch_size,
            average=self.average,
        )


def attack(  # noqa: PLR0913, PLR0917 - one parameter an option
    target: TargetArgument,
    epsilon: EpsilonOption,
    data: TargetDataOption = None,
    attack: Annotated[str, typer.Option(help=f"One of: {', '.join(ATTACKS)}.")] = "autoattack",
    norm: NormOption = "linf",
    steps: StepsOption = None,
    step_size: StepSizeOption = None,
    restarts: RestartsOption = None,
    queries: Annotated[int | None, typer.Option(help="Of an attack without gradients.")] = None,
    images: ImagesOption = None,
    batch_size: Annotated[int, typer.Option(help="Images attacked, and kept on disk, at once.")] = 128,
    seed: Annotated[int, typer.Option(help="Of the attack's random numbers.")] = 0,
    output: Annotated[Path, typer.Option(help="Output folder.")] = OUTPUT,
    average: AverageOption = None,
    data_root: DataRootOption = None,
    device: DeviceOption = "cpu",
    mixed_precision: Annotated[bool, typer.Option(help="Passes on the way in bfloat16; on a GPU only.")] = False,
) -> None:
    """Attack a model; print and record its accuracy under attack, an upper bound of its robust accuracy.

    Interrupt it and run it again to go on: finished batches are kept.

    Example: `natrob attack output/quick/checkpoints/HASH.pt --attack pgd --epsilon 8/255`, or your own model:
    `natrob attack my_module:my_model --data my_images.npz --epsilon 2/255,8/255 --steps 100`
    """
    given = dict(locals())
    with errors_in_one_line(on_interrupt=_resume_hint(given)):
        place = device_named(device)
        if mixed_precision and place.type != "cuda":
            raise ValueError(f"`--mixed-precision` is for GPUs, got `--device` {device}")
        registered, ball_norm = registered_attack(attack), norm_named(norm)
        settings = attack_settings(steps=steps, step_size=step_size, restarts=restarts, queries=queries)
        request = AttackRequest(
            registered=registered,
            attacks=tuple(
                registered.build(ball_norm, radius, settings, mixed_precision=mixed_precision)
                for radius in epsilons_of(epsilon, ball_norm)
            ),
            norm=ball_norm,
            seed=seed,
            batch_size=batch_size,
            average=average,
            settings=settings,
        )
        found = load_target(target)
        subject = load_subject(found, data=data, data_root=data_root, images=images, device=place)
        check_subject(subject, average=average)
        print_summary(subject, [_run(request, radius, subject, output) for radius in request.attacks])


def _run(request: AttackRequest, attack: AbstractAttack, subject: AttackSubject, output: Path) -> FinishedAttack:
    run = request.run_of(attack, subject)
    display = AttackDisplay(norm=request.norm, epsilon=attack.ball.epsilon, total=len(subject.images))
    with display, warnings.catch_warnings():
        warnings.simplefilter("ignore", ProbabilitiesWarning)  # said before, once
        return run_attack(run, output, progress=display.show)


def _resume_hint(given: dict[str, Any]) -> str:
    again = ["natrob", "attack", given["target"]]
    for name, value in given.items():
        option = f"--{name.replace('_', '-')}"
        if value is True:
            again.append(option)
        elif name != "target" and value not in (None, False):
            again += [part for one in (value if isinstance(value, list) else [value]) for part in (option, str(one))]
    return f"interrupted; finished batches are kept in {given['output']}, run `{shlex.join(again)}` to go on"
