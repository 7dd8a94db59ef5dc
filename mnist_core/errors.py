"""One family of errors. Each message says what was received, what is allowed and how to mend it.

A page or a command shows ``str(error)`` as it is, so a message is one or two sentences that a student
understands: no class names, no stack. Anything that is not a ``LabError`` is a bug of ours.
"""

from __future__ import annotations


class LabError(Exception):
    """Base of everything that a user can mend."""


class ConfigError(LabError, ValueError):
    """A run's configuration holds a value that is out of range, unknown or impossible to build."""


class UnknownRecipe(ConfigError):
    """A recipe name that does not exist."""


class DataError(LabError):
    """The MNIST file is missing, truncated, tampered with or of another format."""


class ImageError(LabError, ValueError):
    """A file or array that cannot be read as a picture of a digit."""


class EmptyDrawing(ImageError):
    """A picture without any ink in it: nothing to predict."""


class StoreError(LabError):
    """The data folder or the database cannot be used: full, locked, read-only or damaged."""


class StoreBusy(StoreError):
    """The same for now only: the disk is full or the database locked. Waiting may help."""


class UnknownRun(LabError, LookupError):
    """A run id that the store does not hold."""


class RunTaken(LabError):
    """A worker wrote to a run that is no longer its own: another trains it, or it is at its end."""


class UnknownSweep(LabError, LookupError):
    """A sweep id that the store does not hold."""


class EngineError(LabError):
    """The engine (the processes that train and predict) cannot be reached or started."""


class ExplainError(LabError, ValueError):
    """An explanation that a kind of model cannot give."""


class ModelFileError(LabError, ValueError):
    """A model file that cannot be read, or that does not take 28 x 28 images and give ten probabilities."""


class TrainingDiverged(LabError, ArithmeticError):
    """The loss became infinite or not a number, so that further training is pointless."""


class NotAllowed(LabError):
    """A visitor may not do that, such as stopping the run of another."""


class OverLimit(LabError):
    """More than this lab allows its visitors; the message names the limit and its setting."""
