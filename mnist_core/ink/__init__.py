"""Any drawing, photo or scan of a digit -> the 28 x 28 picture that MNIST would have made of it.

    read       what picture is in this file?                    bytes, path -> Picture
    light      transparency, colours and shadows                pixels -> grey
    paper      which of it is ink, either way round?            grey -> ink, 0 is paper and 1 the pen
    lines      the lines of ruled paper                         ink -> ink
    frame      crop, fit in 20 x 20, centre by mass             ink -> 28 x 28
    stroke     low resolution and the thickness of the pen      ink -> ink
    pipeline   all of these in order, each to be shown and to be switched off
    segment    several digits in a row, each with its box

``trace(picture)`` goes the whole way. The normalisation is that of LeCun, Cortes and Burges, "The MNIST database of
handwritten digits": fit the ink in 20 x 20 keeping its aspect ratio, anti-aliased, and put its centre of mass at the
centre of 28 x 28. Nothing here was fitted to any digits but MNIST's training images. SciPy is imported where it is
used, since it takes longer than the rest of a page.
"""

from mnist_core.ink.frame import BOX_SIDE, SIDE, centre, crop, fit
from mnist_core.ink.paper import to_ink
from mnist_core.ink.pipeline import (
    ALL,
    STAGES,
    Ink,
    Stage,
    Step,
    Steps,
    digit,
    found_on,
    many,
    trace,
)
from mnist_core.ink.read import (
    FORMATS,
    MAX_PIXELS,
    Picture,
    canvas,
    open_picture,
    open_pictures,
)
from mnist_core.ink.segment import Digit, Number, cut


def warm_up() -> None:
    """Loads SciPy, which takes half a second: once a page stands, so that the first stroke is answered at once."""
    import scipy.ndimage  # noqa: F401


__all__ = [
    "ALL",
    "BOX_SIDE",
    "FORMATS",
    "MAX_PIXELS",
    "SIDE",
    "STAGES",
    "Digit",
    "Ink",
    "Number",
    "Picture",
    "Stage",
    "Step",
    "Steps",
    "canvas",
    "centre",
    "crop",
    "cut",
    "digit",
    "fit",
    "found_on",
    "many",
    "open_picture",
    "open_pictures",
    "to_ink",
    "trace",
    "warm_up",
]
