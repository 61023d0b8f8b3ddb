// Distances of solutions in pairs, in one pass over their memory.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <vector>

namespace natrob {

// ‖other − one‖₂ in float64 for the two halves of one (2·batch, *state), float32 or float64; `lengths` has room for the
// batch. False where a square of float64 entries may have over- or underflowed, and for other dtypes.
bool pair_distances_of(const at::Tensor& doubled, double* lengths);

// The same for many states of one batch: (entries, batch). Nothing where one of them has none.
std::optional<at::Tensor> pair_distances(const std::vector<at::Tensor>& doubled);

}  // namespace natrob
