"""One file for each kind of torch layer, and what every bound asks of it."""
