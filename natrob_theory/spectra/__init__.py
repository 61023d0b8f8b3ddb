"""Singular values and eigenvalues, rounded outward."""
