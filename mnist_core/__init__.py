"""MNIST Lab: choose a network, watch it learn handwriting, see where it errs, and draw digits for it to read."""

__version__ = "0.1.0"
