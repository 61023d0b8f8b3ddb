"""States made of two halves, as RevNet and Hamiltonian fields have them."""

from torch import Tensor


def split_halves(state: Tensor) -> tuple[Tensor, Tensor]:
    """The two halves of the state's first axis after the batch axis. Raises ValueError if its length is odd."""
    if state.shape[1] % 2 == 1:
        raise ValueError(
            f"the first state axis is split in two halves, so its length must be even, "
            f"got {state.shape[1]} in shape {tuple(state.shape)}"
        )
    first, second = state.chunk(2, dim=1)
    return first, second
