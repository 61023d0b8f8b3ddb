#pragma once

#include <pybind11/pybind11.h>

namespace natrob {

void bind_adaptive(pybind11::module_& module);

}  // namespace natrob
