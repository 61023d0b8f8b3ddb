"""Any kind of specification, and how it comes back from a record."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeAlias

from natrob_empirical.models.contractive_specification import CONTRACTIVE_NETWORKS, ContractiveSpecification
from natrob_empirical.models.networks import NETWORKS
from natrob_empirical.models.residual_specification import DEFAULT_WIDTHS, ResidualSpecification
from natrob_empirical.models.row_bounded_specification import ROW_BOUNDED_NETWORKS, RowBoundedSpecification
from natrob_empirical.models.specification import ModelSpecification
from natrob_empirical.names.near_names import unknown_name

AnyModelSpecification: TypeAlias = (
    ModelSpecification | ResidualSpecification | ContractiveSpecification | RowBoundedSpecification
)


def specification_kind(network: str) -> type[AnyModelSpecification]:
    """The class of the specifications of this network. Raises ValueError, with near names, if there is none."""
    if network in NETWORKS:
        return ModelSpecification
    if network in DEFAULT_WIDTHS:
        return ResidualSpecification
    if network in CONTRACTIVE_NETWORKS:
        return ContractiveSpecification
    if network in ROW_BOUNDED_NETWORKS:
        return RowBoundedSpecification
    known = [*NETWORKS, *DEFAULT_WIDTHS, *CONTRACTIVE_NETWORKS, *ROW_BOUNDED_NETWORKS]
    raise unknown_name("network", network, known)


def specification_from(settings: Mapping[str, Any]) -> AnyModelSpecification:
    """The specification that `dataclasses.asdict` made these settings from; its `network` says of which kind.

    Raises:
        TypeError: no `network`, or a setting that this kind of specification does not have.
        ValueError: an unknown network, with near names, or a setting out of range.
    """
    if "network" not in settings:
        raise TypeError(f"`settings` must name its `network`, got only {', '.join(sorted(settings)) or 'nothing'}")
    network = settings["network"]
    kind = specification_kind(str(network))
    foreign = sorted(set(settings) - {field.name for field in fields(kind)})
    if foreign:
        raise TypeError(f"a {kind.__name__} ({network}) has no setting {', '.join(foreign)}")
    return kind(**settings)
