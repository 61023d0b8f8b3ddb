#include "field.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/add.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv_transpose2d.h>
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
#include <c10/util/Exception.h>

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

// Whether the result is memory of its own that the next operation may write into.
bool makes_fresh_memory(Operation operation) {
  return operation == Operation::linear || operation == Operation::convolution2d ||
         operation == Operation::batch_norm;
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
    instructions_.push_back({found->second, inputs, numbers, integers});
    ++filled;
  }
  TORCH_CHECK(output >= 0 && output < filled, "register ", output, " of the result is not filled");
  uses_time_ = uses_time_ || output == 0;
  last_use_[output] = static_cast<std::int64_t>(instructions.size());
  note_pulls();
}

Field::Field(std::shared_ptr<const Program> program, std::vector<Tensor> parameters)
    : program_(std::move(program)), parameters_(std::move(parameters)), transposed_(program_->instructions().size()) {
  TORCH_CHECK(static_cast<std::int64_t>(parameters_.size()) == program_->parameters(), "wrong number of parameters");
  const at::NoGradGuard no_grad;
  for (const Tensor& parameter : parameters_) {
    wanted_.push_back(parameter.requires_grad());
  }
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

Tensor Field::compute(std::size_t index, Registers& values, const Tensor& time, const Tensor& state,
                      bool recording) const {
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
  const bool in_place = !recording && own >= 0 &&
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
    values[index] = compute(index, values, time, state, recording);
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

}  // namespace natrob
