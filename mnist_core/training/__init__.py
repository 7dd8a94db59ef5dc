"""Training: optimizers and schedules (without TensorFlow), the compiled epoch and its callbacks (with it)."""
