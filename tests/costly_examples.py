"""Fewer examples of what one example makes costly; `make test-long` runs all of them."""

import os

from hypothesis import settings

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"


def examples(count: int) -> settings:
    """At most `count` examples of a property, and under the profile `long` as many as that says."""
    return settings() if LONG else settings(max_examples=min(count, settings().max_examples))


def repeats(few: int, many: int) -> int:
    """How often a test repeats itself with other numbers: `many` times under the profile `long`."""
    return many if LONG else few
