"""The sections of a configuration that are no choice of kinds: data, augmentation and training."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from mnist_core.parts import Part, number, option


class DataConfig(Part):
    label: ClassVar[str] = "Data"
    sentence: ClassVar[str] = "Which of the 60,000 training images are learned from, and which are held out."

    validation_fraction: float = number(
        0.1, 0.0, 0.9, "Held out for validation",
        "Share of the 60,000 images that is kept from training, to see how well the network does on unseen ones. "
        "At 0 there are no validation curves.",
    )  # fmt: skip
    split: Literal["random", "stratified", "first"] = option(
        "random", "How they are held out",
        "At random; at random with every digit in equal share (stratified); or the first images to train on and "
        "the last to validate.",
    )  # fmt: skip
    split_seed: int = number(0, 0, 2**31 - 1, "Split seed", "Another number, another random choice of images.")
    subset: int = number(
        60_000, 500, 60_000, "Training images at most",
        "Learn from only this many images: less time, and a lesson in how much data is enough.",
    )  # fmt: skip
    not_digits: int = number(
        0, 0, 60_000, "Pictures that are no digits",
        "So many letters, scribbles and shapes are mixed in, with the lesson that all ten digits are equally likely: "
        "the network learns to stay unsure of what is none. 0 is off.",
        rare=True,
    )  # fmt: skip
    written: int = number(
        0, 0, 60_000, "Digits of other schools",
        "So many digits are drawn besides in forms that MNIST's writers seldom used: a 1 with flag and foot, a crossed "
        "7, an open 4. For reading handwriting from elsewhere. 0 is off.",
        rare=True,
    )  # fmt: skip
    scaled: bool = option(True, "Scale pixels to 0-1", "Divides pixels by 255; raw 0-255 values train badly.")


class Augmentation(Part):
    label: ClassVar[str] = "Augmentation"
    sentence: ClassVar[str] = "Every image is changed a little at random each time it is used, as if there were more."

    shift: float = number(0.0, 0.0, 8.0, "Shift", "Moves the digit by up to so many pixels each way.")
    rotate: float = number(0.0, 0.0, 45.0, "Rotate", "Turns the digit by up to so many degrees each way.")
    zoom: float = number(0.0, 0.0, 0.5, "Zoom", "Grows or shrinks the digit by up to this share.")
    shear: float = number(0.0, 0.0, 30.0, "Shear", "Slants the digit by up to so many degrees each way.")
    stretch: float = number(
        0.0, 0.0, 0.5, "Stretch", "Makes the digit wider or narrower by up to this share, and no taller.", rare=True
    )
    shaky: float = number(0.0, 0.0, 3.0, "Shaky hand", "Bends the lines smoothly by about so many pixels.", rare=True)
    pens: float = number(0.0, 0.0, 4.0, "Pens", "Makes strokes up to so many pixels thicker or thinner.", rare=True)
    outlines: float = number(
        0.0, 0.0, 1.0, "Hollow strokes", "Share of the images of which only the outline is left.", rare=True
    )
    scans: float = number(
        0.0, 0.0, 1.0, "Poor scans", "How often images are coarse, blurred, pale or noisy, and how much.", rare=True
    )
    clutter: float = number(
        0.0, 0.0, 1.0, "Clutter", "Share of the images with grey or cloudy paper, bands or stray lines.", rare=True
    )

    untouched: float = number(
        0.0, 0.0, 0.9, "Left as they are", "Share of the images that are not changed at all this time.", rare=True
    )

    @property
    def active(self) -> bool:
        return any(self.model_dump(exclude={"untouched"}).values())


class Training(Part):
    label: ClassVar[str] = "Training"
    sentence: ClassVar[str] = "How long and in what portions the network learns."

    epochs: int = number(5, 1, 500, "Epochs", "How many times the network sees every training image.")
    steps: int = number(
        0, 0, 200_000, "Steps instead of epochs",
        "Trains for exactly so many steps (batches), wherever in an epoch that ends; at 0 epochs are counted.",
        rare=True,
    )  # fmt: skip
    batch_size: int = number(
        128, 1, 4096, "Batch size", "How many images are averaged for one step; small is noisy and slow.", log=True
    )
    shuffle: bool = option(True, "Shuffle", "Draws the order of the images by chance; else it is that of the data.")
    reshuffle: bool = option(
        True, "A new order every epoch", "Shuffles anew for every epoch; else once, as in the first.", rare=True
    )
    shuffle_buffer: int = number(
        0, 0, 60_000, "Shuffle buffer",
        "As tf.data shuffles: so many images wait in a buffer, one of them is drawn by chance, and the next one of the "
        "data takes its place. A small buffer mixes only neighbours; 0 is all images.",
        rare=True,
    )  # fmt: skip
    loss: Literal["cross_entropy", "clipped"] = option(
        "cross_entropy", "Loss",
        "Cross-entropy computed by Keras from what goes into the softmax, exact for any number; or written out from "
        "the probabilities, clipped to at least 1e-9 so that no logarithm is infinite: an image read so wrongly then "
        "teaches nothing, since its gradient is cut off as well.",
        rare=True,
    )  # fmt: skip
    label_smoothing: float = number(
        0.0, 0.0, 0.5, "Label smoothing", "Asks for a little less than certainty; keeps the network modest. 0 is off."
    )
    early_stopping: int = number(
        0, 0, 100, "Early stopping",
        "Stops when the validation loss has not improved for so many epochs, and takes the best weights; 0 is off.",
    )  # fmt: skip
    loop: Literal["fit", "tape"] = option(
        "fit", "Training loop",
        "The compiled loop (fit), many steps in one TensorFlow function; or an explicit loop with tf.GradientTape, "
        "one step at a time, whose code can be read below. Both learn the same; the explicit one is slower.",
        rare=True,
    )  # fmt: skip
    history: int = number(
        0, 0, 10_000, "Record every … steps",
        "Keeps the mean loss and accuracy of the batches since the last record at exactly these steps; at 0 about "
        "twenty times a second.",
        rare=True,
    )  # fmt: skip
    precision: Literal["float32", "bfloat16", "auto"] = option(
        "auto", "Precision",
        "Numbers of 32 bits, or of 16 (bfloat16): auto takes 16 on GPUs that have them and, for convolutions, on x86 "
        "processors with AVX512-BF16 or AMX under Linux; elsewhere, as on ARM, 32 unless you choose 16 yourself. "
        "Weights, the last layer and the loss keep 32 bits.",
    )  # fmt: skip
    device: Literal["auto", "cpu", "gpu"] = option(
        "auto", "Device", "auto takes a GPU if a worker has one, else the processor (CPU)."
    )


class FineTuning(Part):
    """Where a run begins that trains another one's network further on own drawings; it keeps both with it.

    Not among the sections of forms: such a run is begun where the drawings are.
    """

    label: ClassVar[str] = "Fine-tuning"
    sentence: ClassVar[str] = "Trains another run's network further on own drawings, mixed with MNIST's images."

    run: Annotated[str, Field(pattern=r"^[a-z0-9]{1,16}$")]
    drawings: int = number(1, 1, 100_000, "Own drawings", "How many own drawings are learned from.")
    often: int = number(1, 1, 1000, "Times an epoch", "How often each own drawing comes in an epoch.")
    digest: Annotated[str, Field(pattern=r"^([0-9a-f]{12})?$")] = ""
    """Of the drawings, by which two sets of as many are told apart; empty in runs of earlier versions."""

    @property
    def images(self) -> int:
        """How many images of an epoch are own drawings."""
        return self.drawings * self.often
