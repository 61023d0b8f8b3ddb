// Whether two tensors hold the same bits in the same layout.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstring>

namespace natrob {

// NaN equals itself here, 0 and −0 differ. Tensors with gaps in memory are compared through dense copies.
inline bool same_bits(const at::Tensor& one, const at::Tensor& other) {
  if (one.sizes() != other.sizes() || one.strides() != other.strides() || one.dtype() != other.dtype()) {
    return false;
  }
  if (!one.is_non_overlapping_and_dense()) {
    return same_bits(one.contiguous(), other.contiguous());
  }
  return std::memcmp(one.const_data_ptr(), other.const_data_ptr(), one.nbytes()) == 0;
}

}  // namespace natrob
