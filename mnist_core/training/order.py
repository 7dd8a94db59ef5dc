"""In which order the images come: by chance as a whole, or as ``tf.data`` shuffles with a buffer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mnist_core.sections import Training


class Order:
    """The order of every epoch, from seed and epoch alone, so that a resumed run repeats it.

    Args:
        images: how many there are to order.
    """

    def __init__(self, training: Training, seed: int, images: int):
        self._training, self._seed, self._images = training, seed, images
        self._passes, self._next = iter(()), -1

    def epoch(self, number: int) -> np.ndarray:
        """Positions ``int32 (images,)`` for epoch ``number``, from 0 on."""
        training = self._training
        if not training.shuffle:
            return np.arange(self._images, dtype=np.int32)
        number = number if training.reshuffle else 0
        if not 0 < training.shuffle_buffer < self._images:
            return self._random(number).permutation(self._images).astype(np.int32)
        if not training.steps or not training.reshuffle:
            return _drawn(self._random(number), np.arange(self._images), training.shuffle_buffer)
        return self._of_stream(number)

    def _of_stream(self, number: int) -> np.ndarray:
        """Counted by steps, the data are repeated first and shuffled then, so the buffer goes on from pass to pass."""
        if not 0 <= self._next <= number:
            self._passes, self._next = self._stream(), 0
        for _ in range(number - self._next):
            next(self._passes)
        self._next = number + 1
        return next(self._passes)

    def _stream(self) -> Iterator[np.ndarray]:
        size = self._training.shuffle_buffer
        buffer = np.arange(size).tolist()
        number = 0
        while True:
            arriving = (np.arange(self._images) + size) % self._images
            places = self._random(number).integers(0, size, self._images)
            yield _exchange(buffer, places.tolist(), arriving.tolist())
            number += 1

    def _random(self, number: int) -> np.random.Generator:
        return np.random.default_rng([number, self._seed])


def _drawn(random: np.random.Generator, stream: np.ndarray, size: int) -> np.ndarray:
    """One pass: what is left in the buffer at its end is drawn by chance too."""
    buffer = stream[:size].tolist()
    places = random.integers(0, size, len(stream) - size)
    head = _exchange(buffer, places.tolist(), stream[size:].tolist())
    return np.concatenate([head, random.permutation(np.array(buffer, np.int32))])


def _exchange(buffer: list[int], places: list[int], arriving: list[int]) -> np.ndarray:
    """Draws from the buffer at ``places``, and puts there what arrives."""
    drawn = np.empty(len(places), np.int32)
    for i, (place, new) in enumerate(zip(places, arriving, strict=True)):
        drawn[i], buffer[place] = buffer[place], new
    return drawn
