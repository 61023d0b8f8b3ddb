#include "adaptive_backward.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/add.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/mv.h>
#include <ATen/ops/sub.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <c10/util/Exception.h>

#include <cmath>
#include <limits>

#include "places.h"

namespace natrob {

using at::Tensor;

namespace {

// Cotangents of y and of f(t, y) of some samples; undefined ones are 0.
struct Pair {
  Tensor state, slope;
};

Tensor sum(const Tensor& one, const Tensor& other) {
  return !one.defined() ? other : !other.defined() ? one : at::add(one, other);
}

class BackwardPass {
 public:
  BackwardPass(const Field& field, const Method& method, const SolveSettings& settings, const Tensor& cotangent,
               std::vector<Tensor>* gradients, const std::string& changed)
      : field_(field),
        method_(method),
        settings_(settings),
        arriving_(cotangent),
        gradients_(gradients),
        changed_(changed),
        shape_(cotangent.sizes().vec()),
        buffer_(method.stages() + 1, cotangent, Tensor()) {}

  Tensor run(const Tape& tape, bool into_start) {
    Pair pair;
    for (auto trial = tape.trials.rbegin(); trial != tape.trials.rend(); ++trial) {
      pair = before_refresh(*trial, before_trial(*trial, after_leaving(*trial, pair)));
    }
    if (pair.slope.defined() && (into_start || gradients_ != nullptr)) {
      pair.state = sum(pair.state, pull(tape.start, pair.slope));
    }
    return pair.state;
  }

 private:
  Tensor pull(const Evaluation& evaluation, const Tensor& cotangent) const {
    return field_.pull_kept(evaluation, cotangent, gradients_, nullptr);
  }

  Tensor zeros(std::int64_t batch) {
    shape_[0] = batch;
    return at::zeros(shape_, arriving_.options());
  }

  // The cotangents of all who took the trial, from those who went on and those who reached the end.
  Pair after_leaving(const TrialTape& trial, const Pair& pair) {
    if (!trial.some_went) {
      return pair;
    }
    if (trial.ended.size() == 1 && !trial.ended[0].defined()) {
      return {arriving_.index_select(0, trial.ended_rows[0]), Tensor()};
    }
    Pair all;
    const auto put = [&](Tensor& whole, const Tensor& places, const Tensor& part) {
      if (!part.defined()) {
        return;
      }
      if (!whole.defined()) {
        whole = zeros(trial.batch);
      }
      whole.index_copy_(0, places, part);
    };
    if (trial.kept.defined()) {
      put(all.state, trial.kept, pair.state);
      put(all.slope, trial.kept, pair.slope);
    }
    for (std::size_t one = 0; one < trial.ended.size(); ++one) {
      put(all.state, trial.ended[one], arriving_.index_select(0, trial.ended_rows[one]));
    }
    return all;
  }

  // The cotangents of y and f(t, y) before the trial. A rejected sample keeps what it had.
  Pair before_trial(const TrialTape& trial, const Pair& after) {
    if (!trial.step.defined() || (!after.state.defined() && !after.slope.defined())) {
      return after;
    }
    const bool carries = method_.first_same_as_last;
    if (!trial.accepted.defined()) {
      const Pair pulled = through_stages(trial, after.state, carries ? after.slope : Tensor());
      return {pulled.state, carries ? pulled.slope : sum(after.slope, pulled.slope)};
    }
    Pair old, fresh;
    split(trial, after.state, old.state, fresh.state);
    if (carries) {
      split(trial, after.slope, old.slope, fresh.slope);
    } else {
      old.slope = after.slope;
    }
    if (!fresh.state.defined() && !fresh.slope.defined()) {
      return old;
    }
    const Pair pulled = through_stages(trial, fresh.state, fresh.slope);
    return {joined(trial, old.state, pulled.state), joined(trial, old.slope, pulled.slope)};
  }

  // What of a cotangent belongs to the state before the trial, and what to that after it.
  void split(const TrialTape& trial, const Tensor& cotangent, Tensor& old, Tensor& fresh) {
    if (!cotangent.defined()) {
      return;
    }
    const Tensor mask = like(trial.accepted, cotangent);
    old = cotangent.masked_fill(mask, 0.0);
    if (trial.tried.defined()) {
      fresh = cotangent.index_select(0, trial.tried);
    } else if (!trial.stages.empty() || trial.repeatable.has_value()) {
      fresh = cotangent.masked_fill(mask.logical_not(), 0.0);
    }
  }

  Tensor joined(const TrialTape& trial, const Tensor& old, const Tensor& pulled) {
    if (!pulled.defined() || !trial.tried.defined()) {
      return sum(old, pulled);
    }
    const Tensor base = old.defined() ? old : zeros(trial.batch);
    return base.index_add(0, trial.tried, pulled);
  }

  // Through y + h Σ bᵢkᵢ and the stages, from the last to the first.
  Pair through_stages(const TrialTape& trial, const Tensor& of_after, const Tensor& of_last) {
    const std::vector<Evaluation>& stages = trial.repeatable ? repeated(*trial.repeatable) : trial.stages;
    const Tensor& some = of_after.defined() ? of_after : of_last;
    const std::int64_t count = method_.stages();
    buffer_.fit(some);
    std::int64_t filled = count;  // the stages from here on have their cotangents in the buffer
    const auto fill = [&](const Tensor& cotangent) {
      filled -= 1;
      cotangent.defined() ? buffer_.slot(filled).copy_(cotangent) : buffer_.slot(filled).zero_();
    };
    if (method_.first_same_as_last) {
      fill(of_last.defined() ? sum(pull(stages.back(), of_last), of_after) : of_after);
    } else {
      filled = count + 1;
      fill(of_after);
    }
    const std::int64_t end = method_.first_same_as_last ? count : count + 1;
    const auto of_stage = [&](std::int64_t stage) {
      const Tensor mixed = at::mv(buffer_.columns(filled, end - filled), method_.columns[stage]).view(some.sizes());
      return mixed.mul_(trial.step);
    };
    for (std::int64_t stage = filled - 1; stage >= 1; --stage) {
      fill(pull(stages[stage - 1], of_stage(stage)));
    }
    const Tensor of_state = buffer_.columns(filled, end - filled).sum(1).view(some.sizes());
    return {of_state, of_stage(0)};
  }

  // The stages of a trial, computed again. Throws c10::ValueError where they are others.
  const std::vector<Evaluation>& repeated(const Repeatable& before) {
    if (!repeating_) {
      repeating_.emplace(method_.stages(), arriving_, Tensor());
    }
    again_.clear();
    const Trial again = take_trial(field_, method_, *repeating_, {settings_.rtol, settings_.atol, {}}, before.time,
                                   before.step, before.state, before.slope, &again_);
    require_same(at::sub(before.after, before.state), at::sub(again.state, before.state), before.state);
    if (before.last.defined()) {
      require_same(before.last, again.slope, Tensor());
    }
    return again_;
  }

  void require_same(const Tensor& before, const Tensor& now, const Tensor& state) const {
    const double spacing = before.scalar_type() == at::kFloat ? std::numeric_limits<float>::epsilon()
                                                              : std::numeric_limits<double>::epsilon();
    const auto largest = [](const Tensor& values) { return values.abs().nan_to_num(0.0, 0.0, 0.0).max().item<double>(); };
    const double rounding = state.defined() ? 16.0 * spacing * largest(state) : 0.0;
    const double allowed = std::sqrt(spacing) * largest(before) + rounding;
    TORCH_CHECK_VALUE(before.allclose(now, std::sqrt(spacing), allowed, true), changed_);
  }

  // f(t, y) was evaluated anew where it was stale, so what was there before does not count.
  Pair before_refresh(const TrialTape& trial, Pair pair) {
    if (!trial.refreshed || !pair.slope.defined()) {
      return pair;
    }
    if (!trial.stale.defined()) {
      return {sum(pair.state, pull(*trial.refreshed, pair.slope)), Tensor()};
    }
    const Tensor pulled = pull(*trial.refreshed, pair.slope.index_select(0, trial.stale));
    const Tensor base = pair.state.defined() ? pair.state : zeros(trial.batch);
    return {base.index_add(0, trial.stale, pulled), pair.slope.index_fill(0, trial.stale, 0.0)};
  }

  const Field& field_;
  const Method& method_;
  const SolveSettings& settings_;
  const Tensor arriving_;
  std::vector<Tensor>* gradients_;
  const std::string& changed_;
  std::vector<std::int64_t> shape_;
  StageBuffer buffer_;
  std::optional<StageBuffer> repeating_;
  std::vector<Evaluation> again_;
};

}  // namespace

Tensor pull_through_steps(const Field& field, const Method& method, const SolveSettings& settings, const Tape& tape,
                          const Tensor& cotangent, bool into_start, std::vector<Tensor>* gradients,
                          const std::string& changed) {
  const at::NoGradGuard no_grad;
  return BackwardPass(field, method, settings, cotangent, gradients, changed).run(tape, into_start);
}

}  // namespace natrob
