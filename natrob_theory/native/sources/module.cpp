// The names that Python sees.
#include <ATen/ops/empty.h>
#include <torch/csrc/utils/pybind.h>

#include "adaptive_bindings.h"
#include "anderson.h"
#include "distances.h"
#include "field.h"
#include "fixed_steps.h"
#include "same_bits.h"

namespace py = pybind11;

namespace natrob {

using NoGil = py::call_guard<py::gil_scoped_release>;

// An evaluation of a field, its value, and products with its transposed Jacobian.
struct KeptEvaluation {
  KeptEvaluation(std::shared_ptr<Field> of, const at::Tensor& time, const at::Tensor& state)
      : field(std::move(of)), evaluation{time, state, {}} {
    TORCH_CHECK(field->has_own_pull(), "the field is pulled back through autograd");
    value = field->evaluate_keeping(evaluation);
  }
  at::Tensor pull(const at::Tensor& cotangent) const {
    return field->pull_kept(evaluation, cotangent, nullptr, nullptr);
  }

  std::shared_ptr<Field> field;
  Evaluation evaluation;
  at::Tensor value;
};

// glibc gives the end of its heap back to the system whenever more than 128 KiB lie free there, and the next step's
// pages have to be made anew, which costs more than the sums over them. It learns what a program frees: after one block
// of almost 32 MiB, as a batch of images takes, it holds up to twice that. The block is never touched.
void keep_freed_memory() {
  constexpr std::int64_t most_learnt = 32 << 20, header = 1 << 12;
  at::empty({most_learnt - 2 * header}, at::TensorOptions(at::kByte));
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, module) {
  keep_freed_memory();
  py::class_<Program, std::shared_ptr<Program>>(module, "Program", py::module_local())
      .def(py::init<const std::vector<InstructionTuple>&, std::int64_t, std::int64_t>())
      .def_property_readonly("uses_time", &Program::uses_time);
  py::class_<Field, std::shared_ptr<Field>>(module, "Field", py::module_local())
      .def(py::init<std::shared_ptr<Program>, std::vector<at::Tensor>>())
      .def_property_readonly("has_own_pull", &Field::has_own_pull)
      .def("evaluate", &Field::evaluate, NoGil())
      .def(
          "pull",
          [](const Field& field, const at::Tensor& time, const at::Tensor& state, const at::Tensor& cotangent) {
            std::vector<at::Tensor> gradients;
            at::Tensor of_state = field.pull(time, state, cotangent, gradients);
            return std::make_pair(of_state, gradients);
          },
          NoGil());
  py::class_<KeptEvaluation>(module, "KeptEvaluation", py::module_local())
      .def(py::init<std::shared_ptr<Field>, const at::Tensor&, const at::Tensor&>(), NoGil())
      .def_readonly("value", &KeptEvaluation::value)
      .def("pull", &KeptEvaluation::pull, NoGil());
  py::class_<StepProgram, std::shared_ptr<StepProgram>>(module, "StepProgram", py::module_local())
      .def(py::init<const std::vector<StepTuple>&, std::vector<std::int64_t>>());
  py::class_<AndersonSteps>(module, "AndersonSteps", py::module_local())
      .def(py::init<const at::Tensor&, std::int64_t, double, const std::optional<at::Tensor>&>())
      .def("advance", &AndersonSteps::advance, NoGil())
      .def_property_readonly("residual", &AndersonSteps::residual)
      .def_property_readonly("converged", &AndersonSteps::converged);
  bind_adaptive(module);
  module.def("same_bits", &same_bits);
  module.def("pair_distances", &pair_distances, NoGil());
  module.def("fixed_steps", &fixed_steps, NoGil());
  module.def("measured_steps", &measured_steps, NoGil());
}

}  // namespace natrob
