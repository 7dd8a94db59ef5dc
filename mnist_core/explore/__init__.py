"""Exploration: comparing runs fairly, sweeps over settings, and what a run's numbers say. Without TensorFlow."""
