// The adaptive solve: the loop of natrob_theory/adaptive/driver.py, for solves with one stop and without an event.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "embedded_method.h"

namespace natrob {

// The codes of natrob_theory/adaptive/status.py.
enum class Status : std::int64_t {
  reached_end = 0,
  step_size_underflow = 1,
  too_many_steps = 2,
  non_finite = 3,
  time_resolution = 5,
};

struct SolveSettings {
  double start_time, end_time, rtol, atol;
  std::int64_t max_num_steps;
  double safety, beta, smallest_factor, largest_factor;
  double smallest_step, smallest_start, coarsest;
  double largest_step;  // of `StepPlanner.cap`; infinite where there is none
  bool keep_states;
  bool checkpointed;  // the tape keeps no stages
  bool adjoint;       // gradients are those of the continuous adjoint
};

// One trial step on record, as natrob_theory/adaptive/record.py keeps it; `rows` is undefined where all took it.
struct Attempt {
  at::Tensor rows, times, accepted, error_norms;
};

// The start and the result of a trial step whose stages are to be repeated.
struct Repeatable {
  std::vector<double> time, step;
  at::Tensor state, slope, after, last;
};

// What backward needs of a trial step, and of what followed from it.
struct TrialTape {
  std::int64_t batch = 0;
  at::Tensor step;                            // h, (batch, 1, ...)
  std::vector<Evaluation> stages;             // the second stage to the last
  std::optional<Repeatable> repeatable;       // in their place
  std::optional<Evaluation> refreshed;        // f at the states in `stale`, before the step
  at::Tensor stale;                           // those states; undefined where it was all of them
  at::Tensor tried;                           // the samples that the stages are of; undefined: all
  at::Tensor accepted;                        // (batch,); undefined: all
  std::vector<at::Tensor> ended, ended_rows;  // who reached the end: places here (undefined: all), and in the batch
  bool some_went = false;                     // whether samples left
  at::Tensor kept;                            // the places of those who go on where some left
};

struct Tape {
  Evaluation start;
  std::vector<TrialTape> trials;
};

struct Outcome {
  bool agrees = true;     // whether f(t_0, y_0) has the bits of Python's
  bool supported = true;  // false: the Python driver has to take this solve
  at::Tensor state, status;
  bool failed = false;  // whether a sample did not reach the end
  std::vector<Attempt> attempts;
  std::vector<at::Tensor> states;
  at::Tensor memory;
  Tape tape;
};

// y(T) of every sample, NaN for those that failed.
//
// `slope` is f(t_0, y_0) as Python has it, `memory` the stages' from an earlier solve, or undefined. Where `recorded`,
// there is a tape.
Outcome solve(const Field& field, const Method& method, const SolveSettings& settings, const at::Tensor& start,
              const at::Tensor& slope, const at::Tensor& memory, bool recorded);

}  // namespace natrob
