"""The names others build on, their arguments, and what an import pulls in."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import natrob_theory
from natrob_theory import strategies

ROOT = Path(natrob_theory.__file__).parents[1]

# Name -> leading arguments, from the section "Public names of natrob_theory" of the design.
CALLABLES = {
    "EulerNet": ["field_or_fields", "step_size", "num_steps"],
    "HeunNet": ["field_or_fields", "step_size", "num_steps"],
    "RungeKuttaNet": ["field_or_fields", "step_size", "num_steps", "tableau"],
    "BackwardEulerNet": ["field_or_fields", "step_size", "num_steps"],
    "PolyNet": ["field_or_fields", "step_size", "num_steps"],
    "FractalNet": ["field_or_fields", "step_size", "num_steps"],
    "RevNet": ["field_pairs", "step_size", "num_steps"],
    "NeuralODE": ["field", "end_time", "rtol", "atol", "solver"],
    "lipschitz_lower_bound": ["field", "points", "radius", "generator"],
    "lipschitz_upper_bound": ["module", "input_shape", "norm"],
    "one_sided_lipschitz_upper_bound": ["field", "input_shape"],
    "growth_upper_bound": ["net", "input_shape", "norm"],
    "discrete_bound": ["step_size", "lipschitz", "steps"],
    "exponential_bound": ["lipschitz", "start_time", "end_time"],
    "measure_divergence": ["net", "y0", "perturbation"],
    "check_bound": ["net", "y0", "perturbation", "lipschitz"],
    "check_affine_bound": ["net", "y0", "perturbation", "lipschitz", "one_sided"],
    "one_step_witness": ["tableau"],
    "increment_witnesses": ["tableau", "steps", "lipschitz", "total_time"],
    "Bound": ["value", "kind", "norm", "assumptions", "source"],
}
KEYWORD_ONLY = {
    "lipschitz_lower_bound": ["radius", "generator", "norm"],
    "lipschitz_upper_bound": ["input_shape", "norm"],
    "one_sided_lipschitz_upper_bound": ["input_shape", "norm"],
    "growth_upper_bound": ["input_shape", "norm"],
    "check_bound": ["lipschitz"],
    "check_affine_bound": ["lipschitz", "one_sided"],
    "increment_witnesses": ["steps", "lipschitz", "total_time"],
    "NeuralODE": ["rtol", "atol", "solver"],
    "Bound": ["value", "kind", "norm", "assumptions", "source"],
}
TABLEAUS = [
    "EULER",
    "HEUN",
    "MIDPOINT",
    "RK4",
    "THREE_EIGHTHS",
    "HEUN_EULER",
    "BOGACKI_SHAMPINE",
    "FEHLBERG45",
    "DOPRI5",
]


@pytest.mark.parametrize("name", CALLABLES)
def test_arguments_are_those_of_the_design(name: str) -> None:
    parameters = inspect.signature(getattr(natrob_theory, name)).parameters
    assert list(parameters)[: len(CALLABLES[name])] == CALLABLES[name]
    for argument in KEYWORD_ONLY.get(name, []):
        assert parameters[argument].kind is inspect.Parameter.KEYWORD_ONLY


def test_defaults_of_the_design() -> None:
    solve = inspect.signature(natrob_theory.NeuralODE).parameters
    assert (solve["end_time"].default, solve["rtol"].default, solve["atol"].default) == (1.0, 1e-3, 1e-3)
    assert inspect.signature(natrob_theory.check_bound).parameters["lipschitz"].default is None


@pytest.mark.parametrize("name", TABLEAUS)
def test_tableaus_are_there(name: str) -> None:
    tableau = getattr(natrob_theory, name)
    assert isinstance(tableau, natrob_theory.ButcherTableau)
    assert tableau in natrob_theory.TABLEAUS


def test_methods_of_networks_and_steppers() -> None:
    for name in ("EulerNet", "HeunNet", "RungeKuttaNet", "BackwardEulerNet", "PolyNet", "FractalNet", "RevNet"):
        network = getattr(natrob_theory, name)
        assert issubclass(network, natrob_theory.AbstractIntegratorNet)
        assert list(inspect.signature(network.trajectory).parameters) == ["self", "y0"]
        assert list(inspect.signature(network.growth_bound).parameters) == ["self", "lipschitz", "one_sided", "norm"]
    assert list(inspect.signature(natrob_theory.RevNet.inverse).parameters) == ["self", "yN"]
    growth = inspect.signature(natrob_theory.EulerStepper.growth_factor).parameters
    assert list(growth) == ["self", "step_size", "lipschitz", "one_sided", "norm"]
    assert all(growth[name].kind is inspect.Parameter.KEYWORD_ONLY for name in list(growth)[1:])


def test_results_have_the_documented_fields() -> None:
    for result, fields in (
        (natrob_theory.Trajectory, {"times", "states"}),
        (natrob_theory.Divergence, {"times", "distance", "secant_constants"}),
        (natrob_theory.BoundCheck, {"holds", "ratio", "allowance", "kind", "bound", "distance"}),
        (natrob_theory.AffineBoundCheck, {"exact_flow", "error_terms", "bound", "measured", "ratio", "kind"}),
        (natrob_theory.OneStepWitness, {"growth", "exponential", "exceeds_exponential"}),
        (natrob_theory.IncrementWitness, {"measured", "exact", "exponent", "limit", "exact_flow"}),
    ):
        assert fields <= set(result.__dataclass_fields__)
        assert result.__dataclass_params__.frozen  # type: ignore[attr-defined]


def test_strategies_are_there() -> None:
    for name in ("fields", "tableaus", "perturbations", "step_sizes"):
        assert callable(getattr(strategies, name))


def test_names_of_the_design_are_handed_on() -> None:
    public = {name for name, value in vars(natrob_theory).items() if not inspect.ismodule(value)}
    assert set(CALLABLES) | set(TABLEAUS) <= public


def loaded_by(statement: str, after: str) -> set[str]:
    """The top-level modules that `statement` loads, in a fresh interpreter, where `after` has loaded its own."""
    modules = "{name.split('.')[0] for name in sys.modules}"
    code = f"import sys\n{after}\nbefore = {modules}\n{statement}\nprint(*sorted({modules} - before))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(run.stdout.split())


def test_an_import_stays_below_its_layer() -> None:
    """hypothesis is for the strategies, sympy for the proofs, and the empirical half is above.

    What torch and torchdiffeq load by themselves, sympy among it, is not ours.
    """
    loaded = loaded_by("import natrob_theory", after="import torch, torchdiffeq")
    assert "natrob_theory" in loaded
    assert not loaded & {"hypothesis", "natrob_empirical", "pytest", "beartype", "torchvision", "matplotlib", "sympy"}


def test_no_module_but_strategies_names_hypothesis_or_sympy() -> None:
    for path in (ROOT / "natrob_theory").rglob("*.py"):
        imports = [line for line in path.read_text().splitlines() if line.startswith(("import ", "from "))]
        banned = [line for line in imports if line.split()[1].split(".")[0] in ("sympy", "natrob_empirical")]
        assert not banned, path
        if path.name != "strategies.py":
            assert not [line for line in imports if "hypothesis" in line], path
