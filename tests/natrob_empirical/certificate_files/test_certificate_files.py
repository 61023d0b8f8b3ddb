"""Certificate files: written, read and verified again; whatever is changed in one is found out."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from natrob_empirical import PGD, L2Ball, LinfBall
from natrob_empirical.certificate_files import (
    CertificateCheck,
    CertificateMismatchError,
    certificate_file,
    certificate_text,
    check_certificates,
    network_sha256,
    read_certificates,
    tensor_hash,
    write_certificates,
)
from natrob_empirical.certification import CertificateMethod, certificate_constants, certified_with, verified_radii_at
from natrob_empirical.datasets import Dataset
from natrob_empirical.records.schema import CertificateFile
from natrob_empirical.threat_models import AbstractBall
from natrob_theory import BOGACKI_SHAMPINE, EulerNet, GradientFlowField, NeuralODE, constrain_norm
from natrob_theory.numbers.norms import Norm

ASKED = (0.01, 0.05)


def trained(model: nn.Sequential, digits: Dataset) -> nn.Sequential:
    images, optimiser = digits.to_images(digits.train_x), torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(40):
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(images), digits.train_y).backward()
        optimiser.step()
    return model.eval()


@pytest.fixture(scope="module")
def model(digits: Dataset) -> nn.Sequential:
    flow = EulerNet([GradientFlowField.dense(64, 24) for _ in range(2)], 0.5)
    return trained(nn.Sequential(nn.Flatten(), flow, nn.Linear(64, 10)), digits)


@pytest.fixture(scope="module")
def chain(digits: Dataset) -> nn.Sequential:
    """Rows of absolute sum below 1, so that L∞ itself is better than √d."""
    linear = constrain_norm(nn.Linear(64, 32), method="rescaled", norm="Linf")
    return trained(nn.Sequential(nn.Flatten(), linear, nn.ReLU(), nn.Linear(32, 10)), digits)


@pytest.fixture(scope="module")
def solves(digits: Dataset) -> nn.Sequential:
    """Two Neural ODEs, trained as the Euler networks of the same fields."""
    fields = []
    for _ in range(2):
        linear = nn.Linear(64, 32)
        nn.init.orthogonal_(linear.weight)
        fields.append(GradientFlowField(constrain_norm(linear, method="orthogonal"), nn.ReLU()))
    head = nn.Linear(64, 10)
    trained(nn.Sequential(nn.Flatten(), *(EulerNet(field, 0.5, 2) for field in fields), head), digits)
    nets = (NeuralODE(field, 1.0, tableau=BOGACKI_SHAMPINE, max_step_size=0.1) for field in fields)
    return nn.Sequential(nn.Flatten(), *nets, head).eval()


@pytest.fixture(scope="module")
def few(digits: Dataset) -> tuple[Tensor, Tensor]:
    return digits.to_images(digits.test_x[:20]), digits.test_y[:20]


def certificates(
    model: nn.Module,
    images: tuple[Tensor, Tensor],
    norm: Norm = "L2",
    method: CertificateMethod = "global",
    precision: Any = "exact",
) -> CertificateFile:
    constants = certificate_constants(model, (1, 8, 8), precision=precision)
    result = certified_with(constants, *images, ASKED, norm=norm, method=method, time_limit=1.0)
    return certificate_file(model, *images, constants, result, time_limit=1.0)


@pytest.fixture(scope="module")
def written(model: nn.Sequential, few: tuple[Tensor, Tensor]) -> CertificateFile:
    return certificates(model, few)


@pytest.mark.parametrize(
    ("name", "norm", "method", "precision", "route"),
    [
        ("model", "L2", "global", "float32", "global in L2"),
        ("model", "L2", "tube", "exact", "tube in L2"),
        ("model", "Linf", "local", "exact", "local in L2"),
        ("model", "L1", "global", "exact", "global in L2"),
        ("model", "Linf", "linear_relaxation", "exact", "linear_relaxation in Linf"),
        ("chain", "Linf", "global", "float32", "global in Linf"),
        ("solves", "L2", "global", "float32", "affine bound in L2"),
        ("solves", "Linf", "global", "exact", "affine bound in L2"),
    ],
)
def test_a_file_goes_out_and_comes_back_verified(
    name: str,
    norm: Norm,
    method: CertificateMethod,
    precision: str,
    route: str,
    few: tuple[Tensor, Tensor],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    network = request.getfixturevalue(name)
    count = 20 if method == "global" else 5
    images = few[0][:count], few[1][:count]
    file = certificates(network, images, norm, method, precision)
    assert route in file.routes
    write_certificates(file, tmp_path / "radii.json")
    again = read_certificates(tmp_path / "radii.json")
    assert again == file
    found = check_certificates(again, network, *images)
    assert found.holds, (found.unverified, found.faults)
    assert list(found.verified) == [radius > 0 for radius in file.radii]
    assert sum(found.verified) >= count // 2
    for point in file.certified:
        assert found.accuracy(point.epsilon) == point.accuracy
    assert (found.complete is not None) == (name == "solves")


def test_branching_is_repeated_within_its_time(model: nn.Sequential, few: tuple[Tensor, Tensor]) -> None:
    images = few[0][:3], few[1][:3]
    file = certificates(model, images, "Linf", "linear_relaxation")
    changed = file.model_copy(
        update={"routes": ["branch_and_bound in Linf" if route != "none" else route for route in file.routes]}
    )
    assert check_certificates(changed, model, *images).holds
    beyond = changed.model_copy(update={"radii": [0.5 for _ in file.radii]})
    assert check_certificates(beyond, model, *images, time_limit=0.0).unverified


def test_a_radius_raised_by_a_hundredth_is_found_out(
    written: CertificateFile, model: nn.Sequential, few: tuple[Tensor, Tensor]
) -> None:
    place = next(row for row, radius in enumerate(written.radii) if radius > 0)
    radii = list(written.radii)
    radii[place] *= 1.01
    found = check_certificates(written.model_copy(update={"radii": radii}), model, *few)
    assert found.unverified == (place,)
    assert not found.holds


@given(factor=st.floats(0.0, 3.0))
@example(factor=1.01)
@example(factor=0.99)
@settings(max_examples=12)
def test_a_radius_is_proved_exactly_up_to_the_one_that_constants_give(
    factor: float, written: CertificateFile, model: nn.Sequential, few: tuple[Tensor, Tensor]
) -> None:
    assume(abs(factor - 1.0) > 1e-8)
    radii = torch.tensor(written.radii, dtype=torch.float64) * factor
    constants = certificate_constants(model, (1, 8, 8))
    found = verified_radii_at(constants, *few, radii, norm="L2", routes=tuple(written.routes), time_limit=0.0)
    assert found.verified.tolist() == [radius > 0 and factor < 1.0 for radius in radii.tolist()]


def test_a_radius_that_an_attack_breaks_is_proved_by_no_route(model: nn.Sequential, few: tuple[Tensor, Tensor]) -> None:
    """Whatever a file states: the label changes within the ball, so a proof would be wrong."""
    x, y = few[0][:4], few[1][:4]
    constants = certificate_constants(model, (1, 8, 8))
    balls: tuple[tuple[Norm, float, AbstractBall], ...] = (("Linf", 0.2, LinfBall(0.2)), ("L2", 1.2, L2Ball(1.2)))
    for norm, radius, ball in balls:
        attack = PGD(ball, step_size=radius / 8, steps=30)
        broken = attack(model, x, y, generator=torch.Generator().manual_seed(0)).success
        assert bool(broken.any())
        methods = ("global in L2", "local in L2", "tube in L2", f"linear_relaxation in {norm}")
        for route in (*methods, f"branch_and_bound in {norm}", *([f"global in {norm}"] if norm != "L2" else [])):
            found = verified_radii_at(
                constants, x, y, torch.full((4,), radius), norm=norm, routes=(route,) * 4, time_limit=0.05
            )
            assert not bool((found.verified & broken).any()), route


def test_a_raised_radius_of_an_adaptive_stack_is_found_out(solves: nn.Sequential, few: tuple[Tensor, Tensor]) -> None:
    file = certificates(solves, few)
    raised = file.model_copy(update={"radii": [1.01 * radius for radius in file.radii]})
    found = check_certificates(raised, solves, *few)
    assert found.unverified == tuple(row for row, radius in enumerate(file.radii) if radius > 0)


def test_a_radius_where_nothing_was_certified_is_found_out(
    written: CertificateFile, model: nn.Sequential, few: tuple[Tensor, Tensor]
) -> None:
    place = next(row for row, radius in enumerate(written.radii) if radius > 0)
    routes = ["none" if row == place else route for row, route in enumerate(written.routes)]
    assert check_certificates(written.model_copy(update={"routes": routes}), model, *few).unverified == (place,)


def of_file(**changes: Any) -> Callable[[CertificateFile], CertificateFile]:
    return lambda file: file.model_copy(update=changes)


def with_constant(upper: float) -> Callable[[CertificateFile], CertificateFile]:
    """The file with another first constant."""

    def change(file: CertificateFile) -> CertificateFile:
        first = file.constants[0].model_copy(update={"upper": upper})
        return file.model_copy(update={"constants": [first, *file.constants[1:]]})

    return change


def with_share(accuracy: float) -> Callable[[CertificateFile], CertificateFile]:
    """The file with another certified accuracy at its first radius."""
    return lambda file: file.model_copy(
        update={"certified": [file.certified[0].model_copy(update={"accuracy": accuracy}), *file.certified[1:]]}
    )


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (with_constant(0.5), "is 0.5 on file, and only"),
        (with_constant(float("nan")), "is nan on file, and only"),
        (of_file(constants=[]), "is missing"),
        (with_share(1.0), "the certified accuracy at 0.01 is 1.0 on file"),
        (of_file(clean_accuracy=1.0), "the clean accuracy is 1.0 on file"),
    ],
)
def test_what_is_stated_beside_the_radii_is_checked_too(
    change: Callable[[CertificateFile], CertificateFile],
    fault: str,
    written: CertificateFile,
    model: nn.Sequential,
    few: tuple[Tensor, Tensor],
) -> None:
    found = check_certificates(change(written), model, *few)
    assert not found.holds
    assert fault in " ".join(found.faults)
    assert found.unverified == ()


def test_another_network_is_refused_by_name(
    written: CertificateFile, model: nn.Sequential, few: tuple[Tensor, Tensor]
) -> None:
    other = copy.deepcopy(model)
    with torch.no_grad():
        next(other.parameters()).view(-1)[0] += 1e-6
    with pytest.raises(CertificateMismatchError, match="the network is another one"):
        check_certificates(written, other, *few)
    assert network_sha256(copy.deepcopy(model)) == network_sha256(model)


def test_another_grid_is_refused_by_name(
    written: CertificateFile, model: nn.Sequential, few: tuple[Tensor, Tensor]
) -> None:
    grid = [written.grid[0].model_copy(update={"step_size": 0.25})]
    with pytest.raises(CertificateMismatchError, match=r"grid of part `1` is another one: .*step_size 0.5.*0.25"):
        check_certificates(written.model_copy(update={"grid": grid}), model, *few)
    other = copy.deepcopy(model)
    net = other[1]
    assert isinstance(net, EulerNet)
    net.step_size = 0.5 + 1e-9
    with pytest.raises(CertificateMismatchError, match="the network is another one"):
        check_certificates(written, other, *few)


def test_other_images_are_refused_by_name(
    written: CertificateFile, model: nn.Sequential, few: tuple[Tensor, Tensor]
) -> None:
    x, y = few
    for images, labels, words in (
        (x.flip(0), y.flip(0), "images are others, or in another order"),
        (x + 1e-7, y, "images are others"),
        (x[:19], y[:19], r"shape \[19, 1, 8, 8\], on file \[20, 1, 8, 8\]"),
        (x.double(), y, "dtype float64, on file float32"),
        (x, y.roll(1), "labels are others"),
    ):
        with pytest.raises(CertificateMismatchError, match=words):
            check_certificates(written, model, images, labels)


def test_a_changed_label_is_refused_by_name(
    written: CertificateFile, model: nn.Sequential, few: tuple[Tensor, Tensor]
) -> None:
    labels = [(written.labels[0] + 1) % 10, *written.labels[1:]]
    with pytest.raises(CertificateMismatchError, match="the label of image 0 is"):
        check_certificates(written.model_copy(update={"labels": labels}), model, *few)
    y = torch.tensor(labels)
    forged = written.model_copy(update={"labels": labels, "label_hash": tensor_hash(y)})
    assert 0 in check_certificates(forged, model, few[0], y).unverified


def test_a_route_that_is_not_known_is_refused(
    written: CertificateFile, model: nn.Sequential, few: tuple[Tensor, Tensor]
) -> None:
    for route, words in (("trust in L2", "unknown route"), ("affine bound in L2", "no adaptive solve")):
        routes = [route if one != "none" else one for one in written.routes]
        with pytest.raises(ValueError, match=words):
            check_certificates(written.model_copy(update={"routes": routes}), model, *few)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[: len(text) // 2], "is cut off or no JSON"),
        (lambda text: text.replace('"schema_version": 1', '"schema_version": 2'), "a newer natrob wrote it"),
        (lambda text: text.replace('"schema_version": 1', '"schema_version": true'), "schema_version True"),
        (lambda text: text.replace('"schema_version": 1,\n', ""), "cannot be checked; certify the model again"),
        (lambda text: text.replace('"norm": "L2"', '"norm": "L3"'), "unknown norm 'L3'"),
        (lambda text: text.replace('"radii": [', '"radii": [NaN, '), "NaN is no number of JSON"),
        (lambda text: text.replace('"radii": [', '"radii": ["nan", '), "`radii.0`"),
        (lambda text: text.replace('"radii": [', '"radii": [0.5, '), "`radii` must be one an image, got 21 of 20"),
        (lambda text: text.replace('"radii": [', '"radii": [-0.1, '), "`radii.0`: Input should be greater than"),
        (lambda text: text.replace('"norm": "L2"', '"norm": "L2", "norm": "L1"'), "`norm` is there twice"),
        (lambda text: text.replace('"norm"', '"nrom"'), "`norm`: Field required"),
        (lambda text: json.dumps({k: v for k, v in json.loads(text).items() if k != "images"}), "`images`: Field req"),
        (lambda _: "[" * 100_000, "maximum recursion depth"),
        (lambda _: "[1]", "must be a JSON object, got a list"),
    ],
)
def test_a_file_that_is_none_is_refused_by_name(
    change: Callable[[str], str], message: str, written: CertificateFile, tmp_path: Path
) -> None:
    path = tmp_path / "radii.json"
    path.write_text(change(certificate_text(written)))
    with pytest.raises(ValueError, match=r"radii\.json") as caught:
        read_certificates(path)
    assert message in str(caught.value)


def test_a_file_that_is_not_there_is_named_with_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "radii.json").write_text("{}")
    with pytest.raises(FileNotFoundError, match=r"did you mean radii\.json"):
        read_certificates(tmp_path / "radius.json")


def test_hashes_look_at_shape_dtype_and_every_bit() -> None:
    ones = torch.ones(2, 3)
    others = (ones.T.contiguous(), ones.double(), torch.nextafter(ones, 2 * ones))
    assert len({tensor_hash(values).sha256 for values in (ones, *others)}) == 4
    assert tensor_hash(ones.T.contiguous().T).sha256 == tensor_hash(ones).sha256
    layers = nn.Linear(2, 2).bfloat16()
    assert network_sha256(layers) != network_sha256(nn.Sequential(layers))


def test_the_result_of_a_check_is_frozen(
    written: CertificateFile, model: nn.Sequential, few: tuple[Tensor, Tensor]
) -> None:
    found = check_certificates(written, model, *few)
    assert isinstance(found, CertificateCheck)
    with pytest.raises(AttributeError):
        found.verified = ()  # type: ignore[misc]
