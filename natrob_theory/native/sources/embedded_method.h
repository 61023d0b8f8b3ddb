// One trial step of an embedded Runge-Kutta pair: the arithmetic of natrob_theory/adaptive/embedded_method.py.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "field.h"

namespace natrob {

// The tableau as tensors of the state's dtype: rows of A up to the diagonal, b, b - b^; c is (stages, 1) in float64.
struct Method {
  Method(std::vector<at::Tensor> rows, at::Tensor weights, at::Tensor differences, at::Tensor nodes,
         bool first_same_as_last, int64_t error_order, int64_t order);

  int64_t stages() const { return static_cast<int64_t>(a.size()); }

  std::vector<at::Tensor> a;
  at::Tensor b, error, c;
  bool first_same_as_last;
  int64_t error_order, order;
  std::vector<double> weights, nodes;  // b and c
  // Below the diagonal, the columns of A, with those of b after them unless b is the last row of A.
  std::vector<at::Tensor> columns;
};

// Rows of memory, one for each stage of a trial of some batch; lent for one trial after another.
class StageBuffer {
 public:
  StageBuffer(int64_t stages, const at::Tensor& like, at::Tensor memory);

  // Makes the rows those of states of this shape.
  void fit(const at::Tensor& state);
  at::Tensor& slot(int64_t stage) { return slots_[stage]; }
  // The stages from `first` on, `count` of them, as the columns of a matrix (entries, count).
  at::Tensor columns(int64_t first, int64_t count) const;
  // The first `count` stages.
  const at::Tensor& known(int64_t count) const { return known_[count]; }
  const at::Tensor& memory() const { return memory_; }

 private:
  int64_t stages_;
  at::Tensor memory_, rows_;
  std::vector<at::Tensor> slots_, known_;
};

struct Trial {
  at::Tensor state, slope;    // slope is undefined where the last stage is not the next first
  std::vector<double> ratio;  // the error over the tolerance
  at::Tensor error_norm;      // of the state's dtype
};

// Entry by entry the error may be rtol * max(|y before|, |y after|) + atol; `atol` is of y's shape where it is defined.
struct Tolerances {
  double rtol, number;
  at::Tensor atol;
};

// The slope at a stage's point, by the number of the stage.
using StageField = std::function<at::Tensor(int64_t, const at::Tensor&)>;

// (batch, 1, ...) in the state's dtype.
at::Tensor per_sample(const std::vector<double>& values, const at::Tensor& state);

// (batch,) in the state's dtype.
at::Tensor times_for(const std::vector<double>& times, const at::Tensor& state);

// The times of all stages, (stages, batch) in the state's dtype.
at::Tensor stage_times(const Method& method, const std::vector<double>& time, const std::vector<double>& step,
                       const at::Tensor& state);

// A trial step from y with f(t, y) = `slope`, of size h, (batch, 1, ...).
Trial take_trial(const StageField& field, const Method& method, StageBuffer& buffer, const Tolerances& tolerances,
                 const at::Tensor& step, const at::Tensor& state, const at::Tensor& slope);

// The same for a field f(t, y); where `stages` is not null, the evaluations are kept there.
Trial take_trial(const Field& field, const Method& method, StageBuffer& buffer, const Tolerances& tolerances,
                 const std::vector<double>& time, const std::vector<double>& step, const at::Tensor& state,
                 const at::Tensor& slope, std::vector<Evaluation>* stages);

}  // namespace natrob
