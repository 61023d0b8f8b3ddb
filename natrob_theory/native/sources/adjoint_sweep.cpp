#include "adjoint_sweep.h"

#include <ATen/Dispatch.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/add.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/neg.h>
#include <ATen/ops/where.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>

#include "places.h"
#include "step_control.h"

namespace natrob {

using at::Tensor;

namespace {

constexpr double spacings_of_tolerance = 64.0;
constexpr double spacings_of_piece = 4.0;

// An evaluation of the field, with its value.
struct Known {
  Evaluation evaluation;
  Tensor slope;
};

// An evaluation whose (∂f/∂y)ᵀa was asked for, with what reached the parameters on the way.
struct Pulled {
  std::shared_ptr<Known> at;
  Tensor adjoint;
  Values arriving;
};

// The samples under way, each inside one accepted step.
struct Under {
  Places rows, place, point, trials;
  std::vector<double> passed, step, remembered;
  Mask may_grow;
  Tensor adjoint, slope;
};

// The accepted steps that they are in.
struct Inside {
  std::vector<double> earlier, later, size;
  Interpolant state;
};

// The absolute tolerance of every entry of a: rtol times a's root mean square over its sample, or times that of a in the
// scale of the entries, whichever is smaller; at least `least`. Sums are in float64, where no square of float32 overflows.
template <typename scalar>
void fill_floor(scalar* floor, const scalar* adjoint, const scalar* scale, std::int64_t batch, std::int64_t entries,
                double rtol, double least) {
  for (std::int64_t sample = 0; sample < batch; ++sample, floor += entries, adjoint += entries, scale += entries) {
    double largest = 0.0, largest_scaled = 0.0;
    for (std::int64_t entry = 0; entry < entries; ++entry) {
      largest = std::max(largest, std::abs(static_cast<double>(adjoint[entry])));
      largest_scaled = std::max(largest_scaled, std::abs(static_cast<double>(adjoint[entry]) * scale[entry]));
    }
    const double unit = std::max(largest, std::numeric_limits<double>::min());
    const double unit_scaled = std::max(largest_scaled, std::numeric_limits<double>::min());
    double sum = 0.0, sum_scaled = 0.0;
    for (std::int64_t entry = 0; entry < entries; ++entry) {
      const double one = adjoint[entry] / unit, other = adjoint[entry] * static_cast<double>(scale[entry]) / unit_scaled;
      sum += one * one;
      sum_scaled += other * other;
    }
    const double size = unit * std::sqrt(sum / static_cast<double>(entries));
    const double scaled = unit_scaled * std::sqrt(sum_scaled / static_cast<double>(entries));
    for (std::int64_t entry = 0; entry < entries; ++entry) {
      const double wanted = rtol * std::min(size, scaled / static_cast<double>(scale[entry]));
      floor[entry] = static_cast<scalar>(std::max(wanted, least));
    }
  }
}

class Sweep {
 public:
  Sweep(const Field& field, const Method& method, const SolveSettings& settings, const AcceptedSteps& steps,
        const Tensor& arriving, std::vector<Tensor>* gradients, const Fail& fail)
      : field_(field),
        method_(method),
        settings_(settings),
        steps_(steps),
        gradients_(gradients),
        fail_(fail),
        buffer_(method.stages(), arriving, Tensor()),
        spacing_(arriving.scalar_type() == at::kFloat ? std::numeric_limits<float>::epsilon()
                                                      : std::numeric_limits<double>::epsilon()),
        rtol_(std::max(settings.rtol, spacings_of_tolerance * spacing_)),
        sign_(settings.end_time > settings.start_time ? 1.0 : -1.0),
        result_(arriving.clone()) {
    const double tiny = arriving.scalar_type() == at::kFloat ? static_cast<double>(std::numeric_limits<float>::min())
                                                             : std::numeric_limits<double>::min();
    smallest_floor_ = tiny / spacing_;
  }

  Tensor run(const Places& rows, const Tensor& arriving) {
    const std::size_t batch = rows.size();
    under_.rows = rows;
    under_.place.resize(batch);
    std::iota(under_.place.begin(), under_.place.end(), 0);
    for (const std::int64_t row : rows) {
      under_.point.push_back(static_cast<std::int64_t>(steps_.times[row].size()) - 2);
    }
    under_.trials.assign(batch, 0);
    under_.passed.assign(batch, 0.0);
    under_.step.assign(batch, std::numeric_limits<double>::infinity());
    under_.remembered.assign(batch, 1.0);
    under_.may_grow.assign(batch, 1);
    under_.adjoint = arriving.contiguous();
    scale_ = at::add(at::mul(steps_.largest.index_select(0, as_tensor(rows)), settings_.rtol), settings_.atol);
    release();
    while (!under_.rows.empty()) {
      enter();
      try_piece();
      release();
    }
    return result_;
  }

 private:
  Tensor moment(const std::vector<double>& times) const {
    return field_.uses_time() ? times_for(times, under_.adjoint) : Tensor();
  }

  std::shared_ptr<Known> evaluated(const std::vector<double>& times, const Tensor& state) const {
    auto known = std::make_shared<Known>();
    known->evaluation = {moment(times), state, {}};
    known->slope = field_.evaluate_keeping(known->evaluation);
    return known;
  }

  // da/ds = (∂f/∂y)ᵀa with the sign of time.
  Tensor pull(const std::shared_ptr<Known>& known, const Tensor& adjoint, Pulled& pulled) const {
    pulled = {known, adjoint, {}};
    const bool later = gradients_ != nullptr && field_.settles();
    const Tensor found = field_.pull_kept(known->evaluation, adjoint, nullptr, later ? &pulled.arriving : nullptr);
    return sign_ > 0 ? found : at::neg(found);
  }

  // Lets the samples go that are back at the start, with their results.
  void release() {
    Mask gone(under_.rows.size());
    std::transform(under_.point.begin(), under_.point.end(), gone.begin(), [](auto point) { return point < 0; });
    if (!any(gone)) {
      return;
    }
    start_.reset();
    const Places leaving = places_of(gone), left = places_of(inverse(gone));
    const Tensor out = as_tensor(leaving), in = as_tensor(left);
    result_.index_copy_(0, as_tensor(chosen(under_.place, leaving)), under_.adjoint.index_select(0, out));
    under_.rows = chosen(under_.rows, left);
    under_.place = chosen(under_.place, left);
    under_.point = chosen(under_.point, left);
    under_.trials = chosen(under_.trials, left);
    under_.passed = chosen(under_.passed, left);
    under_.step = chosen(under_.step, left);
    under_.remembered = chosen(under_.remembered, left);
    under_.may_grow = chosen(under_.may_grow, left);
    if (left.empty()) {
      return;
    }
    under_.adjoint = under_.adjoint.index_select(0, in);
    scale_ = scale_.index_select(0, in);
    if (!inside_.size.empty()) {
      inside_.earlier = chosen(inside_.earlier, left);
      inside_.later = chosen(inside_.later, left);
      inside_.size = chosen(inside_.size, left);
      inside_.state.select(in);
    }
  }

  // Makes ready the accepted steps that samples enter, and the evaluation where every sample is.
  void enter() {
    Mask entering(under_.rows.size());
    std::transform(under_.trials.begin(), under_.trials.end(), entering.begin(), [](auto trials) { return trials == 0; });
    const Places places = places_of(entering);
    before_.reset();
    if (places.size() == under_.rows.size() || inside_.size.empty()) {
      inside_ = entered(under_.rows, under_.point, true);
    } else if (!places.empty()) {
      const Inside others = entered(chosen(under_.rows, places), chosen(under_.point, places), false);
      for (std::size_t one = 0; one < places.size(); ++one) {
        inside_.earlier[places[one]] = others.earlier[one];
        inside_.later[places[one]] = others.later[one];
        inside_.size[places[one]] = others.size[one];
      }
      inside_.state.replace(as_tensor(places), others.state);
    }
    if (start_ == nullptr) {
      start_ = std::make_shared<Pulled>();
      std::vector<double> times;
      const Tensor state = point_at(under_.passed, times);
      under_.slope = pull(evaluated(times, state), under_.adjoint, *start_);
    }
  }

  // The steps from `point` of these samples; where all enter together, the evaluations at the ends are kept.
  Inside entered(const Places& rows, const Places& point, bool together) {
    Inside steps;
    Places first_places, last_places;
    for (std::size_t one = 0; one < rows.size(); ++one) {
      const auto& times = steps_.times[rows[one]];
      const auto& places = steps_.places[rows[one]];
      steps.earlier.push_back(times[point[one]]);
      steps.later.push_back(times[point[one] + 1]);
      steps.size.push_back(steps.later.back() - steps.earlier.back());
      first_places.push_back(places[point[one]]);
      last_places.push_back(places[point[one] + 1]);
    }
    const Tensor first = steps_.states.index_select(0, as_tensor(first_places));
    const Tensor last = steps_.states.index_select(0, as_tensor(last_places));
    const Tensor size = per_sample(steps.size, first);
    Tensor first_slope, last_slope;
    if (together) {
      before_ = evaluated(steps.earlier, first);
      first_slope = before_->slope;
    } else {
      first_slope = field_.evaluate(moment(steps.earlier), first);
    }
    last_slope = start_ != nullptr && together ? start_->at->slope : field_.evaluate(moment(steps.later), last);
    const auto increment_at = [&](double theta, const Tensor& state) {
      std::vector<double> times(steps.earlier);
      for (std::size_t one = 0; one < times.size(); ++one) {
        times[one] += theta * steps.size[one];
      }
      return at::mul(size, field_.evaluate(moment(times), state));
    };
    steps.state = step_interpolant(first, last, at::mul(size, first_slope), at::mul(size, last_slope), increment_at,
                                   method_.order);
    return steps;
  }

  // y, and t, where so much of the accepted steps is behind.
  Tensor point_at(const std::vector<double>& passed, std::vector<double>& times) const {
    std::vector<double> theta(passed.size());
    times.resize(passed.size());
    for (std::size_t one = 0; one < passed.size(); ++one) {
      theta[one] = std::min(std::max(1.0 - passed[one] / std::abs(inside_.size[one]), 0.0), 1.0);
      times[one] = inside_.earlier[one] + theta[one] * inside_.size[one];
    }
    return inside_.state.at(theta);
  }

  // One piece of every sample under way, and what follows from it.
  void try_piece() {
    const std::size_t batch = under_.rows.size();
    std::vector<double> step(batch), smallest(batch);
    Mask at_end(batch), accepted(batch), finite(batch);
    for (std::size_t one = 0; one < batch; ++one) {
      const double length = std::abs(inside_.size[one]), left = length - under_.passed[one];
      at_end[one] = under_.step[one] * stretch >= left;
      step[one] = at_end[one] != 0 ? left : std::min(under_.step[one], 0.5 * left);
      smallest[one] = spacings_of_piece * spacing_ * length;
    }
    std::vector<Pulled> stages;
    std::shared_ptr<Known> last;
    const auto slope_at = [&](std::int64_t stage, const Tensor& adjoint) {
      const double node = method_.nodes[stage];
      const auto known = node == 1.0 ? piece_end(step, at_end, last) : inside_piece(node, step);
      stages.emplace_back();
      return pull(known, adjoint, stages.back());
    };
    const Trial trial = take_trial(slope_at, method_, buffer_, {rtol_, 0.0, floor()},
                                   per_sample(step, under_.adjoint), under_.adjoint, under_.slope);
    for (std::size_t one = 0; one < batch; ++one) {
      finite[one] = std::isfinite(trial.ratio[one]);
      accepted[one] = trial.ratio[one] <= 1.0 || (finite[one] != 0 && step[one] <= smallest[one]);
    }
    require_progress(accepted, finite, step, smallest);
    const bool all_accepted = all(accepted);
    settle(stages, step, accepted, all_accepted, last);
    if (start_ != nullptr && start_->at == last && trial.slope.defined()) {
      under_.slope = trial.slope;
    }
    move(trial, step, smallest, at_end, accepted);
  }

  std::shared_ptr<Known> inside_piece(double node, const std::vector<double>& step) const {
    std::vector<double> passed(under_.passed), times;
    for (std::size_t one = 0; one < passed.size(); ++one) {
      passed[one] += node * step[one];
    }
    const Tensor state = point_at(passed, times);
    return evaluated(times, state);
  }

  // Where all pieces end with their accepted steps, f is known there.
  const std::shared_ptr<Known>& piece_end(const std::vector<double>& step, const Mask& at_end,
                                          std::shared_ptr<Known>& last) const {
    if (last == nullptr && before_ != nullptr && all(at_end)) {
      last = before_;
    }
    if (last == nullptr) {
      std::vector<double> passed(under_.passed), times;
      std::transform(passed.begin(), passed.end(), step.begin(), passed.begin(), std::plus<>());
      Tensor state = point_at(passed, times);
      for (std::size_t one = 0; one < times.size(); ++one) {
        times[one] = at_end[one] != 0 ? inside_.earlier[one] : times[one];
      }
      state = at::where(like(as_tensor(at_end), state), inside_.state.start, state);
      last = evaluated(times, state);
    }
    return last;
  }

  // Adds h Σ bᵢ aᵢᵀ ∂f/∂θ of the accepted pieces; keeps the evaluation that the next one starts at.
  void settle(std::vector<Pulled>& stages, const std::vector<double>& step, const Mask& accepted, bool all_accepted,
              const std::shared_ptr<Known>& last) {
    if (!any(accepted)) {
      return;
    }
    if (gradients_ != nullptr) {
      std::vector<double> share(step);
      for (std::size_t one = 0; one < share.size(); ++one) {
        share[one] = accepted[one] != 0 ? sign_ * step[one] : 0.0;
      }
      const Tensor factor = per_sample(share, under_.adjoint);
      add_gradients(stages, factor, all_accepted ? Tensor() : as_tensor(inverse(accepted)));
    }
    const bool carries = all_accepted && method_.first_same_as_last && last != nullptr;
    start_ = carries ? std::make_shared<Pulled>(std::move(stages.back())) : nullptr;
  }

  void add_gradients(const std::vector<Pulled>& stages, const Tensor& factor, const Tensor& rejected) {
    std::vector<Settlement> settlements;
    for (std::int64_t stage = 0; stage < method_.stages(); ++stage) {
      const Pulled& pulled = stage == 0 ? *start_ : stages[stage - 1];
      if (method_.weights[stage] == 0.0) {
        continue;
      }
      const Tensor weight = at::mul(factor, method_.weights[stage]);
      settlements.push_back({&pulled.at->evaluation, &pulled.arriving, weight});
      if (!field_.settles()) {
        Tensor weighted = at::mul(pulled.adjoint, weight);
        weighted = rejected.defined() ? weighted.masked_fill_(like(rejected, weighted), 0.0) : weighted;
        field_.pull_kept(pulled.at->evaluation, weighted, gradients_, nullptr);
      }
    }
    if (field_.settles()) {
      field_.settle(settlements, rejected, *gradients_);
    }
  }

  void move(const Trial& trial, const std::vector<double>& step, const std::vector<double>& smallest,
            const Mask& at_end, const Mask& accepted) {
    const std::vector<double> change =
        step_factor(settings_, method_, trial.ratio, under_.remembered, under_.may_grow);
    for (std::size_t one = 0; one < step.size(); ++one) {
      const bool good = accepted[one] != 0, moved = good && at_end[one] != 0;
      double following = step[one] * (good ? change[one] : std::min(change[one], settings_.safety));
      // The piece was cut to meet the step's end; what was proposed before still stands.
      following = moved ? std::max(following, under_.step[one]) : following;
      under_.step[one] = std::max(following, smallest[one]);
      under_.point[one] -= moved;
      under_.passed[one] = moved ? 0.0 : good ? under_.passed[one] + step[one] : under_.passed[one];
      under_.remembered[one] = good ? std::max(trial.ratio[one], smallest_remembered) : 1.0;
      under_.trials[one] = moved ? 0 : under_.trials[one] + 1;
    }
    under_.may_grow = accepted;
    under_.adjoint = all(accepted) ? trial.state
                                   : at::where(like(as_tensor(accepted), trial.state), trial.state, under_.adjoint);
  }

  // The absolute tolerance of every entry of a.
  Tensor floor() const {
    Tensor result = at::empty_like(scale_);
    const std::int64_t batch = scale_.size(0), entries = scale_.numel() / batch;
    AT_DISPATCH_FLOATING_TYPES(result.scalar_type(), "fill_floor", [&] {
      fill_floor<scalar_t>(result.mutable_data_ptr<scalar_t>(), under_.adjoint.const_data_ptr<scalar_t>(),
                           scale_.const_data_ptr<scalar_t>(), batch, entries, rtol_, smallest_floor_);
    });
    return result;
  }

  void require_progress(const Mask& accepted, const Mask& finite, const std::vector<double>& step,
                        const std::vector<double>& smallest) const {
    Mask spoilt(accepted.size()), slow(accepted.size());
    for (std::size_t one = 0; one < accepted.size(); ++one) {
      spoilt[one] = accepted[one] == 0 && finite[one] == 0 && step[one] <= smallest[one];
      slow[one] = accepted[one] == 0 && under_.trials[one] >= settings_.max_num_steps;
    }
    for (const auto& [failed, status] : {std::pair(spoilt, Status::non_finite), std::pair(slow, Status::too_many_steps)}) {
      const Places places = places_of(failed);
      if (!places.empty()) {
        fail_(static_cast<std::int64_t>(status), inside_.later[places[0]], static_cast<std::int64_t>(places.size()),
              static_cast<std::int64_t>(steps_.times.size()));
      }
    }
  }

  const Field& field_;
  const Method& method_;
  const SolveSettings& settings_;
  const AcceptedSteps& steps_;
  std::vector<Tensor>* gradients_;
  const Fail& fail_;
  StageBuffer buffer_;
  const double spacing_, rtol_, sign_;
  double smallest_floor_ = 0.0;
  Tensor result_, scale_;
  Under under_;
  Inside inside_;
  std::shared_ptr<Pulled> start_;
  std::shared_ptr<Known> before_;
};

}  // namespace

Tensor sweep_back(const Field& field, const Method& method, const SolveSettings& settings, const AcceptedSteps& steps,
                  const std::vector<std::int64_t>& rows, const Tensor& arriving, std::vector<Tensor>* gradients,
                  const Fail& fail) {
  const at::NoGradGuard no_grad;
  return Sweep(field, method, settings, steps, arriving, gradients, fail).run(rows, arriving);
}

}  // namespace natrob
