"""Where a check becomes a flag: every threshold of the diagnosis, with its reason."""

from typing import Final

SIGNIFICANCE: Final = 0.01
"""The largest p-value of the one-sided sign test that counts as "stronger".

Seven discordant images, all on one side, reach it. Where the two attacks are equally strong a comparison is flagged by
chance at most once in a hundred; where the white-box attack is the stronger one, as on an honest model, far less often.
"""

FEWEST_IMAGES: Final = 20
"""Below this many correctly classified images a sign test can hardly reach `SIGNIFICANCE` when attacks differ."""

FEWEST_FOOLED_BY_NOISE: Final = 5
"""Noise that fools fewer images than this is no attack that gradients could be compared with."""

FLAT_DROP: Final = 0.1
"""An accuracy is flat where fewer than this share of the images that survive the smallest radius fall at the largest.

The largest radius of the ladder holds the gray image, where every deterministic classifier loses all but one class.
"""

FLAT_ROW_DROP: Final = 0.05
"""A published row is flat where it loses less than this over its radii."""

FLAT_ROW_REACH: Final = 0.25
"""Only L∞ rows that reach this radius are judged flat: half of the radius at which no classifier keeps a second class.

Rows of small radii can be flat because the model is robust there.
"""

FLAT_ROW_RATIO: Final = 2.0
"""Only rows whose largest radius is at least so many times their smallest are judged flat."""

AFFECTED_SHARE: Final = 0.1
"""A tenth of the images with unusable gradients or losses: an accuracy that is ten points too high at worst."""

EXPLODING_GRADIENT: Final = 1e4
"""An L2 norm of the loss's gradient above which it is no guide to an attack.

One gray level of one pixel, 1/255, would then change a loss by up to 39, which is e³⁹ in probability.
"""

SAME_GRADIENT_COSINE: Final = 0.9
"""Two gradients of one function agree above it.

Difference quotients of small ReLU networks reach 0.99 and more; a missing part of the network shows far below.
"""

DISAGREEING_SHARE: Final = 0.25
"""The share of images whose gradients may disagree: a kink within the quotient's step spoils single images."""

QUOTIENT_STEP: Final = 1e-3
"""Half the distance of the two images of a difference quotient, per pixel: a quarter of a gray level.

Float32 logits of size 10 then give slopes to about 1e-3, and few ReLUs change side.
"""

LOCAL_COSINE: Final = 0.5
"""Below it the slopes across the ball have little to do with those at the image.

Measured on digits over steps of 0.1: three honest networks have medians of 0.94 to 0.96, and at most 6 % of their
images lie below; with a thermometer of slope 400 in front the median is 0.20, and 95 % lie below.
"""

LOCAL_SHARE: Final = 0.5
"""The share of images whose gradient may be local: with a thermometer it is 66 % and more, whatever its levels."""

LARGEST_PROBED_STEP: Final = 0.1
"""Per pixel: over longer steps the slopes of honest networks change, too."""

CROSSING: Final = 2.0
"""steps × step size must reach this many radii: from one side of the ball to the other."""

FEWEST_QUERIES: Final = 1000
"""Queries per image below which a black-box attack's failure says nothing.

The fewest in use: the paper gives its Boundary Attack 1,000; AutoAttack gives Square 5,000.
"""

LATE_SHARE: Final = 0.05
"""A black-box attack still improves where the second half of its queries finds more than this share of the images."""

STANDARD_ERRORS: Final = 3.0
"""By how many standard errors two published accuracies must differ: their images may not be the same."""
