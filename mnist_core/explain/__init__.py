"""Why a model reads a drawing as it does: one module for each way of asking. Only workers use those with TensorFlow."""
