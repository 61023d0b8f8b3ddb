// Anderson acceleration of y <- g(y), sample by sample: everything between two evaluations of g in one pass.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <tuple>
#include <vector>

namespace natrob {

// The iteration of natrob_theory/implicit_solve/anderson.py for states (batch, d) in float32 or float64 on the CPU.
// Inner products are summed in float64. A finished sample keeps its point and its residual.
class AndersonSteps {
 public:
  // `depth`: how many changes are kept. `tolerance`: converged is ‖g(y) − y‖ <= tolerance · (‖y‖ + ‖g(y)‖), or
  // tolerance · bound with `bounds`, (batch,), where these are given.
  AndersonSteps(const at::Tensor& start, std::int64_t depth, double tolerance, const std::optional<at::Tensor>& bounds);

  // Takes g at the present point. Returns the next point, the same tensor where every sample is finished, and whether
  // one is not.
  std::tuple<at::Tensor, bool> advance(const at::Tensor& image);

  // Of the present point as `advance` saw it: ‖g(y) − y‖ and whether it counts as converged, (batch,) each.
  const at::Tensor& residual() const { return residual_; }
  const at::Tensor& converged() const { return converged_; }

 private:
  template <typename Number>
  bool advance_as(const at::Tensor& image, at::Tensor& next);
  template <typename Number>
  void mix(std::int64_t sample, const Number* image, Number* next);

  std::int64_t batch_, size_, depth_, taken_ = 0;
  double tolerance_;
  at::Tensor point_, bounds_, residual_, converged_;
  at::Tensor defect_, image_;                  // the last ones, (batch, d)
  at::Tensor defect_changes_, image_changes_;  // (batch, depth, d)
  std::vector<double> products_;               // of the changes of the defect with each other, (batch, depth, depth)
  std::vector<bool> finished_;
};

}  // namespace natrob
