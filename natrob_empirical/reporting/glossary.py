"""The words that pages and docstrings use, each in one sense: GLOSSARY.md and the site's method page show them."""

from typing import Final

GLOSSARY: Final = (
    ("state", "what an integrator network carries from step to step, y"),
    ("field", "f in dy/dt = f(t, y): what a step evaluates"),
    ("trunk", "the integrator network inside a classifier, between its first layers (stem) and its last (head)"),
    ("step size", "h: how far one step goes in time"),
    ("method", "the rule of a step: Euler, Heun, a Runge–Kutta tableau, backward Euler, PolyNet, FractalNet, RevNet"),
    ("tableau", "the coefficients of a Runge–Kutta method, as exact fractions"),
    ("grid", "the times at which a run has states; a Neural ODE chooses it, every other network has one"),
    ("Lipschitz constant", "K: values differ by at most K times the distance of the states"),
    ("one-sided constant", "μ: exact solutions separate no faster than e^{μt}; below 0 they approach each other"),
    ("growth", "G: two solutions end at most G times as far apart as they began"),
    ("tube", "the balls around a clean trajectory that hold every solution from nearby"),
    ("upper bound", "a number the true value never exceeds, rounding included"),
    ("lower bound", "a number the true value never falls below; all that a search can give of a constant"),
    ("estimate", "a number that rests on something sampled: neither bound, and its type says so"),
    ("vacuous", "said of a bound that is true and excludes nothing"),
    ("rounded outward", "moved so that a bound stays one in floating point"),
    ("refused", "answered by an error that names what is not known, never by a guess"),
    ("balls (of numbers)", "an interval of any precision that holds the exact result: the arithmetic of proofs"),
    ("ball (of images)", "the perturbations that are allowed: L∞ or L2 of radius ε"),
    ("ε", "the radius of that ball, in pixels of [0, 1]"),
    ("attack", "a search for a perturbation that changes the label; what it fails to find proves nothing"),
    ("accuracy under attack", "the share of images that an attack left right: an upper bound of the robust accuracy"),
    ("gradient call, query", "what an attack is counted by: one image through the model, forward or backward"),
    ("masking", "gradients that mislead an attack, so that a model looks robust"),
    ("transfer", "an attack made on one model and shown to another"),
    ("certified", "proved for one image: no perturbation within the radius changes its label"),
    ("radius", "how far an image may be moved: certified, if nothing is said"),
    ("record", "the result of one cell as JSON, with seed, versions and hardware"),
    ("cell", "one model × training × attack × ε × seed of an experiment"),
    ("claim", "one sentence of the paper or of natrob, with the proofs and records that bear on it"),
)
FIGURE_WORDS: Final = (
    ("adversarial example", "an image changed so little that people see no difference, which a network misclassifies"),
    ("L∞, L2", "two norms: the largest change of a pixel, and the length of the whole change"),
    ("T", "the time over which the trunk integrates"),
    ("ceiling", "the largest robust accuracy that any classifier can have on these images"),
    ("NFE", "how often the trunk’s field is evaluated in one forward pass"),
    ("sandwich", "certified accuracy below, attacked accuracy above: the truth lies between"),
)
"""Words of figures and tables, besides those of the glossary."""
