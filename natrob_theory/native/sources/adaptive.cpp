#include "adaptive.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/where.h>
#include <torch/csrc/utils/pybind.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "places.h"
#include "same_bits.h"
#include "step_control.h"

namespace natrob {

using at::Tensor;

namespace {

// Lets Ctrl-C through now and then.
class Interruption {
 public:
  void look() {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < std::chrono::milliseconds(100)) {
      return;
    }
    last_ = now;
    const pybind11::gil_scoped_acquire gil;
    if (PyErr_CheckSignals() != 0) {
      throw pybind11::error_already_set();
    }
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

class Solve {
 public:
  Solve(const Field& field, const Method& method, const SolveSettings& settings, const Tensor& start,
        const Tensor& slope, const Tensor& memory, bool recorded)
      : field_(field),
        method_(method),
        settings_(settings),
        recorded_(recorded),
        buffer_(method.stages(), start, memory),
        time_(start.size(0), settings.start_time),
        remembered_(start.size(0), 1.0),
        state_(start),
        status_(start.size(0), static_cast<std::int64_t>(Status::too_many_steps)) {
    Evaluation& first = outcome_.tape.start;
    first = evaluation(time_, state_);
    slope_ = evaluate(first);
    outcome_.agrees = outcome_.supported = same_bits(slope_, slope);
    if (!outcome_.agrees) {
      return;
    }
    step_ = first_step(field, method, settings, time_, state_, slope_);
    if (settings.keep_states) {
      outcome_.states.push_back(start);
    }
    const Tensor finite = at::isfinite(slope_).flatten(1).all(1);
    if (!finite.all().item<bool>()) {
      const bool* data = finite.const_data_ptr<bool>();
      Mask spoilt(time_.size());
      for (std::size_t one = 0; one < spoilt.size(); ++one) {
        spoilt[one] = !data[one];
      }
      begin_tape();  // a trial of nobody, after which the others go on
      end({{Status::non_finite, spoilt}});
    }
  }

  Outcome run() {
    Interruption interruption;
    for (std::int64_t tried = 0; tried < settings_.max_num_steps && !over_ && outcome_.supported; ++tried) {
      try_step();
      interruption.look();
    }
    if (outcome_.supported) {
      finish();
    }
    outcome_.memory = buffer_.memory();
    return std::move(outcome_);
  }

 private:
  using Verdicts = std::vector<std::pair<Status, Mask>>;

  Evaluation evaluation(const std::vector<double>& time, const Tensor& state) const {
    return {field_.uses_time() ? times_for(time, state) : Tensor(), state, {}};
  }

  Tensor evaluate(Evaluation& evaluation) const {
    return recorded_ ? field_.evaluate_keeping(evaluation) : field_.evaluate(evaluation.time, evaluation.state);
  }

  // A trial step of these samples, which the tape keeps in place of what it had.
  Trial trial_at(const std::vector<double>& time, const std::vector<double>& step, const Tensor& state,
                 const Tensor& slope) {
    std::vector<Evaluation> stages;
    const bool keep_stages = recorded_ && !settings_.checkpointed;
    Trial trial = take_trial(field_, method_, buffer_, {settings_.rtol, settings_.atol, {}}, time, step, state, slope,
                             keep_stages ? &stages : nullptr);
    if (recorded_) {
      tape().step = per_sample(step, state);
      tape().stages = std::move(stages);
    }
    if (recorded_ && settings_.checkpointed) {
      tape().repeatable = {time, step, state, slope, trial.state, trial.slope};
    }
    return trial;
  }

  TrialTape& tape() { return outcome_.tape.trials.back(); }

  void begin_tape() {
    if (!recorded_) {
      return;
    }
    outcome_.tape.trials.emplace_back();
    tape().batch = static_cast<std::int64_t>(time_.size());
  }

  // Evaluates f at the states that were reached by a method whose last stage is not there.
  void refresh() {
    if (stale_.empty()) {
      return;
    }
    const Places places = places_of(stale_);
    stale_.clear();
    if (places.empty()) {
      return;
    }
    const bool everybody = places.size() == time_.size() && state_.is_contiguous();
    const Tensor indices = everybody ? Tensor() : as_tensor(places);
    const Tensor points = everybody ? state_ : state_.index_select(0, indices);
    Evaluation found = evaluation(chosen(time_, places), points);
    const Tensor slope = evaluate(found);
    slope_ = everybody ? slope : slope_.index_copy(0, indices, slope);
    if (recorded_) {
      tape().refreshed = std::move(found);
      tape().stale = indices;
    }
  }

  void try_step() {
    const StepEnds ends = step_ends(settings_, time_, step_);
    if (!ends.resolved && field_.uses_time()) {
      outcome_.supported = false;  // whether t is too coarse for the field is the Python driver's to judge
      return;
    }
    begin_tape();
    refresh();
    const Trial trial = trial_at(time_, ends.step, state_, slope_);
    Mask accepted(time_.size()), unresolved;
    for (std::size_t one = 0; one < accepted.size(); ++one) {
      accepted[one] = trial.ratio[one] <= 1.0;
    }
    if (!ends.resolved) {
      unresolved = too_small(ends.step);
    }
    const bool all_accepted = all(accepted);
    if (unresolved.empty() && all_accepted && !ends.at_end.empty() && all(ends.at_end)) {
      time_ = ends.time;
      state_ = trial.state;
      note(accepted, trial.error_norm);
      end_all(Status::reached_end);
      return;
    }
    move(trial, ends, accepted, all_accepted);
    note(accepted, trial.error_norm);
    end(verdicts(trial, ends, accepted, unresolved));
  }

  Mask too_small(const std::vector<double>& step) const {
    const double smallest = state_.scalar_type() == at::kFloat
                                ? static_cast<double>(std::numeric_limits<float>::min())
                                : std::numeric_limits<double>::min();
    Mask mask(step.size());
    for (std::size_t one = 0; one < step.size(); ++one) {
      mask[one] = std::abs(step[one]) < smallest;
    }
    return any(mask) ? mask : Mask();
  }

  // t, y, f(t, y), |h| and what is remembered after the trial.
  void move(const Trial& trial, const StepEnds& ends, const Mask& accepted, bool all_accepted) {
    std::vector<double> change = step_factor(settings_, method_, trial.ratio, remembered_, may_grow_);
    if (all_accepted) {
      state_ = trial.state;
      slope_ = method_.first_same_as_last ? trial.slope : slope_;
    } else {
      merge(trial, ends, accepted);
    }
    for (std::size_t one = 0; one < change.size(); ++one) {
      const bool good = accepted[one] != 0;
      const double ratio = trial.ratio[one];
      remembered_[one] = !good ? 1.0 : ratio < smallest_remembered ? smallest_remembered : ratio;
      time_[one] = good ? ends.time[one] : time_[one];
      const double factor = good ? change[one] : std::min(change[one], settings_.safety);
      step_[one] = std::min(std::abs(factor * ends.step[one]), settings_.largest_step);
    }
    stale_ = method_.first_same_as_last ? Mask() : accepted;
    may_grow_ = all_accepted ? Mask() : accepted;
  }

  // y and f(t, y): new where accepted, old where not. With gradients, a rejected row that is not finite would turn the
  // parameters' gradients into NaN (0 times infinity), so the accepted rows are computed again without it.
  void merge(const Trial& trial, const StepEnds& ends, const Mask& accepted) {
    const Places winners = places_of(accepted);
    const Tensor chosen_rows = as_tensor(accepted);
    if (recorded_) {
      tape().accepted = chosen_rows;
    }
    if (winners.empty()) {
      if (recorded_) {
        tape().stages.clear();
        tape().repeatable.reset();
      }
      return;
    }
    Tensor state = trial.state, slope = trial.slope;
    const bool finite = std::all_of(trial.ratio.begin(), trial.ratio.end(), [](double one) { return std::isfinite(one); });
    if (recorded_ && !finite) {
      const Tensor indices = as_tensor(winners);
      const Tensor before = state_.index_select(0, indices), slope_before = slope_.index_select(0, indices);
      const Trial again = trial_at(chosen(time_, winners), chosen(ends.step, winners), before, slope_before);
      state = state_.index_copy(0, indices, again.state);
      slope = again.slope.defined() ? slope_.index_copy(0, indices, again.slope) : Tensor();
      tape().tried = indices;
    }
    const Tensor mask = like(chosen_rows, state_);
    state_ = at::where(mask, state, state_);
    slope_ = slope.defined() ? at::where(mask, slope, slope_) : slope_;
  }

  Verdicts verdicts(const Trial& trial, const StepEnds& ends, const Mask& accepted, const Mask& unresolved) const {
    const std::size_t batch = accepted.size();
    Mask coarse(batch), reached(batch), underflow(batch), spoilt(batch);
    for (std::size_t one = 0; one < batch; ++one) {
      const bool fine = unresolved.empty() || unresolved[one] == 0;
      const bool good = accepted[one] != 0;
      const bool stuck = !good && step_[one] < settings_.smallest_step;
      coarse[one] = !fine && (good || stuck);
      reached[one] = good && fine && !ends.at_end.empty() && ends.at_end[one] != 0;
      underflow[one] = stuck && fine && std::isfinite(trial.ratio[one]);
      spoilt[one] = stuck && fine && !std::isfinite(trial.ratio[one]);
    }
    return {{Status::time_resolution, coarse},
            {Status::reached_end, reached},
            {Status::step_size_underflow, underflow},
            {Status::non_finite, spoilt}};
  }

  void note(const Mask& accepted, const Tensor& error_norm) {
    outcome_.attempts.push_back({rows_tensor(), as_tensor(time_), as_tensor(accepted), error_norm});
    if (settings_.keep_states) {
      outcome_.states.push_back(state_);
    }
  }

  // Lets the samples go whose solve has ended, with their results.
  void end(const Verdicts& verdicts) {
    Mask gone(time_.size());
    for (const auto& [status, mask] : verdicts) {
      const Places places = places_of(mask);
      if (places.empty()) {
        continue;
      }
      if (places.size() == mask.size()) {
        end_all(status);
        return;
      }
      for (const std::int64_t place : places) {
        gone[place] = 1;
      }
      const Tensor indices = as_tensor(places);
      note_end(status, rows_at(places), state_.index_select(0, indices), indices);
    }
    if (any(gone)) {
      select(gone);
    }
  }

  void select(const Mask& gone) {
    const Places places = places_of(inverse(gone));
    const Tensor indices = as_tensor(places);
    if (recorded_) {
      tape().some_went = true;
      tape().kept = places.empty() ? Tensor() : indices;
    }
    rows_ = rows_at(places);
    everybody_ = false;
    rows_tensor_ = Tensor();
    over_ = places.empty();
    time_ = chosen(time_, places);
    step_ = chosen(step_, places);
    remembered_ = chosen(remembered_, places);
    may_grow_ = may_grow_.empty() ? may_grow_ : chosen(may_grow_, places);
    stale_ = stale_.empty() ? stale_ : chosen(stale_, places);
    state_ = state_.index_select(0, indices);
    slope_ = slope_.index_select(0, indices);
  }

  void end_all(Status status) {
    Places everybody(time_.size());
    for (std::size_t one = 0; one < everybody.size(); ++one) {
      everybody[one] = static_cast<std::int64_t>(one);
    }
    note_end(status, rows_at(everybody), state_, Tensor());
    over_ = true;
    if (recorded_ && !outcome_.tape.trials.empty()) {
      tape().some_went = true;
      if (method_.first_same_as_last && !tape().stages.empty()) {
        tape().stages.back() = {};  // nobody goes on from there
      }
    }
  }

  // `places`: of these samples among those under way; undefined: all.
  void note_end(Status status, const Places& rows, const Tensor& state, const Tensor& places) {
    for (const std::int64_t row : rows) {
      status_[row] = static_cast<std::int64_t>(status);
    }
    const bool good = status == Status::reached_end;
    ended_.emplace_back(as_tensor(rows), good ? state : at::full_like(state, std::numeric_limits<double>::quiet_NaN()));
    if (recorded_ && good) {
      tape().ended.push_back(places);
      tape().ended_rows.push_back(ended_.back().first);
    }
  }

  void finish() {
    if (!over_) {
      end_all(Status::too_many_steps);
    }
    outcome_.status = as_tensor(status_);
    outcome_.failed = std::any_of(status_.begin(), status_.end(), [](auto code) { return code != 0; });
    if (ended_.size() == 1) {
      outcome_.state = ended_[0].second;
      return;
    }
    std::vector<Tensor> rows, states;
    for (const auto& [some, state] : ended_) {
      rows.push_back(some);
      states.push_back(state);
    }
    outcome_.state = at::cat(states).index_select(0, at::cat(rows).argsort());
  }

  Places rows_at(const Places& places) const { return everybody_ ? places : chosen(rows_, places); }

  const Tensor& rows_tensor() {
    if (!everybody_ && !rows_tensor_.defined()) {
      rows_tensor_ = as_tensor(rows_);
    }
    return rows_tensor_;
  }

  const Field& field_;
  const Method& method_;
  const SolveSettings& settings_;
  const bool recorded_;
  StageBuffer buffer_;
  bool everybody_ = true, over_ = false;
  Places rows_;
  Tensor rows_tensor_;
  std::vector<double> time_, step_, remembered_;
  Mask may_grow_, stale_;
  Tensor state_, slope_;
  std::vector<std::int64_t> status_;
  std::vector<std::pair<Tensor, Tensor>> ended_;
  Outcome outcome_;
};

}  // namespace

Outcome solve(const Field& field, const Method& method, const SolveSettings& settings, const Tensor& start,
              const Tensor& slope, const Tensor& memory, bool recorded) {
  const at::NoGradGuard no_grad;
  const at::AutoDispatchBelowADInplaceOrView below;
  return Solve(field, method, settings, start, slope, memory, recorded).run();
}

}  // namespace natrob
