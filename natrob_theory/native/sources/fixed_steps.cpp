#include "fixed_steps.h"

#include "distances.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/add.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/mul.h>
#include <Python.h>
#include <c10/util/Exception.h>
#include <torch/csrc/Exceptions.h>

#include <algorithm>
#include <functional>

namespace natrob {

using at::Tensor;

namespace {

constexpr std::int64_t kStepsBetweenSignals = 32;

// Let Ctrl-C through, as a loop in Python would.
void check_signals() {
  const PyGILState_STATE held = PyGILState_Ensure();
  const bool interrupted = PyErr_CheckSignals() != 0;
  python_error error;
  if (interrupted) {
    error.persist();
  }
  PyGILState_Release(held);
  if (interrupted) {
    throw error;
  }
}

// A value of a step: a tensor, or h·f that is not multiplied out before it is needed.
struct Value {
  Tensor tensor;
  Tensor slope;

  bool is_slope() const { return slope.defined(); }
};

// Told of every evaluation: the point and the value there.
using Observer = std::function<void(const Tensor&, const Tensor&)>;

class Step {
 public:
  Step(const std::vector<std::shared_ptr<Field>>& fields, const StepProgram& program, std::optional<Tensor> first_slope,
       Observer observer)
      : fields_(fields),
        program_(program),
        known_(std::move(first_slope)),
        observer_(std::move(observer)),
        recording_(at::GradMode::is_enabled()) {}

  Tensor take(const Tensor& state, double time, double step_size) {
    values_.clear();
    if (fields_.size() == 1) {
      values_.push_back({state, {}});
    } else {
      for (Tensor& half : state.chunk(2, 1)) {
        values_.push_back({std::move(half), {}});
      }
    }
    step_size_ = step_size;
    const auto count = static_cast<std::int64_t>(program_.operations().size());
    for (std::int64_t index = 0; index < count; ++index) {
      const StepOperation& operation = program_.operations()[index];
      values_.push_back(operation.is_slope ? slope(operation, time) : Value{mix(operation), {}});
      release(operation, index);
    }
    if (program_.results().size() == 1) {
      return multiplied_out(program_.results()[0]);
    }
    return at::cat({multiplied_out(program_.results()[0]), multiplied_out(program_.results()[1])}, 1);
  }

 private:
  Value slope(const StepOperation& operation, double time) {
    const Tensor point = multiplied_out(operation.base);
    Tensor value;
    if (known_) {
      value = *std::exchange(known_, std::nullopt);
    } else {
      const Field& field = *fields_[operation.part];
      Tensor moment;
      if (field.uses_time()) {
        moment = at::full({}, time + operation.node * step_size_, point.options());
      }
      value = field.evaluate(moment, point);
    }
    if (observer_) {
      observer_(point, value);
    }
    return {{}, value};
  }

  // h·f, computed once; a tensor as it is.
  const Tensor& multiplied_out(std::int64_t place) {
    Value& value = values_[place];
    if (!value.tensor.defined()) {
      value.tensor = at::mul(value.slope, step_size_);
    }
    return value.tensor;
  }

  Tensor mix(const StepOperation& operation) {
    Tensor total;
    bool is_own = false;  // memory that nobody else sees yet
    if (operation.base >= 0) {
      total = multiplied_out(operation.base);
    }
    for (const auto& [weighted, weight, place] : operation.terms) {
      const Tensor& share = weighted && operation.base >= 0 && values_[place].is_slope() ? values_[place].slope
                                                                                          : multiplied_out(place);
      if (!total.defined()) {
        total = weighted ? at::mul(share, weight) : share;
        is_own = weighted;
        continue;
      }
      const bool lazily = weighted && operation.base >= 0 && values_[place].is_slope();
      const double factor = !weighted ? 1.0 : lazily ? weight * step_size_ : weight;
      if (is_own && !recording_) {
        total.add_(share, factor);
      } else {
        total = at::add(total, share, factor);
      }
      is_own = true;
    }
    return total;
  }

  void release(const StepOperation& operation, std::int64_t index) {
    const auto free = [&](std::int64_t place) {
      if (place >= 0 && program_.last_use()[place] == index) {
        values_[place] = {};
      }
    };
    free(operation.base);
    for (const auto& term : operation.terms) {
      free(std::get<2>(term));
    }
  }

  const std::vector<std::shared_ptr<Field>>& fields_;
  const StepProgram& program_;
  std::optional<Tensor> known_;
  Observer observer_;
  bool recording_;
  double step_size_ = 0.0;
  std::vector<Value> values_;
};

}  // namespace

StepProgram::StepProgram(const std::vector<StepTuple>& operations, std::vector<std::int64_t> results)
    : results_(std::move(results)) {
  TORCH_CHECK(results_.size() == 1 || results_.size() == 2, "a step has one result, or two halves");
  auto filled = static_cast<std::int64_t>(results_.size());
  last_use_.assign(filled + operations.size(), -1);
  for (const auto& [is_slope, part, node, base, terms] : operations) {
    const auto index = filled - static_cast<std::int64_t>(results_.size());
    const auto use = [&](std::int64_t place) {
      TORCH_CHECK(place >= -1 && place < filled, "value ", place, " is not there yet");
      if (place >= 0) {
        last_use_[place] = index;
      }
    };
    use(base);
    for (const auto& term : terms) {
      use(std::get<2>(term));
    }
    operations_.push_back({is_slope, part, node, base, terms});
    ++filled;
  }
  for (const std::int64_t place : results_) {
    TORCH_CHECK(place >= 0 && place < filled, "value ", place, " is not there");
    last_use_[place] = static_cast<std::int64_t>(operations.size());
  }
}

std::tuple<std::vector<Tensor>, std::vector<Tensor>, std::vector<Tensor>> fixed_steps(
    const std::vector<std::shared_ptr<Field>>& fields, const std::shared_ptr<StepProgram>& step, const Tensor& start,
    const std::vector<double>& times, const std::vector<double>& step_sizes, const std::optional<Tensor>& first_slope,
    bool keep_states, bool keep_evaluations) {
  TORCH_CHECK(times.size() == step_sizes.size(), "one size for each time");
  TORCH_CHECK(fields.size() == step->results().size(), "one field for each part of the state");
  std::vector<Tensor> states, points, slopes;
  std::optional<at::AutoDispatchBelowADInplaceOrView> below;
  if (!at::GradMode::is_enabled()) {
    below.emplace();  // no graph: past the layers that would look for one
  }
  Observer observer;
  if (keep_evaluations) {
    observer = [&](const Tensor& point, const Tensor& value) {
      points.push_back(point);
      slopes.push_back(value);
    };
  }
  Step taken(fields, *step, first_slope, std::move(observer));
  Tensor state = start;
  for (std::size_t index = 0; index < times.size(); ++index) {
    state = taken.take(state, times[index], step_sizes[index]);
    if (keep_states || index + 1 == times.size()) {
      states.push_back(state);
    }
    if (static_cast<std::int64_t>(index) % kStepsBetweenSignals == kStepsBetweenSignals - 1) {
      check_signals();
    }
  }
  return {states, points, slopes};
}

std::optional<std::tuple<Tensor, Tensor, Tensor>> measured_steps(
    const std::vector<std::shared_ptr<Field>>& fields, const std::shared_ptr<StepProgram>& step, const Tensor& start,
    const std::vector<double>& times, const std::vector<double>& step_sizes, const std::optional<Tensor>& first_slope) {
  TORCH_CHECK(times.size() == step_sizes.size(), "one size for each time");
  TORCH_CHECK(fields.size() == step->results().size(), "one field for each part of the state");
  const at::NoGradGuard no_grad;
  const at::AutoDispatchBelowADInplaceOrView below;
  const std::int64_t batch = start.size(0) / 2;
  const auto count = static_cast<std::int64_t>(times.size());
  std::int64_t evaluations = 0;
  for (const StepOperation& operation : step->operations()) {
    evaluations += operation.is_slope ? count : 0;
  }
  Tensor distances = at::empty({count + 1, batch}, at::kDouble);
  Tensor runs = at::empty({evaluations, batch}, at::kDouble), rises = at::empty({evaluations, batch}, at::kDouble);
  double* of_state = distances.mutable_data_ptr<double>();
  double* run = runs.mutable_data_ptr<double>();
  double* rise = rises.mutable_data_ptr<double>();
  Tensor state = start;
  bool measured = pair_distances_of(state, of_state);
  Step taken(fields, *step, first_slope, [&](const Tensor& point, const Tensor& value) {
    if (point.is_same(state)) {
      std::copy_n(of_state, batch, run);
    } else {
      measured = pair_distances_of(point, run) && measured;
    }
    measured = pair_distances_of(value, rise) && measured;
    run += batch;
    rise += batch;
  });
  for (std::int64_t index = 0; index < count; ++index) {
    state = taken.take(state, times[index], step_sizes[index]);
    of_state += batch;
    measured = pair_distances_of(state, of_state) && measured;
    if (index % kStepsBetweenSignals == kStepsBetweenSignals - 1) {
      check_signals();
    }
  }
  return measured ? std::make_optional(std::make_tuple(distances, runs, rises)) : std::nullopt;
}

}  // namespace natrob
