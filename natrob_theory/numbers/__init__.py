"""Numbers as the bounds use them: rounding, norms, balls, typed bounds, checked arguments, Jacobian products."""
