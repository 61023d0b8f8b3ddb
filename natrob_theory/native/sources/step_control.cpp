#include "step_control.h"

#include <ATen/Dispatch.h>
#include <ATen/ops/add.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/sub.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace natrob {

using at::Tensor;

namespace {

constexpr double smallest_ratio = 1e-10;
constexpr double boldness = 5.0;

// As torch.minimum, torch.maximum and torch.clamp have it: a NaN stays one.
double smaller(double one, double other) { return std::isnan(one) ? one : std::isnan(other) || other < one ? other : one; }
double larger(double one, double other) { return std::isnan(one) ? one : std::isnan(other) || other > one ? other : one; }

double without_nan(double value, double instead) {
  constexpr double most = std::numeric_limits<double>::max();
  return std::isnan(value) ? instead : std::min(std::max(value, -most), most);
}

// By torch's own power, whose bits are not those of the C library.
void raise(std::vector<double>& values, double exponent) {
  Tensor view = at::from_blob(values.data(), {static_cast<std::int64_t>(values.size())}, at::TensorOptions(at::kDouble));
  view.pow_(exponent);
}

// The Euclidean norm of every sample.
std::vector<double> norms(const Tensor& values) {
  const Tensor found = at::linalg_vector_norm(values.flatten(1), 2, at::IntArrayRef{1}).to(at::kDouble);
  const double* data = found.const_data_ptr<double>();
  return {data, data + found.numel()};
}

// values / ((|y| rtol + atol) root), entry by entry, in the roundings of torch's own operations one after another.
Tensor weighed(const Tensor& values, const Tensor& state, const SolveSettings& settings) {
  const double root = std::sqrt(static_cast<double>(state.numel() / state.size(0)));
  const Tensor above = values.contiguous(), below = state.contiguous();
  Tensor result = at::empty(state.sizes(), state.options());
  AT_DISPATCH_FLOATING_TYPES(state.scalar_type(), "weighed", [&] {
    const scalar_t* numerator = above.const_data_ptr<scalar_t>();
    const scalar_t* entries = below.const_data_ptr<scalar_t>();
    scalar_t* ratio = result.mutable_data_ptr<scalar_t>();
    const auto relative = static_cast<scalar_t>(settings.rtol), absolute = static_cast<scalar_t>(settings.atol);
    const auto factor = static_cast<scalar_t>(root);
    for (std::int64_t entry = 0; entry < result.numel(); ++entry) {
      ratio[entry] = numerator[entry] / ((std::abs(entries[entry]) * relative + absolute) * factor);
    }
  });
  return result;
}

// The farthest time whose distance from `time` is at most |added| as a real number, on the side that `added` points to.
// The error of the sum is found exactly (Knuth, Seminumerical Algorithms, 4.2.2, theorem B).
double farthest(double time, double added) {
  const double total = time + added;
  const double virtual_added = total - time;
  const double error = (time - (total - virtual_added)) + (added - virtual_added);
  const bool too_far = added > 0 ? error < 0 : error > 0;
  return too_far ? std::nextafter(total, time) : total;
}

}  // namespace

StepEnds step_ends(const SolveSettings& settings, const std::vector<double>& time, const std::vector<double>& step) {
  const bool forward = settings.end_time > settings.start_time;
  const bool capped = std::isfinite(settings.largest_step);
  const std::size_t batch = time.size();
  StepEnds ends{time, time, Mask(batch), true};
  bool far = !capped;
  for (std::size_t one = 0; one < batch; ++one) {
    const double left = forward ? settings.end_time - time[one] : time[one] - settings.end_time;
    far = far && left > 2.0 * step[one] && step[one] > settings.coarsest;
  }
  for (std::size_t one = 0; one < batch; ++one) {
    const double left = forward ? settings.end_time - time[one] : time[one] - settings.end_time;
    const double size = far ? step[one] : smaller(step[one], 0.5 * left);
    bool last = !far && left <= stretch * step[one];
    double later = forward ? time[one] + size : time[one] - size;
    if (capped) {
      const double most = farthest(time[one], forward ? settings.largest_step : -settings.largest_step);
      last = last && (forward ? settings.end_time <= most : settings.end_time >= most);
      later = forward ? smaller(later, most) : larger(later, most);
    }
    ends.at_end[one] = last;
    ends.time[one] = last ? settings.end_time : later;
    ends.step[one] = ends.time[one] - time[one];
    ends.resolved = ends.resolved && (far || std::abs(ends.step[one]) > settings.coarsest);
  }
  if (!any(ends.at_end)) {
    ends.at_end.clear();
  }
  return ends;
}

std::vector<double> step_factor(const SolveSettings& settings, const Method& method, const std::vector<double>& ratio,
                                const std::vector<double>& remembered, const Mask& may_grow) {
  const double exponent = 1.0 / static_cast<double>(method.error_order) - 0.75 * settings.beta;
  std::vector<double> wanted(ratio.size());
  std::transform(ratio.begin(), ratio.end(), wanted.begin(), [](double one) { return larger(one, smallest_ratio); });
  raise(wanted, -exponent);
  std::vector<double> memory(settings.beta != 0 ? remembered : std::vector<double>());
  if (settings.beta != 0) {
    raise(memory, settings.beta);
  }
  for (std::size_t one = 0; one < wanted.size(); ++one) {
    double factor = settings.safety * wanted[one];
    factor = settings.beta != 0 ? factor * memory[one] : factor;
    factor = without_nan(factor, 0.0);
    factor = std::min(std::max(factor, settings.smallest_factor), settings.largest_factor);
    wanted[one] = !may_grow.empty() && may_grow[one] == 0 ? std::min(factor, 1.0) : factor;
  }
  return wanted;
}

std::vector<double> first_step(const Field& field, const Method& method, const SolveSettings& settings,
                               const std::vector<double>& time, const Tensor& state, const Tensor& slope) {
  const bool forward = settings.end_time > settings.start_time;
  const std::size_t batch = time.size();
  const std::vector<double> size = norms(weighed(state, state, settings));
  const std::vector<double> speed = norms(weighed(slope, state, settings));
  std::vector<double> guess(batch), signed_guess(batch), moment(batch), limit(batch);
  for (std::size_t one = 0; one < batch; ++one) {
    limit[one] = forward ? settings.end_time - time[one] : time[one] - settings.end_time;
    const double euler = smaller(size[one], speed[one]) < 1e-5 ? 1e-6 : 0.01 * size[one] / speed[one];
    guess[one] = smaller(euler, limit[one]);
    signed_guess[one] = forward ? guess[one] : -guess[one];
    moment[one] = time[one] + signed_guess[one];
  }
  const Tensor point = at::add(state, at::mul(per_sample(signed_guess, state), slope));
  const Tensor probe = field.evaluate(field.uses_time() ? times_for(moment, state) : Tensor(), point);
  const std::vector<double> bend = norms(weighed(at::sub(probe, slope), state, settings));
  std::vector<double> steepest(batch), wanted(batch);
  for (std::size_t one = 0; one < batch; ++one) {
    steepest[one] = larger(speed[one], bend[one] / guess[one]);
    wanted[one] = 100.0 * steepest[one];
  }
  raise(wanted, -1.0 / static_cast<double>(method.error_order));
  for (std::size_t one = 0; one < batch; ++one) {
    const double flat = larger(1e-3 * guess[one], 1e-6);
    const double size_found = smaller(100.0 * guess[one], steepest[one] <= 1e-15 ? flat : wanted[one]) * boldness;
    const double limited = smaller(without_nan(size_found, 1e-6), limit[one]);
    wanted[one] = smaller(larger(limited, settings.smallest_start), settings.largest_step);
  }
  return wanted;
}

}  // namespace natrob
