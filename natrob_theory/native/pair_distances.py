"""Distances of solutions in pairs, measured in C++ where the compiled loop is at hand."""

from collections.abc import Sequence

from torch import Tensor

from natrob_theory.native.extension import extension
from natrob_theory.native.field_program import require_plain_state
from natrob_theory.native.refusal import NotNativeError


def native_pair_distances(doubled: Sequence[Tensor]) -> Tensor | None:
    """‖other − one‖₂ for the halves of states (2·batch, *state) of one kind, float64, (entries, batch).

    None where there is no extension, for states that are not plain, and where squares of float64 entries may have left
    their range.
    """
    module = extension()
    if module is None:
        return None
    try:
        require_plain_state(doubled[0])
    except NotNativeError:
        return None
    return module.pair_distances(list(doubled))
