// Pulling cotangents back through a field, by hand: the formulas of torch's derivatives of the same operations.
#include "field.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/add.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/flip.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/neg.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/tanh_backward.h>
#include <ATen/ops/threshold_backward.h>
#include <ATen/ops/zeros_like.h>
#include <c10/util/Exception.h>
#include <torch/csrc/autograd/autograd.h>

#include <array>

namespace natrob {

using at::Tensor;

namespace {

// What pulling back through an operation reads: its first two inputs, its result.
struct Reads {
  bool by_hand, inputs, result;
};

Reads reads(Operation operation) {
  switch (operation) {
    case Operation::linear:
    case Operation::convolution2d:
      return {true, true, false};
    case Operation::tanh:
    case Operation::relu:
      return {true, false, true};
    case Operation::neg:
    case Operation::mul_number:
    case Operation::add_number:
      return {true, false, false};
    default:
      return {false, false, false};
  }
}

bool takes_parameters(Operation operation) {
  return operation == Operation::linear || operation == Operation::convolution2d;
}

void add_to(Tensor& total, Tensor share) {
  if (total.defined()) {
    total.add_(share);
  } else {
    total = std::move(share);
  }
}

// w v, 0 for the rejected samples.
Tensor weighted(const Tensor& cotangent, const Tensor& weight, const Tensor& rejected) {
  std::vector<std::int64_t> shape(cotangent.dim(), 1);
  shape[0] = -1;
  Tensor result = at::mul(cotangent, weight.view(shape));
  return rejected.defined() ? result.masked_fill_(rejected.view(shape), 0.0) : result;
}

// Whether a convolution's transpose is a convolution too: steps of one, one group, and no more margin than weights.
bool turns_around(const std::vector<std::int64_t>& integers, const Tensor& weight) {
  const bool plain = integers[0] == 1 && integers[1] == 1 && integers[4] == 1 && integers[5] == 1 && integers[6] == 1;
  return plain && integers[2] < weight.size(2) && integers[3] < weight.size(3);
}

// The transpose, which takes half of the time of torch's convolution_backward for a few channels.
Tensor turned_around(const std::vector<std::int64_t>& integers, const Tensor& weight, const Tensor& cotangent) {
  const std::array<std::int64_t, 2> ones{1, 1};
  const std::array<std::int64_t, 2> margin{weight.size(2) - 1 - integers[2], weight.size(3) - 1 - integers[3]};
  const Tensor turned = at::flip(weight, {2, 3}).transpose(0, 1).contiguous();
  return at::conv2d(cotangent, turned, {}, ones, margin, ones, 1);
}

// Two axes: all but the last one in a row.
Tensor as_rows(const Tensor& values) { return values.dim() == 2 ? values : values.flatten(0, -2); }

}  // namespace

void Program::note_pulls() {
  kept_.assign(instructions_.size(), false);
  for (std::size_t index = 0; index < instructions_.size(); ++index) {
    const Instruction& instruction = instructions_[index];
    const Reads needed = reads(instruction.operation);
    kept_[index] = kept_[index] || needed.result;
    for (std::size_t which = 0; which < 2 && needed.inputs; ++which) {
      reads_arguments_ = reads_arguments_ || instruction.inputs[which] < 2;
      if (instruction_of(instruction.inputs[which]) >= 0) {
        kept_[instruction_of(instruction.inputs[which])] = true;
      }
    }
    for (const std::int64_t place : instruction.inputs) {
      uses_result_inside_ = uses_result_inside_ || place == output_;
    }
    has_own_pull_ = has_own_pull_ && needed.by_hand;
  }
  has_own_pull_ = has_own_pull_ && instruction_of(output_) >= 0;
  settles_ = has_own_pull_;
  for (const Instruction& instruction : instructions_) {
    if (takes_parameters(instruction.operation)) {
      settles_ = settles_ && instruction_of(instruction.inputs[1]) < 0 && instruction.inputs[1] >= 2;
      settles_ = settles_ && (instruction.inputs[0] == 1 || instruction_of(instruction.inputs[0]) >= 0);
    }
  }
}

// One pull under way.
struct Field::Pulling {
  const Field& field;
  const Evaluation& evaluation;
  std::vector<Tensor>* gradients;
  Values* arriving;
  bool through;  // whether anything but parameters is wanted
  Registers cotangents;
  Tensor of_state;

  const Tensor& value(std::int64_t place) const {
    return field.read(evaluation.kept, evaluation.time, evaluation.state, place);
  }
  bool wants_parameter(std::int64_t place) const {
    return gradients != nullptr && place >= 2 && field.program_->instruction_of(place) < 0 && field.wanted_[place - 2];
  }
  bool wants(std::int64_t place) const {
    return wants_parameter(place) || (through && (place == 1 || field.program_->instruction_of(place) >= 0));
  }
  void give(std::int64_t place, Tensor share) {
    const std::int64_t own = field.program_->instruction_of(place);
    Tensor& total = place == 1 ? of_state : own >= 0 ? cotangents[own] : (*gradients)[place - 2];
    add_to(total, std::move(share));
  }
};

Tensor Field::evaluate_keeping(Evaluation& evaluation) const {
  const at::NoGradGuard no_grad;
  if (!program_->has_own_pull()) {
    return evaluate(evaluation.time, evaluation.state);
  }
  const at::AutoDispatchBelowADInplaceOrView below;
  const auto count = program_->instructions().size();
  Registers& values = evaluation.kept;
  values.assign(count, Tensor());
  for (std::size_t index = 0; index < count; ++index) {
    values[index] = compute(index, values, evaluation.time, evaluation.state, false);
  }
  Tensor result = read(values, evaluation.time, evaluation.state, program_->output());
  for (std::size_t index = 0; index < count; ++index) {
    if (!program_->kept()[index]) {
      values[index].reset();
    }
  }
  if (!program_->reads_arguments()) {
    evaluation.time.reset();
    evaluation.state.reset();
  }
  return result;
}

Tensor Field::pull(const Tensor& time, const Tensor& state, const Tensor& cotangent,
                   std::vector<Tensor>& gradients) const {
  Evaluation evaluation{time, state, {}};
  if (program_->has_own_pull()) {
    evaluate_keeping(evaluation);
  }
  return pull_kept(evaluation, cotangent, &gradients, nullptr);
}

Tensor Field::pull_kept(const Evaluation& evaluation, const Tensor& cotangent, std::vector<Tensor>* gradients,
                        Values* arriving) const {
  if (gradients != nullptr) {
    gradients->resize(parameters_.size());
  }
  if (!program_->has_own_pull()) {
    return pull_by_autograd(evaluation.time, evaluation.state, cotangent, gradients);
  }
  const at::NoGradGuard no_grad;
  const at::AutoDispatchBelowADInplaceOrView below;
  const auto count = program_->instructions().size();
  Pulling pulling{*this, evaluation, gradients, arriving, true, Registers(count), Tensor()};
  if (arriving != nullptr) {
    arriving->assign(count, Tensor());
  }
  // The caller's tensor is not ours to add to, where the result is used again inside.
  const std::int64_t output = program_->instruction_of(program_->output());
  pulling.cotangents[output] = program_->uses_result_inside() ? cotangent.clone() : cotangent;
  for (std::size_t index = count; index-- > 0;) {
    const Tensor own = std::move(pulling.cotangents[index]);
    if (own.defined()) {
      pull_instruction(pulling, index, own);
    }
  }
  return pulling.of_state.defined() ? pulling.of_state : at::zeros_like(cotangent);  // of y's shape, as f is
}

void Field::pull_instruction(Pulling& pulling, std::size_t index, const Tensor& cotangent) const {
  const Instruction& instruction = program_->instructions()[index];
  const std::int64_t first = instruction.inputs[0];
  if (takes_parameters(instruction.operation)) {
    if (pulling.arriving != nullptr) {
      (*pulling.arriving)[index] = cotangent;
    }
    return instruction.operation == Operation::linear ? give_linear(pulling, instruction, cotangent)
                                                      : give_convolution(pulling, instruction, cotangent);
  }
  if (!pulling.wants(first)) {
    return;
  }
  const Tensor& result = pulling.evaluation.kept[index];
  switch (instruction.operation) {
    case Operation::tanh:
      return pulling.give(first, at::tanh_backward(cotangent, result));
    case Operation::relu:
      return pulling.give(first, at::threshold_backward(cotangent, result, 0));
    case Operation::neg:
      return pulling.give(first, at::neg(cotangent));
    case Operation::mul_number:
      return pulling.give(first, at::mul(cotangent, instruction.numbers[0]));
    case Operation::add_number:
      return pulling.give(first, at::mul(cotangent, 1.0));
    default:
      TORCH_CHECK(false, "an operation without a pull of its own");
  }
}

void Field::give_linear(Pulling& pulling, const Instruction& instruction, const Tensor& cotangent) const {
  const std::int64_t input = instruction.inputs[0];
  const Tensor& point = pulling.value(input);
  const Tensor rows = as_rows(cotangent);
  give_linear_parameters(pulling, instruction, rows, as_rows(point));
  if (pulling.wants(input)) {
    pulling.give(input, at::mm(rows, pulling.value(instruction.inputs[1])).view(point.sizes()));
  }
}

void Field::give_linear_parameters(Pulling& pulling, const Instruction& instruction, const Tensor& rows,
                                   const Tensor& inputs) const {
  const std::int64_t weight = instruction.inputs[1], bias = instruction.inputs[2];
  if (pulling.wants(weight)) {
    Tensor* total = pulling.wants_parameter(weight) ? &(*pulling.gradients)[weight - 2] : nullptr;
    if (total != nullptr && total->defined()) {
      at::addmm_out(*total, *total, rows.t(), inputs);
    } else {
      pulling.give(weight, at::mm(rows.t(), inputs));
    }
  }
  if (bias >= 0 && pulling.wants(bias)) {
    pulling.give(bias, at::sum(rows, at::IntArrayRef{0}));
  }
}

void Field::give_convolution(Pulling& pulling, const Instruction& instruction, const Tensor& cotangent) const {
  const std::int64_t input = instruction.inputs[0], weight = instruction.inputs[1], bias = instruction.inputs[2];
  const auto& integers = instruction.integers;
  const auto part = [&](std::size_t start) { return at::IntArrayRef(integers.data() + start, 2); };
  const std::array<bool, 3> mask = {pulling.wants(input), pulling.wants(weight), bias >= 0 && pulling.wants(bias)};
  if (mask[0] && !mask[1] && !mask[2] && turns_around(integers, pulling.value(weight))) {
    return pulling.give(input, turned_around(integers, pulling.value(weight), cotangent));
  }
  const at::OptionalIntArrayRef sizes =
      bias >= 0 ? at::OptionalIntArrayRef(pulling.value(bias).sizes()) : at::OptionalIntArrayRef();
  auto shares = at::convolution_backward(cotangent, pulling.value(input), pulling.value(weight), sizes, part(0),
                                         part(2), part(4), false, std::array<std::int64_t, 2>{0, 0}, integers[6], mask);
  if (mask[0]) {
    pulling.give(input, std::move(std::get<0>(shares)));
  }
  if (mask[1]) {
    pulling.give(weight, std::move(std::get<1>(shares)));
  }
  if (mask[2]) {
    pulling.give(bias, std::move(std::get<2>(shares)));
  }
}

void Field::settle(const std::vector<Settlement>& settlements, const Tensor& rejected,
                   std::vector<Tensor>& gradients) const {
  const at::NoGradGuard no_grad;
  const at::AutoDispatchBelowADInplaceOrView below;
  gradients.resize(parameters_.size());
  for (std::size_t index = 0; index < program_->instructions().size(); ++index) {
    const Instruction& instruction = program_->instructions()[index];
    if (settlements.empty() || !(*settlements[0].arriving)[index].defined()) {
      continue;
    }
    if (instruction.operation == Operation::linear) {
      Pulling pulling{*this, *settlements[0].evaluation, &gradients, nullptr, false, {}, Tensor()};
      settle_rows(pulling, index, settlements, rejected);
      continue;
    }
    for (const Settlement& one : settlements) {
      Pulling pulling{*this, *one.evaluation, &gradients, nullptr, false, {}, Tensor()};
      give_convolution(pulling, instruction, weighted((*one.arriving)[index], one.weight, rejected));
    }
  }
}

// A linear map's gradients are one product over the rows of all evaluations.
void Field::settle_rows(Pulling& pulling, std::size_t index, const std::vector<Settlement>& settlements,
                        const Tensor& rejected) const {
  const Instruction& instruction = program_->instructions()[index];
  std::vector<Tensor> cotangents, inputs;
  for (const Settlement& one : settlements) {
    cotangents.push_back(as_rows(weighted((*one.arriving)[index], one.weight, rejected)));
    inputs.push_back(as_rows(read(one.evaluation->kept, one.evaluation->time, one.evaluation->state,
                                  instruction.inputs[0])));
  }
  give_linear_parameters(pulling, instruction, at::cat(cotangents), at::cat(inputs));
}

Tensor Field::pull_by_autograd(const Tensor& time, const Tensor& state, const Tensor& cotangent,
                               std::vector<Tensor>* gradients) const {
  const at::AutoGradMode with_grad(true);
  std::vector<Tensor> own, inputs;
  std::vector<std::size_t> places;
  for (std::size_t index = 0; index < parameters_.size(); ++index) {
    own.push_back(parameters_[index].detach());
    if (gradients != nullptr && wanted_[index]) {
      own.back().requires_grad_();
      places.push_back(index);
      inputs.push_back(own.back());
    }
  }
  const Tensor point = state.detach().requires_grad_();
  inputs.push_back(point);
  const Tensor value = Field(program_, own).evaluate(time.defined() ? time.detach() : time, point);
  if (!value.requires_grad()) {
    return at::zeros_like(state);
  }
  auto shares = torch::autograd::grad({value}, inputs, {cotangent}, std::nullopt, false, true);
  const at::NoGradGuard no_grad;
  for (std::size_t index = 0; index < places.size(); ++index) {
    if (shares[index].defined()) {
      add_to((*gradients)[places[index]], shares[index]);
    }
  }
  return shares.back().defined() ? shares.back() : at::zeros_like(state);
}

}  // namespace natrob
