"""Which adaptive solves the affine bound speaks of, and which it refuses by name."""

from torch import nn

from natrob_theory.networks import NeuralODE

Mixing = (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd)
"""Layers that in training mode are no function of one sample."""


class TimeDependentFieldError(ValueError):
    """A field that looks at t where the bound is known for autonomous fields only; the message names it."""


def require_affine_bound_known(net: NeuralODE) -> None:
    """Raise TypeError unless the network is a Neural ODE, ValueError unless it meets every requirement."""
    if not isinstance(net, NeuralODE):
        raise TypeError(f"`net` must be a NeuralODE, got {type(net).__name__}")
    obstacle = affine_bound_obstacle(net)
    if obstacle is not None:
        raise ValueError(obstacle)


def affine_bound_obstacle(net: NeuralODE) -> str | None:
    """Says which requirement a network does not meet, as the text of an error; None where it meets all.

    That the field does not look at t is seen when it is evaluated.
    """
    found = None
    if net.solver != "natrob":
        found = f'`net` must have `solver` = "natrob", whose steps end exactly at the end time, got {net.solver!r}'
    elif net.end_time < net.start_time:
        found = (
            f"`net` must go forward in time, got `start_time` = {net.start_time} and `end_time` = {net.end_time}: "
            f"backward in time the solution follows −f, of which μ does not speak"
        )
    elif net.event is not None:
        found = "`net` must have no `event`: two solves that end at different times have no bound of this form"
    elif net.jump_times:
        found = f"`net` must have no `jump_times`, a field that does not depend on t, got {net.jump_times}"
    elif net.max_step_size is None:
        found = (
            "`net` must have a `max_step_size`, which every step really taken keeps, got None: tolerances bound no "
            "error; use NeuralODE(…, max_step_size=H)"
        )
    else:
        mixing = [type(part).__name__ for part in net.modules() if isinstance(part, Mixing) and part.training]
        if mixing:
            found = f"`net` must be in evaluation mode, got {mixing[0]} in training mode; call net.eval() first"
    return found
