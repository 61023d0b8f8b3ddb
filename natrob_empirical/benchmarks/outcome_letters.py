"""The outcome of every image, as the letters that a record holds."""

import torch
from jaxtyping import Bool
from torch import Tensor

from natrob_empirical.records import OUTCOME_LETTERS


def outcome_letters(wrong_from_the_start: Bool[Tensor, " samples"], success: Bool[Tensor, " samples"]) -> str:
    """One letter an image: w for wrong without a perturbation, f for fooled, k for kept its label."""
    kinds = torch.where(wrong_from_the_start, 0, torch.where(success, 1, 2)).tolist()
    return "".join(OUTCOME_LETTERS[kind] for kind in kinds)
