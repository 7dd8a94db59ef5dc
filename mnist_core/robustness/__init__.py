"""Spoiled digits: the fifteen corruptions of MNIST-C, to see how much a network can bear."""

FIGURES = "robustness-2"
"""The name under which a run keeps its accuracy under each corruption, as JSON. Whoever redefines a corruption gives it
another number: figures of two definitions must not be averaged, and those of an earlier one are measured anew."""
