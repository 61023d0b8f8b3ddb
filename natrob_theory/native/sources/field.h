// A field f(t, y) as a list of ATen operations: the values, and the bits, of the Python module it was traced from.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

namespace natrob {

enum class Operation : std::uint8_t {
  linear,
  convolution2d,
  transposed_convolution2d,
  batch_norm,
  group_norm,
  tanh,
  relu,
  sigmoid,
  softplus,
  elu,
  silu,
  gelu,
  leaky_relu,
  hardtanh,
  sin,
  cos,
  exp,
  neg,
  add,
  sub,
  mul,
  div,
  add_number,
  mul_number,
  div_number,
  matmul,
  transpose,
  flatten,
  view,
  stack_sum,
  broadcast_time,
};

// One operation. Inputs are registers: 0 is t, 1 is y, then come the parameters, then one register an instruction;
// -1 is an input that is left out, such as a bias. What `numbers` and `integers` hold is said in field.cpp.
struct Instruction {
  Operation operation;
  std::vector<std::int64_t> inputs;
  std::vector<double> numbers;
  std::vector<std::int64_t> integers;
};

using InstructionTuple =
    std::tuple<std::string, std::vector<std::int64_t>, std::vector<double>, std::vector<std::int64_t>>;

// A traced field without its parameters.
class Program {
 public:
  // Throws c10::Error for an unknown operation or a register that is not filled yet.
  Program(const std::vector<InstructionTuple>& instructions, std::int64_t parameters, std::int64_t output);

  const std::vector<Instruction>& instructions() const { return instructions_; }
  std::int64_t parameters() const { return parameters_; }
  std::int64_t output() const { return output_; }
  // Whether f looks at t.
  bool uses_time() const { return uses_time_; }
  // The instruction that uses a register last.
  const std::vector<std::int64_t>& last_use() const { return last_use_; }
  // Whether every operation has a pull written by hand; the others are pulled back through autograd.
  bool has_own_pull() const { return has_own_pull_; }

 private:
  std::vector<Instruction> instructions_;
  std::int64_t parameters_;
  std::int64_t output_;
  bool uses_time_ = false;
  bool has_own_pull_ = true;
  std::vector<std::int64_t> last_use_;
};

// A program with the parameters of one solve.
class Field {
 public:
  Field(std::shared_ptr<const Program> program, std::vector<at::Tensor> parameters);

  // f(t, y), with a graph where the calling thread records one.
  at::Tensor evaluate(const at::Tensor& time, const at::Tensor& state) const;

  // (∂f/∂y)ᵀ v, of y's shape. (∂f/∂p)ᵀ v is added to the gradients, one for each parameter; undefined ones begin as 0
  // and stay undefined where the parameter requires none. Nothing is recorded.
  at::Tensor pull(const at::Tensor& time, const at::Tensor& state, const at::Tensor& cotangent,
                  std::vector<at::Tensor>& gradients) const;

  bool uses_time() const { return program_->uses_time(); }
  const std::vector<at::Tensor>& parameters() const { return parameters_; }

 private:
  using Registers = std::vector<at::Tensor>;

  const at::Tensor& read(const Registers& values, const at::Tensor& time, const at::Tensor& state,
                         std::int64_t place) const;
  at::Tensor compute(std::size_t index, Registers& values, const at::Tensor& time, const at::Tensor& state,
                     bool recording, bool keep) const;
  at::Tensor run(const at::Tensor& time, const at::Tensor& state, bool recording) const;
  at::Tensor pull_by_autograd(const at::Tensor& time, const at::Tensor& state, const at::Tensor& cotangent,
                              std::vector<at::Tensor>& gradients) const;
  void pull_instruction(std::size_t index, const Registers& values, const at::Tensor& time, const at::Tensor& state,
                        const at::Tensor& cotangent, Registers& cotangents, at::Tensor& of_state,
                        std::vector<at::Tensor>& gradients) const;

  std::shared_ptr<const Program> program_;
  std::vector<at::Tensor> parameters_;
  std::vector<at::Tensor> transposed_;
};

}  // namespace natrob
