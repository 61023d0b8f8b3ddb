// The names of the adaptive solve that Python sees.
#include "adaptive_bindings.h"

#include <torch/csrc/utils/pybind.h>

#include <memory>
#include <optional>

#include "adaptive.h"
#include "adaptive_autograd.h"

namespace py = pybind11;

namespace natrob {

using NoGil = py::call_guard<py::gil_scoped_release>;

namespace {

// A Python function, to be called, copied and let go by threads that do not hold Python's lock.
std::shared_ptr<py::function> without_lock(py::function function) {
  return {new py::function(std::move(function)), [](py::function* held) {
            const py::gil_scoped_acquire gil;
            delete held;
          }};
}

Callbacks callbacks(py::function with_graph, py::function fail) {
  const auto again = without_lock(std::move(with_graph)), raise = without_lock(std::move(fail));
  Callbacks result;
  result.with_graph = [again](const at::Tensor& cotangent, const at::Tensor& start,
                              const std::vector<at::Tensor>& parameters) {
    const py::gil_scoped_acquire gil;
    const auto found = (*again)(cotangent, start, parameters).cast<std::vector<std::optional<at::Tensor>>>();
    std::vector<at::Tensor> gradients;
    for (const auto& one : found) {
      gradients.push_back(one.value_or(at::Tensor()));
    }
    return gradients;
  };
  result.fail = [raise](std::int64_t status, double time, std::int64_t failed, std::int64_t samples) {
    const py::gil_scoped_acquire gil;
    (*raise)(status, time, failed, samples);
  };
  return result;
}

Outcome recorded_for_python(const std::shared_ptr<Program>& program, const std::vector<at::Tensor>& parameters,
                            const std::shared_ptr<Method>& method, const SolveSettings& settings,
                            const at::Tensor& start, const at::Tensor& slope, const std::optional<at::Tensor>& memory,
                            py::function with_graph, py::function fail, std::string changed) {
  Callbacks called = callbacks(std::move(with_graph), std::move(fail));
  const py::gil_scoped_release no_gil;
  return solve_recorded(program, parameters, method, settings, start, slope, memory.value_or(at::Tensor()),
                        std::move(called), std::move(changed));
}

}  // namespace

void bind_adaptive(py::module_& module) {
  py::class_<Method, std::shared_ptr<Method>>(module, "Method", py::module_local())
      .def(py::init([](std::vector<at::Tensor> a, at::Tensor b, at::Tensor error, at::Tensor c, bool first_same_as_last,
                       std::int64_t error_order, std::int64_t order) {
        return Method(std::move(a), std::move(b), std::move(error), std::move(c), first_same_as_last, error_order, order);
      }));
  py::class_<SolveSettings>(module, "SolveSettings", py::module_local())
      .def(py::init<>())
      .def_readwrite("start_time", &SolveSettings::start_time)
      .def_readwrite("end_time", &SolveSettings::end_time)
      .def_readwrite("rtol", &SolveSettings::rtol)
      .def_readwrite("atol", &SolveSettings::atol)
      .def_readwrite("max_num_steps", &SolveSettings::max_num_steps)
      .def_readwrite("safety", &SolveSettings::safety)
      .def_readwrite("beta", &SolveSettings::beta)
      .def_readwrite("smallest_factor", &SolveSettings::smallest_factor)
      .def_readwrite("largest_factor", &SolveSettings::largest_factor)
      .def_readwrite("smallest_step", &SolveSettings::smallest_step)
      .def_readwrite("smallest_start", &SolveSettings::smallest_start)
      .def_readwrite("coarsest", &SolveSettings::coarsest)
      .def_readwrite("largest_step", &SolveSettings::largest_step)
      .def_readwrite("keep_states", &SolveSettings::keep_states)
      .def_readwrite("checkpointed", &SolveSettings::checkpointed)
      .def_readwrite("adjoint", &SolveSettings::adjoint);
  py::class_<Attempt>(module, "Attempt", py::module_local())
      .def_property_readonly("rows", [](const Attempt& attempt) -> std::optional<at::Tensor> {
        return attempt.rows.defined() ? std::optional<at::Tensor>(attempt.rows) : std::nullopt;
      })
      .def_readonly("times", &Attempt::times)
      .def_readonly("accepted", &Attempt::accepted)
      .def_readonly("error_norms", &Attempt::error_norms);
  py::class_<Outcome>(module, "Outcome", py::module_local())
      .def_readonly("agrees", &Outcome::agrees)
      .def_readonly("supported", &Outcome::supported)
      .def_readonly("state", &Outcome::state)
      .def_readonly("status", &Outcome::status)
      .def_readonly("failed", &Outcome::failed)
      .def_readonly("attempts", &Outcome::attempts)
      .def_readonly("states", &Outcome::states)
      .def_readonly("memory", &Outcome::memory)
      .def("forget_state", [](Outcome& outcome) {
        outcome.state.reset();
        outcome.memory.reset();
      });
  module.def(
      "solve",
      [](const Field& field, const Method& method, const SolveSettings& settings, const at::Tensor& start,
         const at::Tensor& slope, const std::optional<at::Tensor>& memory) {
        return solve(field, method, settings, start, slope, memory.value_or(at::Tensor()), false);
      },
      NoGil());
  module.def("solve_recorded", &recorded_for_python);
}

}  // namespace natrob
