#include "distances.h"

#include <ATen/ops/empty.h>

#include <array>
#include <cmath>

namespace natrob {

using at::Tensor;

namespace {

constexpr std::int64_t kLanes = 8;
constexpr double kLow = 1e-140;  // lengths between these were found without an over- or underflow that matters
constexpr double kHigh = 1e140;

template <typename Number>
double squared_distance(const Number* one, const Number* other, std::int64_t length) {
  std::array<double, kLanes> sums{};
  std::int64_t index = 0;
  for (; index + kLanes <= length; index += kLanes) {
    for (std::int64_t lane = 0; lane < kLanes; ++lane) {
      const double difference = static_cast<double>(other[index + lane]) - static_cast<double>(one[index + lane]);
      sums[lane] += difference * difference;
    }
  }
  for (; index < length; ++index) {
    const double difference = static_cast<double>(other[index]) - static_cast<double>(one[index]);
    sums[index % kLanes] += difference * difference;
  }
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

// Squares of differences of float32 numbers are normal numbers in float64; those of float64 numbers need not be.
template <typename Number>
bool fill(const Tensor& doubled, double* lengths, std::int64_t batch) {
  const std::int64_t length = batch == 0 ? 0 : doubled.numel() / (2 * batch);
  const Number* start = doubled.const_data_ptr<Number>();
  bool safe = true;
  for (std::int64_t sample = 0; sample < batch; ++sample) {
    lengths[sample] = std::sqrt(squared_distance(start + sample * length, start + (batch + sample) * length, length));
    safe = safe && (std::is_same_v<Number, float> || (lengths[sample] > kLow && lengths[sample] < kHigh));
  }
  return safe;
}

}  // namespace

bool pair_distances_of(const Tensor& doubled, double* lengths) {
  const Tensor dense = doubled.contiguous();
  const std::int64_t batch = dense.size(0) / 2;
  if (dense.scalar_type() == at::kFloat) {
    return fill<float>(dense, lengths, batch);
  }
  return dense.scalar_type() == at::kDouble && fill<double>(dense, lengths, batch);
}

std::optional<Tensor> pair_distances(const std::vector<Tensor>& doubled) {
  const std::int64_t batch = doubled.at(0).size(0) / 2;
  Tensor lengths = at::empty({static_cast<std::int64_t>(doubled.size()), batch}, at::kDouble);
  double* row = lengths.mutable_data_ptr<double>();
  for (const Tensor& entry : doubled) {
    if (entry.size(0) != 2 * batch || !pair_distances_of(entry, row)) {
      return std::nullopt;
    }
    row += batch;
  }
  return lengths;
}

}  // namespace natrob
