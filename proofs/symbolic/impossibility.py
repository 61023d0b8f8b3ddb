"""Refuted: an accuracy of 75.23 % or 97.48 % at ε = 0.5 is a robust accuracy.

Statement (refuted).  A classifier of MNIST keeps 75.23 % (PGD) or 97.48 % (FGSM) under every L∞ perturbation with
                      ε = 0.5.
What holds.           With pixels in [0, 1] and ε ≥ ½ no deterministic per-sample classifier has a robust accuracy
                      above the largest class share: 1135/10000 = 11.35 % on MNIST's test set. Always answering "1"
                      attains it.
Proof.                The constant image ½ is within ½ of every image, so all balls share it. It has one label c
                      there, and an image of another class is not classified rightly in all its ball.
Sharpness.            For ε < ½ the balls of the images 0 and 1 are disjoint and nothing of the kind follows.
The attack.           40 steps of 0.01 move a pixel by at most 0.4 < 0.5 from where they start.
"""

from fractions import Fraction

import sympy
from sympy.logic.inference import satisfiable

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal

MNIST_TEST_COUNTS = (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)
"""Images of the digits 0 to 9 in MNIST's test set."""

CLAIM = Claim(
    statement="75.23 % (PGD) and 97.48 % (FGSM) on MNIST at ε = 0.5 are robust accuracies",
    assumptions=(
        "pixels in [0, 1], L∞ radius ε ≥ ½",
        "the classifier is deterministic and treats each image by itself",
        "robust accuracy: the share of images whose whole ball in the pixel range is classified rightly",
    ),
    source="the paper's tables of MNIST at ε = 0.5; theory, section 2 (impossibility)",
    verdict=Verdict.REFUTED,
)


def check() -> None:
    """The shared image, the counting argument, MNIST's numbers, sharpness, and the attack's reach."""
    _constant_image_is_in_every_ball()
    _counting()
    _mnist()
    _sharpness()
    _reach_of_the_attack()


def _constant_image_is_in_every_ball() -> None:
    """|½ − p| ≤ ε for every p in [0, 1] and ε ≥ ½."""
    pixel, complement, excess = sympy.symbols("p q r", nonnegative=True)  # q = 1 − p ≥ 0
    half = sympy.Rational(1, 2)
    epsilon = half + excess
    # −ε ≤ ½ − p: the gap is p's complement and the excess; ½ − p ≤ ε: it is p and the excess
    upper_gap, lower_gap = pixel + excess, complement + excess
    require_equal(epsilon - (half - pixel), upper_gap, "ε − (½ − p) = p + r")
    require_equal(epsilon + (half - pixel), lower_gap.subs(complement, 1 - pixel), "ε + (½ − p) = (1 − p) + r")
    require(upper_gap.is_nonnegative and lower_gap.is_nonnegative, "both gaps are at least 0")
    require(0 <= half <= 1, "the image ½ is in the pixel range")


def _counting() -> None:
    """Robust images all have the label c of the image ½, so they are at most the n_c images of that class."""
    # an image of class k ≠ c that is robust would force the label k on the image ½ of its ball, which has the label c
    robust, half_is_k, half_is_c = sympy.symbols("robust half_is_k half_is_c")
    ball_contains_half = sympy.Implies(robust, half_is_k)
    one_label = sympy.Not(sympy.And(half_is_k, half_is_c))
    contradiction = satisfiable(sympy.And(ball_contains_half, one_label, half_is_c, robust))
    require(contradiction is False, "no image of another class is robust")
    # so R = n_c − s, where s counts the images of class c that are not robust; the largest count is n_c + m_c
    count, fragile, behind_the_largest = sympy.symbols("n_c s m_c", integer=True, nonnegative=True)
    gap = fragile + behind_the_largest
    require_equal((count + behind_the_largest) - (count - fragile), gap, "max n − R = s + m_c")
    require(gap.is_nonnegative, "R ≤ max n, and R/N ≤ max n/N")
    # always answering the largest class has no fragile image and m_c = 0: it attains the bound
    require_equal(gap.subs({fragile: 0, behind_the_largest: 0}), 0, "the constant classifier attains it")


def _mnist() -> None:
    """The largest share is 11.35 %, and the reported accuracies are above it."""
    total = sum(MNIST_TEST_COUNTS)
    require(total == 10000, "the test set has 10000 images")
    largest_share = Fraction(max(MNIST_TEST_COUNTS), total)
    require(largest_share == Fraction(1135, 10000), "the largest class has 1135 of them")
    for reported in (Fraction(7523, 10000), Fraction(9748, 10000)):
        require(largest_share < reported, f"{reported} is above every robust accuracy at ε = ½")


def _sharpness() -> None:
    """For ε = ½ − d, d > 0, no pixel is within ε of 0 and of 1: p ≤ ε and 1 − p ≤ ε would add up to 1 ≤ 1 − 2d."""
    shortfall = sympy.Symbol("d", positive=True)
    pixel_slack, complement_slack = sympy.symbols("s_0 s_1", nonnegative=True)
    epsilon = sympy.Rational(1, 2) - shortfall
    pixel = epsilon - pixel_slack  # p ≤ ε
    complement = epsilon - complement_slack  # 1 − p ≤ ε
    missing = 2 * shortfall + pixel_slack + complement_slack
    require_equal(1 - (pixel + complement), missing, "p + (1 − p) falls short of 1 by 2d + s_0 + s_1")
    require(missing.is_positive, "2d + s_0 + s_1 > 0, so there is no such pixel")


def _reach_of_the_attack() -> None:
    """|p_k − p_0| ≤ kα for steps of α, whatever is clipped: clipping to an interval that holds p_0 brings p nearer."""
    alpha, reach_slack, step_slack, clip_slack = sympy.symbols("α q s c", nonnegative=True)
    steps = sympy.Symbol("k", integer=True, nonnegative=True)
    # k = 0: p_0 itself; k to k + 1: triangle inequality, a step of at most α, then the clip
    following = (steps * alpha - reach_slack) + alpha - step_slack - clip_slack
    gap = reach_slack + step_slack + clip_slack
    require_equal((steps + 1) * alpha - following, gap, "(k + 1)α − |p_{k+1} − p_0| = q + s + c")
    require(gap.is_nonnegative, "q + s + c ≥ 0")
    # the clip: for an upper end u = p_0 + w ≥ p_0 and p = u + v beyond it, the distance w + v becomes w; below likewise
    beyond, width = sympy.symbols("v w", nonnegative=True)
    require_equal(abs(width + beyond) - abs(width), beyond, "clipping takes v ≥ 0 off the distance")
    require(40 * Fraction(1, 100) == Fraction(2, 5) < Fraction(1, 2), "40 steps of 0.01 reach 0.4 < 0.5")
