// Backward through the steps of an adaptive solve, from its tape.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "adaptive.h"

namespace natrob {

// Pulls the cotangent of y(T) back to y_0 (undefined where nothing depends on it), and adds to the gradients of the
// field's parameters unless `gradients` is null.
//
// Where the tape keeps no stages they are repeated; throws c10::ValueError where they are others than in forward.
at::Tensor pull_through_steps(const Field& field, const Method& method, const SolveSettings& settings, const Tape& tape,
                              const at::Tensor& cotangent, bool into_start, std::vector<at::Tensor>* gradients,
                              const std::string& changed);

}  // namespace natrob
