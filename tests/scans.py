"""Photographs, scans and pens made from MNIST's own digits: what the ink pipeline has to undo.

Each takes a digit, uint8 (28, 28) with ink 255, and a random generator, and gives uint8 pixels, grey or RGB.
"""

import io

import numpy as np
from PIL import Image

from mnist_core.data import mnist


def of_each_digit(count):
    """Every digit so many times, uint8 (10 x count, 28, 28), of the training set."""
    train = mnist.load("train")
    return np.concatenate([train.images[train.labels == label][:count] for label in range(10)])


def enlarged(digit, side):
    return np.asarray(Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC))


def paper(digit, rng, side=(90, 260), page=(360, 440)):
    """Ink from 0 to 1, float (H, W): the digit somewhere on a page."""
    size, page = int(rng.integers(*side)), int(rng.integers(*page))
    top, left = rng.integers(20, page - size - 20, 2)
    ink = np.zeros((page, page))
    ink[top : top + size, left : left + size] = enlarged(digit, size) / 255
    return ink


def photographed(levels, rng, noise=3.0):
    """Floats 0 to 255 as a camera's JPEG gives them back."""
    levels = levels + rng.normal(0, noise, levels.shape)
    packed = io.BytesIO()
    Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8)).save(packed, "JPEG", quality=80)
    return np.asarray(Image.open(packed))


def light(shape, rng):
    """A lamp from one side and a soft shadow across, float (H, W) from 0.25 to 1."""
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    angle, other = rng.uniform(0, 2 * np.pi, 2)
    lamp = 0.8 + 0.2 * (np.cos(angle) * x + np.sin(angle) * y)
    across = np.cos(other) * x + np.sin(other) * y - rng.uniform(-0.5, 0.5)
    return lamp * (1 - 0.5 / (1 + np.exp(-across / 0.06)))


def shadowed(digit, rng):
    ink = paper(digit, rng)
    return photographed((225 - 185 * ink) * light(ink.shape, rng), rng)


def rules(shape, rng, squared=False):
    """Lines, float (H, W) from 0 to 1, slightly leaning."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(float)
    gap, thick, lean = rng.uniform(30, 70), rng.uniform(1, 2.5), rng.uniform(-0.03, 0.03)
    first = rng.uniform(0, gap)
    lines = np.clip(thick / 2 + 0.5 - np.abs((y - lean * x - first) % gap - gap / 2), 0, 1)
    if squared:
        lines = np.maximum(lines, np.clip(thick / 2 + 0.5 - np.abs((x + lean * y - first) % gap - gap / 2), 0, 1))
    return lines


def ruled(digit, rng, squared=False):
    ink = paper(digit, rng)
    return photographed(235 - np.maximum(200 * ink, rng.uniform(40, 110) * rules(ink.shape, rng, squared)), rng)


def squared(digit, rng):
    return ruled(digit, rng, squared=True)


def pencil(digit, rng):
    """Faint on grey paper that is a little lighter on one side, as a scanner's lid lets it be."""
    ink = paper(digit, rng)
    y, x = np.mgrid[-1 : 1 : ink.shape[0] * 1j, -1 : 1 : ink.shape[1] * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    slope = rng.uniform(6, 22) * (np.cos(angle) * x + np.sin(angle) * y)
    return photographed(rng.uniform(150, 200) + slope - rng.uniform(50, 90) * ink, rng, 2.0)


def table(digit, rng):
    """A sheet that lies askew on a darker table, which shows along two sides."""
    ink = paper(digit, rng, side=(90, 200))
    height, width = ink.shape
    y, x = np.mgrid[:height, :width]
    margin, lean = rng.uniform(2, 14), rng.uniform(-0.15, 0.15)
    across, down = lean * (x - width / 2), lean * (y - height / 2)
    into = [y - across, height - y - across, x - down, width - x - down]
    beside = np.min([into[side] for side in rng.choice(4, 2, replace=False)], axis=0) < margin
    return photographed(np.where(beside, rng.uniform(60, 140), 235 - rng.uniform(120, 190) * ink), rng, 2.0)


def beside_table(digit, rng, share, side=(50, 150), page=(480, 400)):
    """A photo of a sheet whose left edge shows: the table takes so large a share of the width."""
    height, width = page
    edge = int(rng.uniform(*share) * width)
    size = int(rng.integers(side[0], min(side[1], width - edge - 40)))
    ink = np.zeros(page)
    top, left = int(rng.integers(10, height - size - 10)), int(rng.integers(edge + 15, width - size - 10))
    ink[top : top + size, left : left + size] = enlarged(digit, size) / 255
    lean = rng.uniform(-0.03, 0.03) * (np.arange(height) - height / 2)
    beside = np.arange(width) < edge + lean[:, None]
    return photographed(np.where(beside, rng.uniform(60, 140), 225 - rng.uniform(120, 180) * ink), rng, 2.0)


PENS = {"yellow": (250, 235, 40), "pink": (250, 150, 190), "red": (220, 40, 40), "green": (90, 200, 90)}


def coloured(digit, rng, pen=None):
    ink = paper(digit, rng)[..., None]
    colour = np.array(PENS[pen or rng.choice(list(PENS))], float)
    return photographed(240 * (1 - ink) + colour * ink, rng)


def cropped(digit):
    rows, columns = np.flatnonzero(digit.any(axis=1)), np.flatnonzero(digit.any(axis=0))
    return digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def scanned(digit, rng, side=8, stretched=False):
    """A scan of so few pixels: black and white at four times the resolution, each pixel counting its 4 x 4."""
    fine, tight = 4 * side, cropped(digit)
    scale = (fine / tight.shape[1], fine / tight.shape[0]) if stretched else (fine / max(tight.shape),) * 2
    size = [max(1, round(length * by)) for length, by in zip(tight.shape[::-1], scale, strict=True)]
    bitmap = np.asarray(Image.fromarray(tight).resize(size, Image.Resampling.BICUBIC)) > 127
    whole = np.zeros((fine, fine))
    top, left = ((fine - length) // 2 for length in bitmap.shape)
    whole[top : top + bitmap.shape[0], left : left + bitmap.shape[1]] = bitmap
    return np.rint(whole.reshape(side, 4, side, 4).mean(axis=(1, 3)) * 255).astype(np.uint8)


def thinned(mask):
    """The skeleton of a mask, one pixel wide: T. Y. Zhang and C. Y. Suen, "A fast parallel algorithm", 1984."""
    image = np.pad(mask, 1).astype(np.uint8)
    changed = True
    while changed:
        changed = False
        for first in (True, False):
            ring = [np.roll(image, shift, (0, 1)) for shift in
                    ((1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1))]
            count = sum(ring)
            turns = sum((a == 0) & (b == 1) for a, b in zip(ring, ring[1:] + ring[:1], strict=True))
            n, _, e, _, s, _, w, _ = ring
            sides = (n * e * s == 0) & (e * s * w == 0) if first else (n * e * w == 0) & (n * s * w == 0)
            gone = (image == 1) & (count >= 2) & (count <= 6) & (turns == 1) & sides
            changed |= bool(gone.any())
            image[gone] = 0
    return image[1:-1, 1:-1].astype(bool)


def drawn(digit, rng, pen=1, side=200):
    """The digit's skeleton drawn on a canvas with a round pen of so many pixels."""
    skeleton = thinned(enlarged(digit, side) > 127)
    y, x = np.mgrid[-pen : pen + 1, -pen : pen + 1]
    tip = np.argwhere(np.hypot(y, x) <= pen / 2) - pen
    page = np.zeros((side + 2 * pen, side + 2 * pen), np.uint8)
    for dy, dx in tip:
        rows, columns = np.nonzero(skeleton)
        page[rows + dy + pen, columns + dx + pen] = 255
    return page


KINDS = {
    "as it is": lambda digit, rng: digit,
    "shadow": shadowed,
    "ruled": ruled,
    "squared": squared,
    "coloured": coloured,
    "pencil": pencil,
    "table": table,
    "table's edge": lambda digit, rng: beside_table(digit, rng, (0.02, 0.1)),
    "broad table": lambda digit, rng: beside_table(digit, rng, (0.28, 0.42)),
    "8 x 8": scanned,
    "8 x 8 stretched": lambda digit, rng: scanned(digit, rng, 8, True),
    "16 x 16": lambda digit, rng: scanned(digit, rng, 16),
    "pen 1": lambda digit, rng: drawn(digit, rng, 1),
    "pen 4": lambda digit, rng: drawn(digit, rng, 4),
    "pen 30": lambda digit, rng: drawn(digit, rng, 30),
    "pen 44": lambda digit, rng: drawn(digit, rng, 44),
    "tight": lambda digit, rng: cropped(digit),
}


def row(digits, rng, gap=(0.12, 0.5), sizes=(90, 130)):
    """Digits side by side, light on black, uint8, and the columns where each begins and ends.

    ``gap`` is the paper between two as a share of their size; below 0 they overlap.
    """
    page, spans, left = np.zeros((220, 160 * len(digits) + 120), np.uint8), [], 40
    for digit in digits:
        size = int(rng.integers(*sizes))
        tight = cropped(digit)
        scale = size / max(tight.shape)
        shape = [max(1, round(length * scale)) for length in tight.shape[::-1]]
        large = np.asarray(Image.fromarray(tight).resize(shape, Image.Resampling.BICUBIC))
        top = 40 + int(rng.integers(0, 20))
        place = page[top : top + large.shape[0], left : left + large.shape[1]]
        np.maximum(place, large, out=place)
        spans.append((left, left + large.shape[1]))
        left += large.shape[1] + round(rng.uniform(*gap) * size)
    return page, spans
