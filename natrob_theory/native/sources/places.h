// Choosing among the samples of a batch: masks, places, and the same as tensors.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace natrob {

using Mask = std::vector<std::uint8_t>;
using Places = std::vector<std::int64_t>;

inline bool all(const Mask& mask) {
  return std::all_of(mask.begin(), mask.end(), [](auto entry) { return entry != 0; });
}

inline bool any(const Mask& mask) {
  return std::any_of(mask.begin(), mask.end(), [](auto entry) { return entry != 0; });
}

inline Mask inverse(const Mask& mask) {
  Mask result(mask.size());
  std::transform(mask.begin(), mask.end(), result.begin(), [](auto entry) { return entry == 0; });
  return result;
}

inline Places places_of(const Mask& mask) {
  Places places;
  for (std::size_t one = 0; one < mask.size(); ++one) {
    if (mask[one] != 0) {
      places.push_back(static_cast<std::int64_t>(one));
    }
  }
  return places;
}

template <typename Value>
std::vector<Value> chosen(const std::vector<Value>& values, const Places& places) {
  std::vector<Value> result;
  result.reserve(places.size());
  for (const std::int64_t place : places) {
    result.push_back(values[place]);
  }
  return result;
}

template <typename Value>
at::Tensor as_tensor(const std::vector<Value>& values, at::ScalarType type) {
  at::Tensor result = at::empty({static_cast<std::int64_t>(values.size())}, at::TensorOptions(type));
  std::copy(values.begin(), values.end(), static_cast<Value*>(result.mutable_data_ptr()));
  return result;
}

inline at::Tensor as_tensor(const Mask& mask) { return as_tensor(mask, at::kBool); }
inline at::Tensor as_tensor(const Places& places) { return as_tensor(places, at::kLong); }
inline at::Tensor as_tensor(const std::vector<double>& values) { return as_tensor(values, at::kDouble); }

// A mask (batch,) with one axis for each of the state's.
inline at::Tensor like(const at::Tensor& mask, const at::Tensor& state) {
  std::vector<std::int64_t> shape(state.dim(), 1);
  shape[0] = -1;
  return mask.view(shape);
}

}  // namespace natrob
