// Sums in float64 by several partial sums, so that a compiler may use wide registers and the bits stay the same.
#pragma once

#include <array>
#include <cstdint>

namespace natrob {

inline constexpr std::int64_t lanes = 8;
// Lengths between these were found without an over- or underflow that matters.
inline constexpr double shortest_safe = 1e-140;
inline constexpr double longest_safe = 1e140;

// Σ term(i).
template <typename Term>
inline __attribute__((always_inline)) double summed(std::int64_t size, Term term) {
  std::array<double, lanes> sums{};
  std::int64_t index = 0;
  for (; index + lanes <= size; index += lanes) {
    for (std::int64_t lane = 0; lane < lanes; ++lane) {
      sums[lane] += term(index + lane);
    }
  }
  for (; index < size; ++index) {
    sums[index % lanes] += term(index);
  }
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

}  // namespace natrob
