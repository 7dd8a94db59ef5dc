"""What the figures in the documents come from. Each module is a command: ``python -m benchmarks.NAME [--json]``."""
