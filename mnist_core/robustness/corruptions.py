"""The fifteen corruptions of MNIST-C, written from their description in the paper.

Mu and Gilmer 2019, "MNIST-C: A Robustness Benchmark for Computer Vision" (arXiv 1906.02337), section 3 and figure 1.
Each takes float32 images ``(N, 28, 28)`` with paper 0 and ink 1, a strength 0..1 and a source of chance, and gives
such images; values outside 0..1 are cut off by ``corrupt``. The benchmark judges by one strength of each, which is 0.6
here: the amounts that the authors published with their images are noted where they are used. Whoever redefines one
gives ``robustness.FIGURES`` another number, so that runs are measured anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from mnist_core.robustness.canny import edges

SIDE = 28
MIDDLE = (SIDE - 1) / 2
USUAL = 0.6
"""The strength at which a network is judged."""

Images = np.ndarray
Change = Callable[[Images, float, np.random.Generator], Images]


@dataclass(frozen=True)
class Corruption:
    """One of the fifteen: what a reader calls it, and what it does in a sentence."""

    name: str
    sentence: str
    change: Change


def corrupt(images: np.ndarray, name: str, strength: float = USUAL, seed: int = 0) -> np.ndarray:
    """Spoils ``uint8 (N, 28, 28)`` images, the same for the same seed; ``KeyError`` for an unknown name."""
    if not strength:
        return images
    changed = CORRUPTIONS[name].change(images.astype(np.float32) / 255, strength, np.random.default_rng(seed))
    return np.rint(np.clip(changed, 0, 1) * 255).astype(np.uint8)


# -- noise and blur ------------------------------------------------------------------------------------------


def shot_noise(images: Images, strength: float, random: np.random.Generator) -> Images:
    photons = 60 * (3 / 60) ** (strength / USUAL)  # published: 3
    return random.poisson(images * photons) / photons


def impulse_noise(images: Images, strength: float, random: np.random.Generator) -> Images:
    draws, half = random.random(images.shape), 0.17 / 2 * strength / USUAL  # published: 17 % of all pixels
    return np.where(draws < half, 0, np.where(draws > 1 - half, 1, images))


def glass_blur(images: Images, strength: float, random: np.random.Generator) -> Images:
    """Blurred, half of the pixels taken from near ones, twice, and blurred again: as through frosted glass."""
    sigma, reach = 0.7 * strength / USUAL, 1 + (strength > 0.7)  # published: 0.7 pixels, and neighbours
    images = ndimage.gaussian_filter(images, (0, sigma, sigma))
    rows, columns = np.mgrid[:SIDE, :SIDE]
    each = np.arange(len(images))[:, None, None]
    for _ in range(2):
        moves = random.integers(-reach, reach + 1, (2, *images.shape)) * random.integers(0, 2, images.shape)
        images = images[each, np.clip(rows + moves[0], 0, SIDE - 1), np.clip(columns + moves[1], 0, SIDE - 1)]
    return ndimage.gaussian_filter(images, (0, sigma, sigma))


def motion_blur(images: Images, strength: float, random: np.random.Generator) -> Images:
    """The mean of copies along a line of random direction, near ones counting most."""
    angles, length = random.uniform(-np.pi / 4, np.pi / 4, len(images)), 1 + 8 * strength
    steps = np.linspace(-length / 2, length / 2, 9)
    weights = np.exp(-((steps / (length / 2)) ** 2))
    total = np.zeros_like(images)
    for step, weight in zip(steps, weights / weights.sum(), strict=True):
        total += weight * _mapped(images, shift=(step * np.sin(angles), step * np.cos(angles)))
    return total


# -- another place, size or angle -------------------------------------------------------------------------------


def shear(images: Images, strength: float, random: np.random.Generator) -> Images:
    return _mapped(images, slant=_sign(random, len(images)) * np.tan(0.4 * strength / USUAL))  # published: 0.4 radians


def scale(images: Images, strength: float, random: np.random.Generator) -> Images:
    return _mapped(images, grow=np.full(len(images), 1 - 0.3 * strength / USUAL))  # published: 0.7


def rotate(images: Images, strength: float, random: np.random.Generator) -> Images:
    return _mapped(images, angle=_sign(random, len(images)) * 0.4 * strength / USUAL)  # published: 0.4 radians


def translate(images: Images, strength: float, random: np.random.Generator) -> Images:
    pixels = 3 * strength / USUAL  # published: 3 each way
    return _mapped(images, shift=(pixels * _sign(random, len(images)), pixels * _sign(random, len(images))))


# -- paper that is not clean --------------------------------------------------------------------------------------


def brightness(images: Images, strength: float, random: np.random.Generator) -> Images:
    return images + 0.5 * strength / USUAL  # published: 0.5


def stripe(images: Images, strength: float, random: np.random.Generator) -> Images:
    """The picture printed the other way round along both sides."""
    wide = round(7 * strength / USUAL)  # published: 7 columns
    inside = np.abs(np.arange(SIDE) - MIDDLE) < SIDE / 2 - wide
    return np.where(inside, images, 1 - images)


def fog(images: Images, strength: float, random: np.random.Generator) -> Images:
    """Clouds: noise of every size, each half as strong as the one of twice its size; the picture shows a small part of
    them, with about three tenths of all that is between thin and thick."""
    cloud = sum(
        2.0**-octave * _enlarged(random.random((len(images), 2 ** (octave + 1) + 1, 2 ** (octave + 1) + 1)))
        for octave in range(4)
    )
    cloud = (cloud - cloud.min((1, 2), keepdims=True)) / np.ptp(cloud, (1, 2), keepdims=True)
    cloud = 0.3 * cloud + 0.7 * random.random((len(images), 1, 1))
    most = images.max((1, 2), keepdims=True)
    thick = 3 * strength / USUAL  # published: 3
    return (images + thick * cloud) * most / (most + thick)


def spatter(images: Images, strength: float, random: np.random.Generator) -> Images:
    """Drops on the lens that hide the digit, a quarter as light as ink, where smooth noise is high over some pixels."""
    noise = ndimage.gaussian_filter(random.standard_normal(images.shape), (0, 1, 1))
    noise /= noise.std((1, 2), keepdims=True)
    # Published: noise over its mean, itself smoothed by 1.5 pixels, where that is over 0.8.
    drops = ndimage.gaussian_filter((noise > 2 * (USUAL - strength)).astype(np.float32), (0, 1.5, 1.5))
    drops = np.where(drops < 0.8, 0, drops)
    return images * (1 - drops) + 0.25 * drops


def dotted_line(images: Images, strength: float, random: np.random.Generator) -> Images:
    return np.stack([_with_line(image, strength, random, bends=0, dotted=True) for image in images])


def zigzag(images: Images, strength: float, random: np.random.Generator) -> Images:
    return np.stack([_with_line(image, strength, random, bends=8, dotted=False) for image in images])


def canny_edges(images: Images, strength: float, random: np.random.Generator) -> Images:
    """Only the outlines, of one pixel; between picture and outline as strong as asked."""
    blend = min(1.0, strength / USUAL)
    return (1 - blend) * images + blend * edges(images)


# -- inside ---------------------------------------------------------------------------------------------------


def _sign(random: np.random.Generator, count: int) -> np.ndarray:
    return random.choice([-1.0, 1.0], count)


def _mapped(images: Images, angle=0.0, slant=0.0, grow=1.0, shift=(0.0, 0.0)) -> Images:
    """Turned, slanted, grown and shifted about the middle, bilinear, with clean paper outside; a number or one each."""
    size = (len(images), 1, 1)
    angle, slant, grow, down, across = (
        np.broadcast_to(np.asarray(value, float), len(images)).reshape(size) for value in (angle, slant, grow, *shift)
    )
    rows, columns = np.mgrid[:SIDE, :SIDE] - MIDDLE
    rows, columns = (rows - down) / grow, (columns - across) / grow
    columns = columns - slant * rows
    y = np.cos(angle) * rows - np.sin(angle) * columns + MIDDLE
    x = np.sin(angle) * rows + np.cos(angle) * columns + MIDDLE
    each = np.broadcast_to(np.arange(len(images)).reshape(size), y.shape)
    return ndimage.map_coordinates(images, [each, y, x], order=1, mode="constant")


def _enlarged(noise: np.ndarray) -> np.ndarray:
    places = np.linspace(0, noise.shape[1] - 1, SIDE)
    each, y, x = np.meshgrid(np.arange(len(noise)), places, places, indexing="ij")
    return ndimage.map_coordinates(noise, [each, y, x], order=1)


def _with_line(image: np.ndarray, strength: float, random: np.random.Generator, bends: int, dotted: bool) -> np.ndarray:
    """A line from one side of the picture to another over the digit."""
    angle, offset = random.uniform(0, np.pi), random.uniform(-5, 5)
    along = np.linspace(-20, 20, 121)
    aside = offset + (np.abs((along * bends / 20) % 2 - 1) - 0.5) * 5 * bool(bends)
    if dotted:
        along, aside = along[np.floor(along) % 4 < 2], aside[np.floor(along) % 4 < 2]
    y = MIDDLE + along * np.sin(angle) + aside * np.cos(angle)
    x = MIDDLE + along * np.cos(angle) - aside * np.sin(angle)
    line = np.zeros_like(image)
    inside = (y > -0.5) & (y < SIDE - 0.5) & (x > -0.5) & (x < SIDE - 0.5)
    line[np.rint(y[inside]).astype(int), np.rint(x[inside]).astype(int)] = min(1.0, strength / USUAL)
    return np.maximum(image, line)


CORRUPTIONS: dict[str, Corruption] = {
    change.__name__: Corruption(change.__name__.replace("_", " "), sentence, change)
    for change, sentence in (
        (shot_noise, "Grain, as a sensor gives in poor light."),
        (impulse_noise, "Pixels that are black or white by chance."),
        (glass_blur, "As through frosted glass."),
        (motion_blur, "The camera moved."),
        (shear, "Slanted."),
        (scale, "Smaller."),
        (rotate, "Turned."),
        (brightness, "Grey paper."),
        (translate, "Moved to one side."),
        (stripe, "Both sides the other way round."),
        (fog, "Clouds over everything."),
        (spatter, "Drops on the lens."),
        (dotted_line, "A dotted line across."),
        (zigzag, "A zigzag line across."),
        (canny_edges, "Only the outlines."),
    )
}
