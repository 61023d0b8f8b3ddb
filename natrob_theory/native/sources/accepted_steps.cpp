#include "accepted_steps.h"

#include <ATen/Dispatch.h>
#include <ATen/ops/add.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/div.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/sub.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>

namespace natrob {

using at::Tensor;

namespace {

const double quartic_node = 0.5 - std::sqrt(1.0 / 12.0);
constexpr double quintic_distance = 0.35;

double bump_slope(double theta) { return 2.0 * theta * (1.0 - theta) * (1.0 - 2.0 * theta); }

// One theta for each sample, or for all where there is but one.
template <typename scalar>
void interpolate(scalar* result, const Interpolant& inside, const std::vector<double>& thetas, std::int64_t entries) {
  const scalar* start = inside.start.const_data_ptr<scalar>();
  const scalar* slope = inside.slope.const_data_ptr<scalar>();
  const scalar* square = inside.square.const_data_ptr<scalar>();
  const scalar* cube = inside.cube.const_data_ptr<scalar>();
  const scalar* alpha = inside.alpha.const_data_ptr<scalar>();
  const scalar* beta = inside.beta.const_data_ptr<scalar>();
  const auto batch = static_cast<std::int64_t>(thetas.size());
  for (std::int64_t one = 0, place = 0; one < batch; ++one) {
    const auto theta = static_cast<scalar>(thetas[one]);
    const scalar product = theta * (scalar(1) - theta);
    const scalar bump = product * product;
    const scalar centred = theta - scalar(0.5);
    for (std::int64_t entry = 0; entry < entries; ++entry, ++place) {
      const scalar cubic =
          start[place] + theta * (slope[place] + theta * (square[place] + theta * cube[place]));
      result[place] = cubic + bump * (alpha[place] + beta[place] * centred);
    }
  }
}

Tensor interpolated(const Interpolant& inside, const std::vector<double>& thetas) {
  Tensor result = at::empty_like(inside.start);
  const std::int64_t entries = result.numel() / static_cast<std::int64_t>(thetas.size());
  AT_DISPATCH_FLOATING_TYPES(result.scalar_type(), "interpolate", [&] {
    interpolate<scalar_t>(result.mutable_data_ptr<scalar_t>(), inside, thetas, entries);
  });
  return result;
}

// The cubic's coefficients.
template <typename scalar>
void fit_cubic(Interpolant& inside, const Tensor& end, const Tensor& last) {
  const scalar* first_value = inside.start.const_data_ptr<scalar>();
  const scalar* last_value = end.const_data_ptr<scalar>();
  const scalar* first_slope = inside.slope.const_data_ptr<scalar>();
  const scalar* last_slope = last.const_data_ptr<scalar>();
  scalar* square = inside.square.mutable_data_ptr<scalar>();
  scalar* cube = inside.cube.mutable_data_ptr<scalar>();
  for (std::int64_t entry = 0; entry < end.numel(); ++entry) {
    const scalar change = last_value[entry] - first_value[entry];
    square[entry] = scalar(3) * change - scalar(2) * first_slope[entry] - last_slope[entry];
    cube[entry] = first_slope[entry] + last_slope[entry] - scalar(2) * change;
  }
}

// Subtracts the cubic's own slope from h f at theta.
template <typename scalar>
void subtract_slope(Tensor& increment, const Interpolant& inside, double theta) {
  const scalar* slope = inside.slope.const_data_ptr<scalar>();
  const scalar* square = inside.square.const_data_ptr<scalar>();
  const scalar* cube = inside.cube.const_data_ptr<scalar>();
  scalar* result = increment.mutable_data_ptr<scalar>();
  const auto once = static_cast<scalar>(theta), thrice = static_cast<scalar>(3.0 * theta);
  for (std::int64_t entry = 0; entry < increment.numel(); ++entry) {
    result[entry] -= slope[entry] + once * (scalar(2) * square[entry] + thrice * cube[entry]);
  }
}

}  // namespace

AcceptedSteps accepted_steps(const Outcome& outcome, double start_time) {
  AcceptedSteps steps;
  const Tensor& start = outcome.states[0];
  const std::int64_t batch = start.size(0);
  steps.times.assign(batch, {start_time});
  steps.places.resize(batch);
  for (std::int64_t row = 0; row < batch; ++row) {
    steps.places[row].push_back(row);
  }
  steps.states = at::cat(outcome.states);
  steps.largest = start.abs();
  std::int64_t offset = batch;
  for (std::size_t attempt = 0; attempt < outcome.attempts.size(); ++attempt) {
    const Attempt& notes = outcome.attempts[attempt];
    const Tensor sizes = outcome.states[attempt + 1].abs();
    const auto count = notes.times.size(0);
    const auto* rows = notes.rows.defined() ? notes.rows.const_data_ptr<std::int64_t>() : nullptr;
    const double* times = notes.times.const_data_ptr<double>();
    const bool* accepted = notes.accepted.const_data_ptr<bool>();
    for (std::int64_t one = 0; one < count; ++one) {
      const std::int64_t row = rows == nullptr ? one : rows[one];
      if (accepted[one]) {
        steps.times[row].push_back(times[one]);
        steps.places[row].push_back(offset + one);
      }
    }
    if (rows == nullptr) {
      steps.largest = at::maximum(steps.largest, sizes);
    } else {
      steps.largest.index_copy_(0, notes.rows, at::maximum(steps.largest.index_select(0, notes.rows), sizes));
    }
    offset += count;
  }
  return steps;
}

Tensor Interpolant::at(const std::vector<double>& theta) const { return interpolated(*this, theta); }

Tensor Interpolant::at(double theta) const { return interpolated(*this, {theta}); }

void Interpolant::select(const Tensor& indices) {
  for (Tensor* entry : {&start, &slope, &square, &cube, &alpha, &beta}) {
    *entry = entry->index_select(0, indices);
  }
}

void Interpolant::replace(const Tensor& indices, const Interpolant& others) {
  start = start.index_copy(0, indices, others.start);
  slope = slope.index_copy(0, indices, others.slope);
  square = square.index_copy(0, indices, others.square);
  cube = cube.index_copy(0, indices, others.cube);
  alpha = alpha.index_copy(0, indices, others.alpha);
  beta = beta.index_copy(0, indices, others.beta);
}

Interpolant step_interpolant(const Tensor& start, const Tensor& end, const Tensor& slope, const Tensor& last,
                             const IncrementAt& increment_at, std::int64_t order) {
  const Tensor none = at::zeros_like(start);
  Interpolant inside{start, slope, at::empty_like(start), at::empty_like(start), none, none};
  AT_DISPATCH_FLOATING_TYPES(start.scalar_type(), "fit_cubic", [&] { fit_cubic<scalar_t>(inside, end, last); });
  if (order <= 3) {
    return inside;
  }
  const auto defect = [&](double theta) {
    Tensor increment = increment_at(theta, inside.at(theta));
    AT_DISPATCH_FLOATING_TYPES(start.scalar_type(), "subtract_slope",
                               [&] { subtract_slope<scalar_t>(increment, inside, theta); });
    return increment;
  };
  inside.alpha = at::div(defect(quartic_node), bump_slope(quartic_node));
  if (order == 4) {
    return inside;
  }
  const Tensor one = defect(0.5 - quintic_distance), other = defect(0.5 + quintic_distance);
  const double steepness = bump_slope(0.5 - quintic_distance);
  const double height = std::pow(0.25 - quintic_distance * quintic_distance, 2);
  inside.alpha = at::div(at::sub(one, other), 2.0 * steepness);
  inside.beta = at::div(at::add(one, other), 2.0 * (height - quintic_distance * steepness));
  return inside;
}

}  // namespace natrob
