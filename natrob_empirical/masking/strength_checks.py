"""Which attack is the stronger one, where the order is known: none may beat the gradient attack with many steps."""

from natrob_empirical.attack_names import label_of
from natrob_empirical.attacks import FGSM, SPSA, AbstractAttack, AttackResult, RandomNoise, Square, TransferAttack
from natrob_empirical.models import IntegratorClassifier, neural_ode_of

from .flag import BLACK_BOX_STRONGER, NOISE_AS_STRONG, ONE_STEP_STRONGER, TRANSFER_STRONGER, Flag
from .paired_test import compare_fooled
from .report import Evidence, judged, not_run
from .solver_surrogates import NO_SOLVER_SEEN, Surrogate, fixed_step_surrogate, solver_surrogates
from .subject import CheckNotRunError, Subject
from .thresholds import FEWEST_FOOLED_BY_NOISE


def one_step_check(subject: Subject) -> list[Evidence]:
    """FGSM against the attack with many steps."""
    subject.loss_gradient()
    attack = FGSM(subject.ball)
    return [_stronger(subject, ONE_STEP_STRONGER, "FGSM", attack, subject.run(attack))]


def black_box_check(subject: Subject) -> list[Evidence]:
    """Square, random noise and, in a full diagnosis, SPSA against the gradient attack."""
    return [
        _stronger(subject, BLACK_BOX_STRONGER, label_of(attack), attack, subject.run(attack))
        for attack in black_boxes(subject)
    ]


def black_boxes(subject: Subject) -> list[AbstractAttack]:
    """The attacks without gradients of this diagnosis."""
    level = subject.level
    attacks: list[AbstractAttack] = [
        Square(subject.ball, queries=level.square_queries),
        RandomNoise(subject.ball, level.noise_trials),
    ]
    if level.spsa_steps:
        attacks.append(SPSA(subject.ball, steps=level.spsa_steps, samples=32))
    return attacks


def transfer_check(subject: Subject) -> list[Evidence]:
    """Images made on surrogates against the model's own gradients."""
    surrogates = [*_own_surrogates(subject), *subject.surrogates]
    if not surrogates:
        raise CheckNotRunError(f"no surrogate was given, and {NO_SOLVER_SEEN}")
    return [_transfer(subject, surrogate, number) for number, surrogate in enumerate(surrogates)]


def _own_surrogates(subject: Subject) -> tuple[Surrogate, ...]:
    model = subject.given
    if neural_ode_of(model) is None or not isinstance(model, IntegratorClassifier):
        return ()
    return solver_surrogates(model) if subject.level.all_solvers else (fixed_step_surrogate(model),)


def _transfer(subject: Subject, surrogate: Surrogate, number: int) -> Evidence:
    attack = TransferAttack(subject.ball, source=surrogate.model, attack=subject.attack)
    try:
        result = subject.run(attack, name=f"transfer {number}")
        return _stronger(subject, TRANSFER_STRONGER, f"transfer from {surrogate.name}", attack, result)
    except CheckNotRunError as error:
        return not_run(TRANSFER_STRONGER, f"{surrogate.name}: {error}", n=len(subject))


def _stronger(subject: Subject, flag: Flag, name: str, attack: AbstractAttack, result: AttackResult) -> Evidence:
    """Whether this attack fools images that the gradient attack does not, beyond chance."""
    reference = subject.white_box()
    comparison = compare_fooled(result.success, reference.success)
    ours, theirs = subject.accuracy(result), subject.accuracy(reference)
    own = label_of(subject.attack)
    return judged(
        flag,
        comparison.challenger_is_stronger,
        f"{name} leaves {ours:.1%}, {own} {theirs:.1%}; {comparison.challenger_only} images fall to {name} alone, "
        f"{comparison.reference_only} to {own} alone (one-sided sign test p = {comparison.p_value:.2g})",
        n=subject.num_images,
        accuracy_challenger=ours,
        accuracy_white_box=theirs,
        challenger_only=comparison.challenger_only,
        white_box_only=comparison.reference_only,
        p_value=comparison.p_value,
        settings=f"{attack!r}; {subject.attack!r}",
    )


def noise_check(subject: Subject) -> list[Evidence]:
    """Whether the gradient attack beats random points at some radius of the ladder."""
    trials, name = subject.level.noise_trials, label_of(subject.attack)
    fooled, compared = 0, []
    for radius in subject.radii():
        ball = subject.ball_of(radius)
        gradient, noise = subject.white_box(ball), subject.run(RandomNoise(ball, trials))
        fooled = max(fooled, int(noise.success.sum()))
        compared.append(compare_fooled(gradient.success, noise.success))
    beaten = any(comparison.challenger_is_stronger for comparison in compared)
    best = min(compared, key=lambda comparison: comparison.p_value)
    return [
        judged(
            NOISE_AS_STRONG,
            not beaten and fooled >= FEWEST_FOOLED_BY_NOISE,
            f"over {len(compared)} radii up to {subject.radii()[-1]:.3g}, {name} beats {trials} random points "
            + (f"by {best.challenger_only} images to {best.reference_only} at best" if beaten else "at none")
            + f" (noise fools up to {fooled} of {len(subject)})",
            n=len(subject),
            fooled_by_noise=fooled,
            p_value=best.p_value,
            settings=f"Random Noise with {trials} trials; {subject.attack!r} at each radius",
        )
    ]
