"""The compiled loop: fields as programs for C++, with Python as the reference and the way out."""

from natrob_theory.native.compiler import compiler_command as compiler_command
from natrob_theory.native.compiler import compiler_is_there as compiler_is_there
from natrob_theory.native.extension import NativeStatus as NativeStatus
from natrob_theory.native.extension import build as build
from natrob_theory.native.extension import extension as extension
from natrob_theory.native.extension import native_status as native_status
from natrob_theory.native.field_program import FieldProgram as FieldProgram
from natrob_theory.native.field_program import field_program as field_program
from natrob_theory.native.field_program import refusal_of as refusal_of
from natrob_theory.native.field_program import refuse_field as refuse_field
from natrob_theory.native.field_program import require_plain_state as require_plain_state
from natrob_theory.native.pair_distances import native_pair_distances as native_pair_distances
from natrob_theory.native.refusal import NotNativeError as NotNativeError
