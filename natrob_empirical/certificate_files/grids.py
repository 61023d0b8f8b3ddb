"""The grids of the integrators inside a network, as a certificate file has them."""

from torch import nn

from natrob_empirical.records.schema import GridOnFile
from natrob_theory import NeuralODE
from natrob_theory.networks import AbstractFixedStepNet
from natrob_theory.networks.solve_arguments import describe_tolerance


def grids_of(model: nn.Module) -> list[GridOnFile]:
    """The grid of every integrator inside, in the order of the modules."""
    grids = []
    for name, module in model.named_modules():
        if isinstance(module, AbstractFixedStepNet):
            grids.append(
                GridOnFile(
                    part=name,
                    method=module.stepper.name,
                    start_time=module.start_time,
                    step_size=module.step_size,
                    num_steps=module.num_steps,
                )
            )
        elif isinstance(module, NeuralODE):
            grids.append(_of_solve(name, module))
    return grids


def _of_solve(name: str, net: NeuralODE) -> GridOnFile:
    return GridOnFile(
        part=name,
        method=net.tableau.name,
        start_time=net.start_time,
        end_time=net.end_time,
        max_step_size=net.max_step_size,
        max_num_steps=net.max_num_steps,
        rtol=describe_tolerance(net.rtol),
        atol=describe_tolerance(net.atol),
    )
