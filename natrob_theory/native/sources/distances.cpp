#include "distances.h"

#include <ATen/ops/empty.h>

#include <cmath>

#include "lane_sums.h"

namespace natrob {

using at::Tensor;

namespace {

template <typename Number>
double squared_distance(const Number* one, const Number* other, std::int64_t length) {
  return summed(length, [=](std::int64_t at) __attribute__((always_inline)) {
    const double difference = static_cast<double>(other[at]) - static_cast<double>(one[at]);
    return difference * difference;
  });
}

// Squares of differences of float32 numbers are normal numbers in float64; those of float64 numbers need not be.
template <typename Number>
bool fill(const Tensor& doubled, double* lengths, std::int64_t batch) {
  const std::int64_t length = batch == 0 ? 0 : doubled.numel() / (2 * batch);
  const Number* start = doubled.const_data_ptr<Number>();
  bool safe = true;
  for (std::int64_t sample = 0; sample < batch; ++sample) {
    lengths[sample] = std::sqrt(squared_distance(start + sample * length, start + (batch + sample) * length, length));
    safe = safe && (std::is_same_v<Number, float> || (lengths[sample] > shortest_safe && lengths[sample] < longest_safe));
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
