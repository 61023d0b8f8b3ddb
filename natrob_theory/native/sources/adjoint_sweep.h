// The continuous adjoint over the accepted steps of a solve: the loop of natrob_theory/adaptive/adjoint_sweep.py.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "accepted_steps.h"
#include "adaptive.h"

namespace natrob {

// Raises Python's error for an adjoint that cannot go back: status, t, samples that failed, samples.
using Fail = std::function<void(std::int64_t, double, std::int64_t, std::int64_t)>;

// a(t_0) from a(T) = `arriving` of these rows of the batch, both (rows, *state); adds the integrals of the parameters'
// gradients, unless `gradients` is null.
at::Tensor sweep_back(const Field& field, const Method& method, const SolveSettings& settings,
                      const AcceptedSteps& steps, const std::vector<std::int64_t>& rows, const at::Tensor& arriving,
                      std::vector<at::Tensor>* gradients, const Fail& fail);

}  // namespace natrob
