// The accepted steps of a solve, sample by sample, and the state inside them: accepted_steps.py, step_interpolant.py.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "adaptive.h"

namespace natrob {

// `times[row][n]` is t_n of a sample; its state is at `places[row][n]` of `states`.
struct AcceptedSteps {
  std::vector<std::vector<double>> times;
  std::vector<std::vector<std::int64_t>> places;
  at::Tensor states;
  at::Tensor largest;  // max |y| of every sample and entry over its points, (batch, *state)
};

// From the attempts of a solve that has kept its states.
AcceptedSteps accepted_steps(const Outcome& outcome, double start_time);

// y(theta) = y_0 + h f_0 theta + c_2 theta^2 + c_3 theta^3 + theta^2 (1 - theta)^2 (alpha + beta (theta - 1/2)).
struct Interpolant {
  at::Tensor start, slope, square, cube, alpha, beta;

  // y(theta), one theta for each sample.
  at::Tensor at(const std::vector<double>& theta) const;
  // y(theta), the same theta for all.
  at::Tensor at(double theta) const;
  void select(const at::Tensor& indices);
  void replace(const at::Tensor& indices, const Interpolant& others);
};

// h f at theta and a state there.
using IncrementAt = std::function<at::Tensor(double, const at::Tensor&)>;

// The interpolant of steps from `start` to `end` with h f at both; as accurate as a method of this order.
Interpolant step_interpolant(const at::Tensor& start, const at::Tensor& end, const at::Tensor& slope,
                             const at::Tensor& last, const IncrementAt& increment_at, std::int64_t order);

}  // namespace natrob
