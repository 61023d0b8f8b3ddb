#include "adaptive_autograd.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <limits>

#include "adaptive_backward.h"
#include "places.h"

namespace natrob {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {

// Everything that backward needs besides tensors; the tape's tensors are with autograd, which counts their changes.
struct Kept : torch::CustomClassHolder {
  std::shared_ptr<Program> program;
  std::shared_ptr<Method> method;
  SolveSettings settings;
  Tensor slope, memory;            // until the solve takes them
  Tape tape;                       // of direct and checkpointed gradients
  AcceptedSteps steps;             // of the adjoint
  Tensor reached;                  // who is finite at the end, (batch,)
  std::vector<Tensor> parameters;  // where the solve is repeated, which notices itself what was changed
  std::int64_t saved = 0;          // tensors of tape and steps
  Callbacks callbacks;
  std::string changed;
};

template <typename Visit>
void visit(Evaluation& evaluation, const Visit& each) {
  each(evaluation.time);
  each(evaluation.state);
  for (Tensor& value : evaluation.kept) {
    each(value);
  }
}

// Calls `each` with every tensor that is with autograd, in the same order each time.
template <typename Visit>
void visit(Tape& tape, AcceptedSteps& steps, const Visit& each) {
  visit(tape.start, each);
  for (TrialTape& trial : tape.trials) {
    for (Evaluation& evaluation : trial.stages) {
      visit(evaluation, each);
    }
    if (trial.refreshed) {
      visit(*trial.refreshed, each);
    }
    if (trial.repeatable) {
      each(trial.repeatable->state);
      each(trial.repeatable->slope);
      each(trial.repeatable->after);
      each(trial.repeatable->last);
    }
  }
  each(steps.states);
}

// Whether a gradient is a tensor of numbers: no transform of torch.func, no subclass stands behind it.
bool is_plain(const Tensor& tensor) {
  constexpr c10::DispatchKeySet wrapped({c10::DispatchKey::Python, c10::DispatchKey::FuncTorchBatched,
                                         c10::DispatchKey::Batched, c10::DispatchKey::FuncTorchGradWrapper,
                                         c10::DispatchKey::ZeroTensor, c10::DispatchKey::Functionalize});
  return !tensor.key_set().has_any(wrapped);
}

// Those of the program.
std::vector<Tensor> used(const std::vector<Tensor>& parameters, const Program& program) {
  return {parameters.begin(), parameters.begin() + program.parameters()};
}

class RecordedSolve : public torch::autograd::Function<RecordedSolve> {
 public:
  static Tensor forward(AutogradContext* context, Outcome* outcome, c10::intrusive_ptr<Kept> kept, const Tensor& start,
                        at::TensorList parameters) {
    const Field field(kept->program, used(parameters.vec(), *kept->program));
    const bool adjoint = kept->settings.adjoint;
    kept->settings.keep_states = adjoint;
    *outcome = solve(field, *kept->method, kept->settings, start, kept->slope, kept->memory, !adjoint);
    kept->memory.reset();
    kept->slope.reset();
    if (!outcome->supported) {
      return start;
    }
    if (adjoint) {
      kept->steps = accepted_steps(*outcome, kept->settings.start_time);
      kept->reached = at::isfinite(outcome->state).flatten(1).all(1);
      outcome->states.clear();
    } else {
      kept->tape = std::move(outcome->tape);
    }
    save(*context, kept, start, parameters);
    return outcome->state;
  }

  static variable_list backward(AutogradContext* context, variable_list arriving) {
    const auto kept = c10::static_intrusive_pointer_cast<Kept>(context->saved_data["kept"].toCapsule());
    const variable_list saved = context->get_saved_variables();
    std::vector<Tensor> parameters = kept->parameters;
    const auto count = static_cast<std::int64_t>(saved.size()) - kept->saved;
    if (!kept->settings.checkpointed) {
      parameters.assign(saved.begin() + 1, saved.begin() + count);
    }
    variable_list found;
    if (at::GradMode::is_enabled() || !is_plain(arriving[0])) {
      found = kept->callbacks.with_graph(arriving[0], saved[0], parameters);
    } else {
      Tape tape = kept->tape;
      AcceptedSteps steps = kept->steps;
      std::size_t next = count;
      visit(tape, steps, [&](Tensor& tensor) { tensor = saved[next++]; });
      found = pulled(*context, *kept, tape, steps, arriving[0], parameters);
    }
    found.insert(found.begin(), 2, Tensor());  // the arguments that are no part of the graph
    return found;
  }

 private:
  static void save(AutogradContext& context, const c10::intrusive_ptr<Kept>& kept, const Tensor& start,
                   at::TensorList parameters) {
    variable_list saved{start};
    if (kept->settings.checkpointed) {
      kept->parameters = parameters.vec();
    } else {
      saved.insert(saved.end(), parameters.begin(), parameters.end());
    }
    const std::size_t before = saved.size();
    visit(kept->tape, kept->steps, [&](Tensor& tensor) {
      saved.push_back(tensor);
      tensor.reset();
    });
    kept->saved = static_cast<std::int64_t>(saved.size() - before);
    context.save_for_backward(std::move(saved));
    context.saved_data["kept"] = c10::IValue::make_capsule(kept);
  }

  static variable_list pulled(AutogradContext& context, const Kept& kept, const Tape& tape, const AcceptedSteps& steps,
                              const Tensor& arriving, const std::vector<Tensor>& parameters) {
    std::vector<bool> wanted;
    for (std::size_t index = 0; index < parameters.size(); ++index) {
      wanted.push_back(context.needs_input_grad(1 + index));
    }
    const bool any_wanted = std::find(wanted.begin(), wanted.end(), true) != wanted.end();
    Field field(kept.program, used(parameters, *kept.program));
    field.want(wanted);
    std::vector<Tensor> gradients(parameters.size());
    std::vector<Tensor>* sums = any_wanted ? &gradients : nullptr;
    variable_list found;
    if (kept.settings.adjoint) {
      found.push_back(swept(kept, field, steps, arriving, sums));
      zero_missing(gradients, wanted, parameters);
    } else {
      found.push_back(pull_through_steps(field, *kept.method, kept.settings, tape, arriving,
                                         context.needs_input_grad(0), sums, kept.changed));
    }
    found.insert(found.end(), gradients.begin(), gradients.end());
    return found;
  }

  // a(t_0), 0 for samples that did not reach the end, NaN where what arrives is not finite.
  static Tensor swept(const Kept& kept, const Field& field, const AcceptedSteps& steps, const Tensor& arriving,
                      std::vector<Tensor>* gradients) {
    const Tensor flat = arriving.flatten(1);
    const Tensor finite = at::isfinite(flat).all(1);
    const Tensor going = kept.reached.logical_and(finite).logical_and_(flat.ne(0).any(1));
    const Tensor rows = going.nonzero().select(1, 0).contiguous();
    Tensor result = at::zeros_like(arriving, std::nullopt, std::nullopt, std::nullopt, std::nullopt,
                                   at::MemoryFormat::Contiguous);
    if (rows.numel() > 0) {
      const auto* data = rows.const_data_ptr<std::int64_t>();
      const Places places(data, data + rows.numel());
      result.index_copy_(0, rows, sweep_back(field, *kept.method, kept.settings, steps, places,
                                             arriving.index_select(0, rows), gradients, kept.callbacks.fail));
    }
    const Tensor spoilt = kept.reached.logical_and(finite.logical_not());
    if (spoilt.any().item<bool>()) {
      constexpr double none = std::numeric_limits<double>::quiet_NaN();
      result.masked_fill_(like(spoilt, result), none);
      spoil(gradients, field.parameters());
    }
    return result;
  }

  static void spoil(std::vector<Tensor>* gradients, const std::vector<Tensor>& parameters) {
    for (std::size_t index = 0; gradients != nullptr && index < parameters.size(); ++index) {
      (*gradients)[index] = at::full_like(parameters[index], std::numeric_limits<double>::quiet_NaN());
    }
  }

  static void zero_missing(std::vector<Tensor>& gradients, const std::vector<bool>& wanted,
                           const std::vector<Tensor>& parameters) {
    gradients.resize(parameters.size());
    for (std::size_t index = 0; index < parameters.size(); ++index) {
      if (wanted[index] && !gradients[index].defined()) {
        gradients[index] = at::zeros_like(parameters[index]);
      }
    }
  }
};

}  // namespace

Outcome solve_recorded(const std::shared_ptr<Program>& program, const std::vector<Tensor>& parameters,
                       const std::shared_ptr<Method>& method, const SolveSettings& settings, const Tensor& start,
                       const Tensor& slope, const Tensor& memory, Callbacks callbacks, std::string changed) {
  auto kept = c10::make_intrusive<Kept>();
  kept->program = program;
  kept->method = method;
  kept->settings = settings;
  kept->slope = slope;
  kept->memory = memory;
  kept->callbacks = std::move(callbacks);
  kept->changed = std::move(changed);
  Outcome outcome;
  outcome.state = RecordedSolve::apply(&outcome, kept, start, at::TensorList(parameters));
  return outcome;
}

}  // namespace natrob
