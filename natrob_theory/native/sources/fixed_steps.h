// Explicit methods with fixed steps: the loop over steps of a method that is given as sums of y and h·f.
#pragma once

#include <memory>
#include <optional>

#include "field.h"

namespace natrob {

// An operation of a step. A slope: (true, part, node, point, {}). A mix: (false, -1, 0, base, {weighted, weight, value}).
// Values are numbered: first the halves of the state (one where there is one field), then one an operation.
using TermTuple = std::tuple<bool, double, std::int64_t>;
using StepTuple = std::tuple<bool, std::int64_t, double, std::int64_t, std::vector<TermTuple>>;

struct StepOperation {
  bool is_slope;
  std::int64_t part;
  double node;
  std::int64_t base;
  std::vector<TermTuple> terms;
};

// One step of a method.
class StepProgram {
 public:
  StepProgram(const std::vector<StepTuple>& operations, std::vector<std::int64_t> results);

  const std::vector<StepOperation>& operations() const { return operations_; }
  const std::vector<std::int64_t>& results() const { return results_; }
  // The operation that uses a value last; values are let go then.
  const std::vector<std::int64_t>& last_use() const { return last_use_; }

 private:
  std::vector<StepOperation> operations_;
  std::vector<std::int64_t> results_;
  std::vector<std::int64_t> last_use_;
};

// The states after each step (only the last one unless `keep_states`), and the points and values of all evaluations
// (none unless `keep_evaluations`). `first_slope` is f at the first evaluation, which the caller has already.
std::tuple<std::vector<at::Tensor>, std::vector<at::Tensor>, std::vector<at::Tensor>> fixed_steps(
    const std::vector<std::shared_ptr<Field>>& fields, const std::shared_ptr<StepProgram>& step,
    const at::Tensor& start, const std::vector<double>& times, const std::vector<double>& step_sizes,
    const std::optional<at::Tensor>& first_slope, bool keep_states, bool keep_evaluations);

// Distances between the two halves of the batch, float64: of the states before the first and after each step,
// (steps + 1, batch), of the points of all evaluations and of the values there, (evaluations, batch). Nothing is kept
// but these. Nothing where `pair_distances` has none.
std::optional<std::tuple<at::Tensor, at::Tensor, at::Tensor>> measured_steps(
    const std::vector<std::shared_ptr<Field>>& fields, const std::shared_ptr<StepProgram>& step,
    const at::Tensor& start, const std::vector<double>& times, const std::vector<double>& step_sizes,
    const std::optional<at::Tensor>& first_slope);

}  // namespace natrob
