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
  // The number of the instruction whose result is in a register; negative for t, y and parameters.
  std::int64_t instruction_of(std::int64_t place) const { return place - 2 - parameters_; }
  // The instruction that uses a register last.
  const std::vector<std::int64_t>& last_use() const { return last_use_; }
  // Whether every operation has a pull written by hand; the others are pulled back through autograd.
  bool has_own_pull() const { return has_own_pull_; }
  // Whether parameters enter linear maps and convolutions only, and all else treats entries or samples one by one.
  bool settles() const { return settles_; }
  // Whether pulling back reads the result of an instruction.
  const std::vector<bool>& kept() const { return kept_; }
  bool uses_result_inside() const { return uses_result_inside_; }
  // Whether it reads t or y.
  bool reads_arguments() const { return reads_arguments_; }

 private:
  void note_pulls();

  std::vector<Instruction> instructions_;
  std::int64_t parameters_;
  std::int64_t output_;
  bool uses_time_ = false;
  bool has_own_pull_ = true;
  bool settles_ = true;
  bool uses_result_inside_ = false;
  bool reads_arguments_ = false;
  std::vector<bool> kept_;
  std::vector<std::int64_t> last_use_;
};

using Values = std::vector<at::Tensor>;

// What an evaluation keeps for `pull_kept`: its arguments, and the registers that pulling back reads.
struct Evaluation {
  at::Tensor time, state;
  Values kept;
};

// An evaluation, what arrived at its instructions with parameters when v was pulled back, and w, (batch, 1, ...).
struct Settlement {
  const Evaluation* evaluation;
  const Values* arriving;
  at::Tensor weight;
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

  // f(t, y) without a graph; `evaluation` then holds what `pull_kept` needs.
  at::Tensor evaluate_keeping(Evaluation& evaluation) const;

  // (∂f/∂y)ᵀ v of a kept evaluation, as `pull`. Where `gradients` is null nothing is done for the parameters, and
  // where `arriving` is given, the cotangents that reach instructions with parameters are put there for `settle`.
  at::Tensor pull_kept(const Evaluation& evaluation, const at::Tensor& cotangent, std::vector<at::Tensor>* gradients,
                       Values* arriving) const;

  // Whether `settle` can follow `pull_kept`: parameters enter linear maps and convolutions only, sample by sample.
  bool settles() const { return program_->settles(); }

  // Adds (∂f/∂p)ᵀ(w v) of some evaluations of one batch to the gradients; samples in `rejected`, (batch,), take no part,
  // whatever their v; undefined: all do.
  void settle(const std::vector<Settlement>& settlements, const at::Tensor& rejected,
              std::vector<at::Tensor>& gradients) const;

  // Which parameters' gradients are computed; at first those that require one.
  void want(std::vector<bool> wanted) { wanted_ = std::move(wanted); }

  bool uses_time() const { return program_->uses_time(); }
  bool has_own_pull() const { return program_->has_own_pull(); }
  const std::vector<at::Tensor>& parameters() const { return parameters_; }

 private:
  using Registers = Values;

  const at::Tensor& read(const Registers& values, const at::Tensor& time, const at::Tensor& state,
                         std::int64_t place) const;
  at::Tensor compute(std::size_t index, Registers& values, const at::Tensor& time, const at::Tensor& state,
                     bool recording) const;
  at::Tensor run(const at::Tensor& time, const at::Tensor& state, bool recording) const;
  at::Tensor pull_by_autograd(const at::Tensor& time, const at::Tensor& state, const at::Tensor& cotangent,
                              std::vector<at::Tensor>* gradients) const;
  struct Pulling;
  void settle_rows(Pulling& pulling, std::size_t index, const std::vector<Settlement>& settlements,
                   const at::Tensor& rejected) const;
  void give_linear(Pulling& pulling, const Instruction& instruction, const at::Tensor& cotangent) const;
  void give_linear_parameters(Pulling& pulling, const Instruction& instruction, const at::Tensor& rows,
                              const at::Tensor& inputs) const;
  void give_convolution(Pulling& pulling, const Instruction& instruction, const at::Tensor& cotangent) const;
  void pull_instruction(Pulling& pulling, std::size_t index, const at::Tensor& cotangent) const;

  std::shared_ptr<const Program> program_;
  std::vector<at::Tensor> parameters_;
  std::vector<at::Tensor> transposed_;
  std::vector<bool> wanted_;
};

}  // namespace natrob
