"""Bounds on balls."""
