#include "embedded_method.h"

#include <ATen/Dispatch.h>
#include <ATen/ops/addcmul.h>
#include <ATen/ops/addmv.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/mv.h>
#include <ATen/ops/stack.h>

#include <cmath>

namespace natrob {
namespace {

// error / (max(|before|, |after|) * relative + absolute), entry by entry; a NaN stays one.
template <typename scalar, typename Absolute>
void weigh(scalar* error, const scalar* before, const scalar* after, scalar relative, const Absolute& absolute,
           int64_t entries) {
  for (int64_t entry = 0; entry < entries; ++entry) {
    const scalar one = std::abs(before[entry]);
    const scalar other = std::abs(after[entry]);
    const scalar larger = (one > other || one != one) ? one : other;
    const scalar scaled = larger * relative;
    error[entry] = error[entry] / (scaled + absolute(entry));
  }
}

void weigh(at::Tensor& error, const at::Tensor& state, const at::Tensor& other, const Tolerances& tolerances) {
  const double root = std::sqrt(static_cast<double>(error.size(1)));
  const at::Tensor before = state.contiguous(), after = other.contiguous();
  AT_DISPATCH_FLOATING_TYPES(error.scalar_type(), "weigh", [&] {
    scalar_t* data = error.mutable_data_ptr<scalar_t>();
    const scalar_t* first = before.const_data_ptr<scalar_t>();
    const scalar_t* second = after.const_data_ptr<scalar_t>();
    const auto relative = static_cast<scalar_t>(root * tolerances.rtol);
    if (tolerances.atol.defined()) {
      const scalar_t* own = tolerances.atol.const_data_ptr<scalar_t>();
      const auto factor = static_cast<scalar_t>(root);
      weigh<scalar_t>(data, first, second, relative, [=](int64_t entry) { return factor * own[entry]; }, error.numel());
    } else {
      const auto absolute = static_cast<scalar_t>(root * tolerances.number);
      weigh<scalar_t>(data, first, second, relative, [=](int64_t) { return absolute; }, error.numel());
    }
  });
}

// h k: one factor for each sample.
void scale_into(at::Tensor& slot, const at::Tensor& slope, const at::Tensor& step) {
  if (!slope.is_contiguous()) {
    at::mul_out(slot, slope, step);
    return;
  }
  const int64_t batch = step.numel(), entries = slope.numel() / batch;
  AT_DISPATCH_FLOATING_TYPES(slope.scalar_type(), "scale_into", [&] {
    scalar_t* result = slot.mutable_data_ptr<scalar_t>();
    const scalar_t* values = slope.const_data_ptr<scalar_t>();
    const scalar_t* factors = step.const_data_ptr<scalar_t>();
    for (int64_t sample = 0; sample < batch; ++sample, result += entries, values += entries) {
      for (int64_t entry = 0; entry < entries; ++entry) result[entry] = values[entry] * factors[sample];
    }
  });
}

std::vector<double> as_doubles(const at::Tensor& values) {
  std::vector<double> result(values.numel());
  AT_DISPATCH_FLOATING_TYPES(values.scalar_type(), "as_doubles", [&] {
    const scalar_t* data = values.const_data_ptr<scalar_t>();
    for (size_t index = 0; index < result.size(); ++index) result[index] = static_cast<double>(data[index]);
  });
  return result;
}

}  // namespace

Method::Method(std::vector<at::Tensor> rows, at::Tensor weights, at::Tensor differences, at::Tensor nodes,
               bool first_same_as_last, int64_t error_order, int64_t order)
    : a(std::move(rows)),
      b(std::move(weights)),
      error(std::move(differences)),
      c(std::move(nodes)),
      first_same_as_last(first_same_as_last),
      error_order(error_order),
      order(order),
      weights(as_doubles(b)),
      nodes(as_doubles(c)) {
  for (int64_t column = 0; column < stages(); ++column) {
    std::vector<at::Tensor> entries;
    for (int64_t row = column + 1; row < stages(); ++row) entries.push_back(a[row].select(0, column));
    if (!first_same_as_last) entries.push_back(b.select(0, column));
    columns.push_back(entries.empty() ? at::Tensor() : at::stack(entries));
  }
}

StageBuffer::StageBuffer(int64_t stages, const at::Tensor& like, at::Tensor memory)
    : stages_(stages), memory_(std::move(memory)) {
  if (memory_.defined() && memory_.scalar_type() != like.scalar_type()) memory_.reset();
  fit(like);
}

void StageBuffer::fit(const at::Tensor& state) {
  if (!slots_.empty() && slots_[0].sizes() == state.sizes()) return;
  const int64_t entries = state.numel(), needed = stages_ * entries;
  if (!memory_.defined() || memory_.numel() < needed) memory_ = at::empty({needed}, state.options());
  rows_ = memory_.narrow(0, 0, needed).view({stages_, entries});
  slots_.clear();
  known_.assign(1, at::Tensor());
  for (int64_t stage = 0; stage < stages_; ++stage) {
    slots_.push_back(rows_.select(0, stage).view(state.sizes()));
    known_.push_back(columns(0, stage + 1));
  }
}

at::Tensor StageBuffer::columns(int64_t first, int64_t count) const { return rows_.narrow(0, first, count).t(); }

at::Tensor times_for(const std::vector<double>& times, const at::Tensor& state) {
  const auto batch = static_cast<int64_t>(times.size());
  at::Tensor result = at::empty({batch}, state.options());
  AT_DISPATCH_FLOATING_TYPES(state.scalar_type(), "times_for", [&] {
    scalar_t* data = result.mutable_data_ptr<scalar_t>();
    for (int64_t index = 0; index < batch; ++index) data[index] = static_cast<scalar_t>(times[index]);
  });
  return result;
}

at::Tensor per_sample(const std::vector<double>& values, const at::Tensor& state) {
  std::vector<int64_t> shape(state.dim(), 1);
  shape[0] = static_cast<int64_t>(values.size());
  return times_for(values, state).view(shape);
}

at::Tensor stage_times(const Method& method, const std::vector<double>& time, const std::vector<double>& step,
                       const at::Tensor& state) {
  const auto options = state.options().dtype(at::kDouble);
  const auto batch = static_cast<int64_t>(time.size());
  const auto start = at::from_blob(const_cast<double*>(time.data()), {batch}, options);
  const auto size = at::from_blob(const_cast<double*>(step.data()), {batch}, options);
  return at::addcmul(start, method.c, size).to(state.scalar_type());
}

Trial take_trial(const StageField& field, const Method& method, StageBuffer& buffer, const Tolerances& tolerances,
                 const at::Tensor& step, const at::Tensor& state, const at::Tensor& slope) {
  Trial trial;
  buffer.fit(state);
  const at::Tensor start = state.reshape(-1);
  at::Tensor point = state, last = slope;
  scale_into(buffer.slot(0), slope, step);
  for (int64_t stage = 1; stage < method.stages(); ++stage) {
    point = at::addmv(start, buffer.known(stage), method.a[stage]).view(state.sizes());
    last = field(stage, point);
    scale_into(buffer.slot(stage), last, step);
  }
  const at::Tensor& all = buffer.known(method.stages());
  trial.state = method.first_same_as_last ? point : at::addmv(start, all, method.b).view(state.sizes());
  if (method.first_same_as_last) trial.slope = last;
  at::Tensor error = at::mv(all, method.error).view({state.size(0), -1});
  trial.error_norm = at::linalg_vector_norm(error, 2, at::IntArrayRef{1});
  weigh(error, state, trial.state, tolerances);
  trial.ratio = as_doubles(at::linalg_vector_norm(error, 2, at::IntArrayRef{1}));
  return trial;
}

Trial take_trial(const Field& field, const Method& method, StageBuffer& buffer, const Tolerances& tolerances,
                 const std::vector<double>& time, const std::vector<double>& step, const at::Tensor& state,
                 const at::Tensor& slope, std::vector<Evaluation>* stages) {
  const at::Tensor times = field.uses_time() ? stage_times(method, time, step, state) : at::Tensor();
  const auto slope_at = [&](int64_t stage, const at::Tensor& point) {
    const at::Tensor moment = times.defined() ? times.select(0, stage) : times;
    if (stages == nullptr) return field.evaluate(moment, point);
    stages->push_back({moment, point, {}});
    return field.evaluate_keeping(stages->back());
  };
  return take_trial(slope_at, method, buffer, tolerances, per_sample(step, state), state, slope);
}

}  // namespace natrob
