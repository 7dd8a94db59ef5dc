"""Spoiled digits: the fifteen corruptions of MNIST-C, to see how much a network can bear."""
