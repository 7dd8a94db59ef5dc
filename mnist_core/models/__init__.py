"""Architectures: what they are made of (without TensorFlow), and how Keras builds them (with it)."""
