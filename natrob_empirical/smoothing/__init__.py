"""Randomised smoothing: radii of the smoothed classifier, each with a probability, apart from all certificates."""

from natrob_empirical.smoothing.clopper_pearson import lower_probability as lower_probability
from natrob_empirical.smoothing.noisy_votes import noisy_votes as noisy_votes
from natrob_empirical.smoothing.randomised_smoothing import randomised_smoothing as randomised_smoothing
from natrob_empirical.smoothing.randomised_smoothing import smoothed_radius as smoothed_radius
from natrob_empirical.smoothing.smoothed_accuracy import ABSTAINED as ABSTAINED
from natrob_empirical.smoothing.smoothed_accuracy import SmoothedAccuracy as SmoothedAccuracy
