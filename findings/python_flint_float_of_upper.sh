#!/usr/bin/env bash
# python-flint: float(ball.upper()) lies below the ball in half of the cases at more than 53 bits.
# Expected: a float at or above every number in the ball, since upper() is its upper end.
# Seen: 5,000 quotients p/q of integers below a million as balls of 64, 128 and 300 bits: float(upper()) is rounded
#   to nearest, and for about half of them it is smaller than p/q itself. At 53 bits it never is.
# Since: python-flint 0.9.0, the newest when this was written; older ones were not tried.
# Why natrob cares: a proved upper bound that is printed or compared as a float is no upper bound any more.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check python-flint==0.9.0
"$folder/venv/bin/python" -W ignore - <<'END'
import random
import sys
from fractions import Fraction

import flint

random.seed(0)
pairs = [(random.randint(1, 10**6), random.randint(1, 10**6)) for _ in range(5000)]
print("python-flint", flint.__version__)
shares = {}
for bits in (53, 64, 128, 300):
    flint.ctx.prec = bits
    below = sum(Fraction(float((flint.arb(p) / q).upper())) < Fraction(p, q) for p, q in pairs)
    shares[bits] = below / len(pairs)
    print(f"{bits} bits: float(upper()) lies below the number in {shares[bits]:.1%} of the cases")
seen = shares.pop(53) == 0.0 and all(0.3 < share < 0.7 for share in shares.values())
print("as described" if seen else "CHANGED: float(upper()) is rounded otherwise")
sys.exit(not seen)
END
