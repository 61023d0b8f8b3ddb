"""Fewer examples of a property whose single example is costly; `make test-long` runs all of them."""

import os

from hypothesis import settings


def examples(count: int) -> settings:
    """At most `count` examples, and under the profile `long` as many as that says."""
    if os.environ.get("HYPOTHESIS_PROFILE") == "long":
        return settings()
    return settings(max_examples=min(count, settings().max_examples))
