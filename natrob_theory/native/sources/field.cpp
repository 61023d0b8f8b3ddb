#include "field.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/add.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv_transpose2d.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/div.h>
#include <ATen/ops/elu.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/flatten.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/hardtanh.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/neg.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/reshape.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/softplus.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/sub.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/t.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/tanh_backward.h>
#include <ATen/ops/threshold_backward.h>
#include <ATen/ops/zeros_like.h>
#include <c10/util/Exception.h>
#include <torch/csrc/autograd/autograd.h>

#include <array>
#include <unordered_map>

namespace natrob {

using at::Tensor;

namespace {

const std::unordered_map<std::string, Operation>& operations() {
  static const std::unordered_map<std::string, Operation> names = {
      {"linear", Operation::linear},
      {"convolution2d", Operation::convolution2d},
      {"transposed_convolution2d", Operation::transposed_convolution2d},
      {"batch_norm", Operation::batch_norm},
      {"group_norm", Operation::group_norm},
      {"tanh", Operation::tanh},
      {"relu", Operation::relu},
      {"sigmoid", Operation::sigmoid},
      {"softplus", Operation::softplus},
      {"elu", Operation::elu},
      {"silu", Operation::silu},
      {"gelu", Operation::gelu},
      {"leaky_relu", Operation::leaky_relu},
      {"hardtanh", Operation::hardtanh},
      {"sin", Operation::sin},
      {"cos", Operation::cos},
      {"exp", Operation::exp},
      {"neg", Operation::neg},
      {"add", Operation::add},
      {"sub", Operation::sub},
      {"mul", Operation::mul},
      {"div", Operation::div},
      {"add_number", Operation::add_number},
      {"mul_number", Operation::mul_number},
      {"div_number", Operation::div_number},
      {"matmul", Operation::matmul},
      {"transpose", Operation::transpose},
      {"flatten", Operation::flatten},
      {"view", Operation::view},
      {"stack_sum", Operation::stack_sum},
      {"broadcast_time", Operation::broadcast_time},
  };
  return names;
}

bool has_own_pull(Operation operation) {
  switch (operation) {
    case Operation::linear:
    case Operation::convolution2d:
    case Operation::tanh:
    case Operation::relu:
    case Operation::neg:
    case Operation::mul_number:
    case Operation::add_number:
      return true;
    default:
      return false;
  }
}

// Whether the result is memory of its own that the next operation may write into.
bool makes_fresh_memory(Operation operation) {
  return operation == Operation::linear || operation == Operation::convolution2d ||
         operation == Operation::batch_norm;
}

void add_to(Tensor& total, Tensor share) {
  if (total.defined()) {
    total.add_(share);
  } else {
    total = std::move(share);
  }
}

}  // namespace

Program::Program(const std::vector<InstructionTuple>& instructions, std::int64_t parameters, std::int64_t output)
    : parameters_(parameters), output_(output) {
  std::int64_t filled = 2 + parameters;
  last_use_.assign(filled + instructions.size(), -1);
  for (const auto& [name, inputs, numbers, integers] : instructions) {
    const auto found = operations().find(name);
    TORCH_CHECK(found != operations().end(), "unknown operation ", name);
    for (const std::int64_t place : inputs) {
      TORCH_CHECK(place >= -1 && place < filled, "register ", place, " is not filled before ", name);
      uses_time_ = uses_time_ || place == 0;
      if (place >= 0) {
        last_use_[place] = filled - 2 - parameters;
      }
    }
    has_own_pull_ = has_own_pull_ && natrob::has_own_pull(found->second);
    instructions_.push_back({found->second, inputs, numbers, integers});
    ++filled;
  }
  TORCH_CHECK(output >= 0 && output < filled, "register ", output, " of the result is not filled");
  uses_time_ = uses_time_ || output == 0;
  last_use_[output] = static_cast<std::int64_t>(instructions.size());
}

Field::Field(std::shared_ptr<const Program> program, std::vector<Tensor> parameters)
    : program_(std::move(program)), parameters_(std::move(parameters)), transposed_(program_->instructions().size()) {
  TORCH_CHECK(static_cast<std::int64_t>(parameters_.size()) == program_->parameters(), "wrong number of parameters");
  const at::NoGradGuard no_grad;
  for (std::size_t index = 0; index < transposed_.size(); ++index) {
    const Instruction& instruction = program_->instructions()[index];
    const std::int64_t weight = instruction.operation == Operation::linear ? instruction.inputs[1] - 2 : -1;
    if (weight >= 0 && weight < program_->parameters() && instruction.inputs[2] >= 0) {
      transposed_[index] = parameters_[weight].t();
    }
  }
}

const Tensor& Field::read(const Registers& values, const Tensor& time, const Tensor& state, std::int64_t place) const {
  static const Tensor left_out;
  if (place < 0) {
    return left_out;
  }
  if (place < 2) {
    return place == 0 ? time : state;
  }
  const std::int64_t own = place - 2 - program_->parameters();
  return own < 0 ? parameters_[place - 2] : values[own];
}

// `keep`: registers must not be written into, as they are needed again.
Tensor Field::compute(std::size_t index, Registers& values, const Tensor& time, const Tensor& state, bool recording,
                      bool keep) const {
  const Instruction& instruction = program_->instructions()[index];
  const auto& numbers = instruction.numbers;
  const auto& integers = instruction.integers;
  const auto input = [&](std::size_t which) -> const Tensor& {
    return read(values, time, state, instruction.inputs[which]);
  };
  const auto optional = [&](std::size_t which) -> std::optional<Tensor> {
    const Tensor& tensor = input(which);
    return tensor.defined() ? std::optional<Tensor>(tensor) : std::nullopt;
  };
  const auto part = [&](std::size_t start, std::size_t count) {
    return at::IntArrayRef(integers.data() + start, count);
  };
  const std::int64_t first = instruction.inputs.empty() ? -1 : instruction.inputs[0];
  const std::int64_t own = first - 2 - program_->parameters();
  const bool in_place = !recording && !keep && own >= 0 &&
                        program_->last_use()[first] == static_cast<std::int64_t>(index) &&
                        makes_fresh_memory(program_->instructions()[own].operation);
  switch (instruction.operation) {
    case Operation::linear:  // y, weight, bias
      if (!recording && transposed_[index].defined() && input(0).dim() == 2) {
        return at::addmm(input(2), input(0), transposed_[index]);  // what at::linear calls here
      }
      return at::linear(input(0), input(1), optional(2));
    case Operation::convolution2d:  // y, weight, bias; stride, padding, dilation (two each), groups
      return at::conv2d(input(0), input(1), optional(2), part(0, 2), part(2, 2), part(4, 2), integers[6]);
    case Operation::transposed_convolution2d:  // y, weight, bias; stride, padding, output padding, groups, dilation
      return at::conv_transpose2d(input(0), input(1), optional(2), part(0, 2), part(2, 2), part(4, 2), integers[6],
                                  part(7, 2));
    case Operation::batch_norm:  // y, weight, bias, mean, variance; epsilon: by the running statistics
      return at::batch_norm(input(0), optional(1), optional(2), optional(3), optional(4), false, 0.0, numbers[0],
                            integers[0] != 0);
    case Operation::group_norm:  // y, weight, bias; epsilon; groups
      return at::group_norm(input(0), integers[0], optional(1), optional(2), numbers[0], integers[1] != 0);
    case Operation::tanh:
      return in_place ? values[own].tanh_() : at::tanh(input(0));
    case Operation::relu:
      return in_place ? values[own].relu_() : at::relu(input(0));
    case Operation::sigmoid:
      return at::sigmoid(input(0));
    case Operation::softplus:  // beta, threshold
      return at::softplus(input(0), numbers[0], numbers[1]);
    case Operation::elu:  // alpha
      return at::elu(input(0), numbers[0]);
    case Operation::silu:
      return at::silu(input(0));
    case Operation::gelu:  // 1 for the approximation by tanh
      return at::gelu(input(0), integers[0] != 0 ? "tanh" : "none");
    case Operation::leaky_relu:  // slope
      return at::leaky_relu(input(0), numbers[0]);
    case Operation::hardtanh:  // low, high
      return at::hardtanh(input(0), numbers[0], numbers[1]);
    case Operation::sin:
      return at::sin(input(0));
    case Operation::cos:
      return at::cos(input(0));
    case Operation::exp:
      return at::exp(input(0));
    case Operation::neg:
      return at::neg(input(0));
    case Operation::add:  // alpha
      return at::add(input(0), input(1), numbers[0]);
    case Operation::sub:  // alpha
      return at::sub(input(0), input(1), numbers[0]);
    case Operation::mul:
      return at::mul(input(0), input(1));
    case Operation::div:
      return at::div(input(0), input(1));
    case Operation::add_number:
      return at::add(input(0), numbers[0]);
    case Operation::mul_number:
      return at::mul(input(0), numbers[0]);
    case Operation::div_number:
      return at::div(input(0), numbers[0]);
    case Operation::matmul:
      return at::matmul(input(0), input(1));
    case Operation::transpose:
      return at::t(input(0));
    case Operation::flatten:  // first and last axis
      return at::flatten(input(0), integers[0], integers[1]);
    case Operation::view:
      return at::reshape(input(0), integers);
    case Operation::stack_sum: {  // of all inputs
      std::vector<Tensor> terms;
      for (std::size_t which = 0; which < instruction.inputs.size(); ++which) {
        terms.push_back(input(which));
      }
      return at::sum(at::stack(terms), at::IntArrayRef{0});
    }
    case Operation::broadcast_time: {  // t, y: t in a shape that multiplies y
      if (input(0).dim() == 0) {
        return input(0);
      }
      std::vector<std::int64_t> sizes(input(1).dim(), 1);
      sizes[0] = -1;
      return input(0).view(sizes);
    }
  }
  TORCH_CHECK(false, "an operation without a meaning");
}

Tensor Field::run(const Tensor& time, const Tensor& state, bool recording) const {
  const auto count = program_->instructions().size();
  const std::int64_t offset = 2 + program_->parameters();
  Registers values(count);
  for (std::size_t index = 0; index < count; ++index) {
    values[index] = compute(index, values, time, state, recording, false);
    for (const std::int64_t place : program_->instructions()[index].inputs) {
      if (place >= offset && program_->last_use()[place] == static_cast<std::int64_t>(index)) {
        values[place - offset].reset();
      }
    }
  }
  return read(values, time, state, program_->output());
}

Tensor Field::evaluate(const Tensor& time, const Tensor& state) const {
  if (at::GradMode::is_enabled()) {
    return run(time, state, true);
  }
  const at::AutoDispatchBelowADInplaceOrView below;  // no graph: past the layers that would look for one
  return run(time, state, false);
}

Tensor Field::pull(const Tensor& time, const Tensor& state, const Tensor& cotangent,
                   std::vector<Tensor>& gradients) const {
  gradients.resize(parameters_.size());
  if (!program_->has_own_pull() || program_->output() < 2 + program_->parameters()) {
    return pull_by_autograd(time, state, cotangent, gradients);
  }
  const at::NoGradGuard no_grad;
  const at::AutoDispatchBelowADInplaceOrView below;
  const auto count = program_->instructions().size();
  const std::int64_t offset = 2 + program_->parameters();
  Registers values(count);
  for (std::size_t index = 0; index < count; ++index) {
    values[index] = compute(index, values, time, state, false, true);
  }
  Registers cotangents(count);
  cotangents[program_->output() - offset] = cotangent;
  Tensor of_state;
  for (std::size_t index = count; index-- > 0;) {
    const Tensor own = std::move(cotangents[index]);
    if (own.defined()) {
      pull_instruction(index, values, time, state, own, cotangents, of_state, gradients);
    }
    values[index].reset();
  }
  return of_state.defined() ? of_state : at::zeros_like(state);
}

void Field::pull_instruction(std::size_t index, const Registers& values, const Tensor& time, const Tensor& state,
                             const Tensor& cotangent, Registers& cotangents, Tensor& of_state,
                             std::vector<Tensor>& gradients) const {
  const Instruction& instruction = program_->instructions()[index];
  const std::int64_t offset = 2 + program_->parameters();
  const auto input = [&](std::size_t which) -> const Tensor& {
    return read(values, time, state, instruction.inputs[which]);
  };
  const auto wanted = [&](std::size_t which) {
    const std::int64_t place = instruction.inputs[which];
    return place == 1 || place >= offset || (place >= 2 && parameters_[place - 2].requires_grad());
  };
  const auto give = [&](std::size_t which, Tensor share) {
    const std::int64_t place = instruction.inputs[which];
    Tensor& total = place == 1 ? of_state : place >= offset ? cotangents[place - offset] : gradients[place - 2];
    add_to(total, std::move(share));
  };
  switch (instruction.operation) {
    case Operation::linear: {
      const Tensor rows = input(0).dim() == 2 ? input(0) : input(0).flatten(0, -2);
      const Tensor flat = cotangent.dim() == 2 ? cotangent : cotangent.flatten(0, -2);
      if (wanted(1)) {
        give(1, at::mm(flat.t(), rows));
      }
      if (instruction.inputs[2] >= 0 && wanted(2)) {
        give(2, at::sum(flat, at::IntArrayRef{0}));
      }
      if (wanted(0)) {
        give(0, at::mm(flat, input(1)).view(input(0).sizes()));
      }
      return;
    }
    case Operation::convolution2d: {
      const auto& integers = instruction.integers;
      const auto part = [&](std::size_t start) { return at::IntArrayRef(integers.data() + start, 2); };
      const bool biased = instruction.inputs[2] >= 0;
      const std::array<bool, 3> mask = {wanted(0), wanted(1), biased && wanted(2)};
      const at::OptionalIntArrayRef sizes =
          biased ? at::OptionalIntArrayRef(input(2).sizes()) : at::OptionalIntArrayRef();
      auto shares = at::convolution_backward(cotangent, input(0), input(1), sizes, part(0), part(2), part(4), false,
                                             std::array<std::int64_t, 2>{0, 0}, integers[6], mask);
      if (mask[0]) {
        give(0, std::move(std::get<0>(shares)));
      }
      if (mask[1]) {
        give(1, std::move(std::get<1>(shares)));
      }
      if (mask[2]) {
        give(2, std::move(std::get<2>(shares)));
      }
      return;
    }
    case Operation::tanh:
      return wanted(0) ? give(0, at::tanh_backward(cotangent, values[index])) : void();
    case Operation::relu:
      return wanted(0) ? give(0, at::threshold_backward(cotangent, values[index], 0)) : void();
    case Operation::neg:
      return wanted(0) ? give(0, at::neg(cotangent)) : void();
    case Operation::mul_number:
      return wanted(0) ? give(0, at::mul(cotangent, instruction.numbers[0])) : void();
    case Operation::add_number:
      return wanted(0) ? give(0, at::mul(cotangent, 1.0)) : void();
    default:
      TORCH_CHECK(false, "an operation without a pull of its own");
  }
}

Tensor Field::pull_by_autograd(const Tensor& time, const Tensor& state, const Tensor& cotangent,
                               std::vector<Tensor>& gradients) const {
  const at::AutoGradMode with_grad(true);
  std::vector<Tensor> own, inputs;
  std::vector<std::size_t> places;
  for (std::size_t index = 0; index < parameters_.size(); ++index) {
    own.push_back(parameters_[index].detach());
    if (parameters_[index].requires_grad()) {
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
      add_to(gradients[places[index]], shares[index]);
    }
  }
  return shares.back().defined() ? shares.back() : at::zeros_like(state);
}

}  // namespace natrob
