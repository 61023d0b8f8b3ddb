#include "anderson.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "lane_sums.h"

namespace natrob {

using at::Tensor;

namespace {

// Loops that also come in a form for wider registers, chosen as the library is loaded. Without fused multiply-adds, and
// with as many partial sums, both give the same bits.
#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__)
#define NATROB_WIDE __attribute__((target_clones("avx2", "default")))
#else
#define NATROB_WIDE
#endif

NATROB_WIDE double product(const float* one, const float* other, std::int64_t size) {
  return summed(size, [=](std::int64_t at) __attribute__((always_inline)) {
    return static_cast<double>(one[at]) * static_cast<double>(other[at]);
  });
}

NATROB_WIDE double product(const double* one, const double* other, std::int64_t size) {
  return summed(size, [=](std::int64_t at) __attribute__((always_inline)) { return one[at] * other[at]; });
}

// result −= weight · row
NATROB_WIDE void subtract(float* result, float weight, const float* row, std::int64_t size) {
  for (std::int64_t at = 0; at < size; ++at) {
    result[at] -= weight * row[at];
  }
}

NATROB_WIDE void subtract(double* result, double weight, const double* row, std::int64_t size) {
  for (std::int64_t at = 0; at < size; ++at) {
    result[at] -= weight * row[at];
  }
}

// ‖row‖₂, for entries of every size; in float64 over its largest entry where squares over- or underflow.
template <typename Number>
Number length(const Number* row, std::int64_t size) {
  const double plain = std::sqrt(product(row, row, size));
  if (std::is_same_v<Number, float> || std::isnan(plain) || (plain > shortest_safe && plain < longest_safe)) {
    return static_cast<Number>(plain);
  }
  double largest = 0.0;
  for (std::int64_t at = 0; at < size; ++at) {
    largest = std::max(largest, std::abs(static_cast<double>(row[at])));
  }
  if (largest == 0.0 || std::isinf(largest)) {
    return static_cast<Number>(largest);
  }
  return static_cast<Number>(largest * std::sqrt(summed(size, [=](std::int64_t at) {
    const double share = static_cast<double>(row[at]) / largest;
    return share * share;
  })));
}

// Solves A x = b by elimination with pivots; A, (count, count), is overwritten, and b with x.
void solve(std::vector<double>& matrix, std::vector<double>& right, std::int64_t count) {
  for (std::int64_t column = 0; column < count; ++column) {
    std::int64_t pivot = column;
    for (std::int64_t row = column + 1; row < count; ++row) {
      if (std::abs(matrix[row * count + column]) > std::abs(matrix[pivot * count + column])) {
        pivot = row;
      }
    }
    for (std::int64_t at = 0; at < count; ++at) {
      std::swap(matrix[pivot * count + at], matrix[column * count + at]);
    }
    std::swap(right[pivot], right[column]);
    for (std::int64_t row = column + 1; row < count; ++row) {
      const double factor = matrix[row * count + column] / matrix[column * count + column];
      for (std::int64_t at = column; at < count; ++at) {
        matrix[row * count + at] -= factor * matrix[column * count + at];
      }
      right[row] -= factor * right[column];
    }
  }
  for (std::int64_t row = count; row-- > 0;) {
    for (std::int64_t at = row + 1; at < count; ++at) {
      right[row] -= matrix[row * count + at] * right[at];
    }
    right[row] /= matrix[row * count + row];
  }
}

}  // namespace

AndersonSteps::AndersonSteps(const Tensor& start, std::int64_t depth, double tolerance,
                             const std::optional<Tensor>& bounds)
    : batch_(start.size(0)), size_(start.size(1)), depth_(depth), tolerance_(tolerance) {
  TORCH_CHECK(start.dim() == 2 && (start.scalar_type() == at::kFloat || start.scalar_type() == at::kDouble),
              "states are (batch, d), float32 or float64");
  TORCH_CHECK(depth >= 1, "at least one change is kept");
  const at::NoGradGuard no_grad;
  const at::AutoDispatchBelowADInplaceOrView below;
  point_ = start.contiguous();
  if (bounds.has_value()) {
    TORCH_CHECK(bounds->dim() == 1 && bounds->size(0) == batch_, "one bound for each sample");
    bounds_ = bounds->to(at::kDouble).contiguous();
  }
  residual_ = at::empty({batch_}, start.options());
  converged_ = at::empty({batch_}, start.options().dtype(at::kBool));
  defect_ = at::empty_like(point_);
  finished_.assign(batch_, false);
}

std::tuple<Tensor, bool> AndersonSteps::advance(const Tensor& image) {
  const at::NoGradGuard no_grad;
  const at::AutoDispatchBelowADInplaceOrView below;
  TORCH_CHECK(image.sizes() == point_.sizes() && image.scalar_type() == point_.scalar_type(),
              "g keeps the shape and the dtype of its argument");
  if (taken_ == 1) {
    defect_changes_ = at::empty({batch_, depth_, size_}, point_.options());
    image_changes_ = at::empty({batch_, depth_, size_}, point_.options());
    products_.assign(batch_ * depth_ * depth_, 0.0);
  }
  const Tensor dense = image.contiguous();
  Tensor next = at::empty_like(point_);
  const bool unfinished = point_.scalar_type() == at::kFloat ? advance_as<float>(dense, next)
                                                             : advance_as<double>(dense, next);
  image_ = dense;
  ++taken_;
  if (unfinished) {
    point_ = next;
  }
  return {point_, unfinished};
}

template <typename Number>
bool AndersonSteps::advance_as(const Tensor& image, Tensor& next) {
  bool unfinished = false;
  const Number* points = point_.const_data_ptr<Number>();
  const Number* images = image.const_data_ptr<Number>();
  const Number* images_before = taken_ > 0 ? image_.const_data_ptr<Number>() : nullptr;
  Number* defects = defect_.mutable_data_ptr<Number>();
  Number* nexts = next.mutable_data_ptr<Number>();
  Number* residuals = residual_.mutable_data_ptr<Number>();
  bool* converged = converged_.mutable_data_ptr<bool>();
  const std::int64_t place = taken_ > 0 ? (taken_ - 1) % depth_ : 0;
  for (std::int64_t sample = 0; sample < batch_; ++sample) {
    const std::int64_t row = sample * size_;
    if (finished_[sample]) {
      std::copy_n(points + row, size_, nexts + row);
      continue;
    }
    Number* const defect_change =
        taken_ > 0 ? defect_changes_.mutable_data_ptr<Number>() + (sample * depth_ + place) * size_ : nullptr;
    Number* const image_change =
        taken_ > 0 ? image_changes_.mutable_data_ptr<Number>() + (sample * depth_ + place) * size_ : nullptr;
    for (std::int64_t at = 0; at < size_; ++at) {
      const Number defect = images[row + at] - points[row + at];
      if (taken_ > 0) {
        defect_change[at] = defect - defects[row + at];
        image_change[at] = images[row + at] - images_before[row + at];
      }
      defects[row + at] = defect;
    }
    residuals[sample] = length(defects + row, size_);
    const auto tolerance = static_cast<Number>(tolerance_);
    const Number scale = bounds_.defined() ? static_cast<Number>(bounds_.const_data_ptr<double>()[sample])
                                           : length(points + row, size_) + length(images + row, size_);
    const Number threshold = tolerance * scale;
    converged[sample] = residuals[sample] <= (std::isfinite(threshold) ? threshold : Number(0));
    finished_[sample] = converged[sample] || !std::isfinite(residuals[sample]);
    if (finished_[sample]) {
      std::copy_n(points + row, size_, nexts + row);
      continue;
    }
    unfinished = true;
    mix<Number>(sample, images + row, nexts + row);
  }
  return unfinished;
}

// g(y) − ΔG γ with γ = argmin ‖F − ΔF γ‖₂, through regularised normal equations.
template <typename Number>
void AndersonSteps::mix(std::int64_t sample, const Number* image, Number* next) {
  std::copy_n(image, size_, next);
  const std::int64_t kept = std::min(taken_, depth_);
  if (kept == 0) {
    return;
  }
  const std::int64_t place = (taken_ - 1) % depth_;
  const Number* changes = defect_changes_.const_data_ptr<Number>() + sample * depth_ * size_;
  const Number* defect = defect_.const_data_ptr<Number>() + sample * size_;
  double* products = products_.data() + sample * depth_ * depth_;
  std::vector<double> matrix(kept * kept), right(kept);
  double scale = std::numeric_limits<double>::min();
  for (std::int64_t row = 0; row < kept; ++row) {
    const double entry = product(changes + row * size_, changes + place * size_, size_);
    products[row * depth_ + place] = products[place * depth_ + row] = entry;
    right[row] = product(changes + row * size_, defect, size_);
    scale = std::max(scale, products[row * depth_ + row]);
  }
  for (std::int64_t row = 0; row < kept; ++row) {
    for (std::int64_t column = 0; column < kept; ++column) {
      matrix[row * kept + column] = products[row * depth_ + column] / scale;
    }
    matrix[row * kept + row] += 10 * static_cast<double>(std::numeric_limits<Number>::epsilon());
    right[row] /= scale;
  }
  solve(matrix, right, kept);
  const Number* images = image_changes_.const_data_ptr<Number>() + sample * depth_ * size_;
  for (std::int64_t row = 0; row < kept; ++row) {
    const auto weight = static_cast<Number>(right[row]);
    subtract(next, weight, images + row * size_, size_);
  }
}

}  // namespace natrob
