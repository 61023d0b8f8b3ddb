"""Rounding of a network, layer by layer and step by step."""
