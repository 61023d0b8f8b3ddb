// The arithmetic of step sizes, sample by sample: natrob_theory/adaptive/step_ends.py, controller.py, initial_step.py.
#pragma once

#include <cstdint>
#include <vector>

#include "adaptive.h"
#include "places.h"

namespace natrob {

inline constexpr double smallest_remembered = 1e-4;  // of the error ratios, for the controller
inline constexpr double stretch = 1.05;              // of a last step or piece, rather than leave a short one behind

// Where the trial steps of the samples under way end.
struct StepEnds {
  std::vector<double> time, step;  // t_n + h, and h as the stages are computed with
  Mask at_end;                     // empty: none of them ends at T
  bool resolved;
};

StepEnds step_ends(const SolveSettings& settings, const std::vector<double>& time, const std::vector<double>& step);

// The factor by which h changes; `may_grow` is empty where all may.
std::vector<double> step_factor(const SolveSettings& settings, const Method& method, const std::vector<double>& ratio,
                                const std::vector<double>& remembered, const Mask& may_grow);

// |h| of the first step of every sample.
std::vector<double> first_step(const Field& field, const Method& method, const SolveSettings& settings,
                               const std::vector<double>& time, const at::Tensor& state, const at::Tensor& slope);

}  // namespace natrob
