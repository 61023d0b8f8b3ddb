"""Statistics, without torch: intervals of shares, tests image by image, ranks, what resampling makes of them."""
