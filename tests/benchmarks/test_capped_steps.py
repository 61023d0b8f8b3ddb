"""The figures of certified Neural ODEs: a jump that no multiple of ε bounds, and certified shares against cost."""

from benchmarks.capped_steps import (
    BOGACKI_SHAMPINE,
    CAPS,
    DOPRI5,
    Point,
    figure_of_caps,
    figure_of_jump,
    jump,
    measured,
    page,
)
from natrob_empirical import build_classifier, load_dataset
from natrob_empirical.models import ContractiveSpecification
from natrob_empirical.random_streams import RandomStreams


def test_the_jump_stays_below_the_affine_bound_and_above_that_of_one_grid() -> None:
    data = jump()
    distances = [float(str(row["distance"])) for row in data if row["what"] == "measured"]
    bounds = [float(str(row["distance"])) for row in data if row["what"] == "affine bound"]
    one_grid = [float(str(row["distance"])) for row in data if row["what"] == "one grid for both"]
    assert all(distance <= bound for distance, bound in zip(distances, bounds, strict=True))
    assert distances[0] > 1e6 * one_grid[0]
    assert figure_of_jump(data).name == "neural-ode-jump"


def test_a_smaller_cap_costs_more_and_certifies_no_less() -> None:
    specification = ContractiveSpecification(
        label="s", network="gradient_flow", method="adaptive", num_steps=2, hidden=16, constraint="orthogonal"
    )
    model = build_classifier(
        specification, image_shape=(1, 8, 8), num_classes=10, generator=RandomStreams(0).generator("init")
    ).eval()
    test = load_dataset("digits").subset(test=20)
    points = [measured(model, test, tableau, cap) for tableau in (BOGACKI_SHAMPINE, DOPRI5) for cap in CAPS[1:4]]
    for few, many in ((points[0], points[2]), (points[3], points[5])):
        assert many.evaluations > few.evaluations
        assert many.certified >= few.certified
    figure = figure_of_caps(points, 0.5, 2)
    text = page(points, 0.5, 2, test, [figure, figure])
    assert "| Bogacki–Shampine 3(2) | 0.67 |" in text
    assert isinstance(points[0], Point)
