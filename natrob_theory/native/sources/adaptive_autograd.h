// The adaptive solve as one node of autograd's graph.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "adaptive.h"
#include "adjoint_sweep.h"

namespace natrob {

// Computes the gradients of y_0 and of the parameters from (cotangent, y_0, parameters) with a graph of their own;
// an undefined tensor is none.
using WithGraph =
    std::function<std::vector<at::Tensor>(const at::Tensor&, const at::Tensor&, const std::vector<at::Tensor>&)>;

struct Callbacks {
  WithGraph with_graph;
  Fail fail;
};

// A solve whose result has a graph. `with_graph` takes gradients that are to be differentiated again, or that a
// transform has wrapped; `changed` is the message of the error where a repetition differs. Parameters past those of the
// program are such that f does not use; the adjoint gives them zeros.
Outcome solve_recorded(const std::shared_ptr<Program>& program, const std::vector<at::Tensor>& parameters,
                       const std::shared_ptr<Method>& method, const SolveSettings& settings, const at::Tensor& start,
                       const at::Tensor& slope, const at::Tensor& memory, Callbacks callbacks, std::string changed);

}  // namespace natrob
