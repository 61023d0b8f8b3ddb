"""The tensors that attacks work on, a row per sample."""

from typing import TypeAlias

from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor

Images: TypeAlias = Float[Tensor, "batch channels height width"]
Logits: TypeAlias = Float[Tensor, "batch classes"]
Classes: TypeAlias = Int64[Tensor, " batch"]
"""Labels, or the classes that images are to be taken for."""
Values: TypeAlias = Float[Tensor, " batch"]
ExactValues: TypeAlias = Float64[Tensor, " batch"]
Counts: TypeAlias = Int64[Tensor, " batch"]
Truths: TypeAlias = Bool[Tensor, " batch"]
