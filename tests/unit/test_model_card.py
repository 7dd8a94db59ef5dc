"""The flagship's model card: what is shipped beside the network is what the code would write of its figures."""

import re

from mnist_core.cli.flagship import CARD
from mnist_core.data.others import LETTERS, LIKE_DIGITS, kinds
from mnist_core.model_card import Figures, document
from mnist_core.robustness.corruptions import CORRUPTIONS
from mnist_core.store.shipped import FLAGSHIP, FOLDER


def test_the_card_is_as_the_code_writes_it_and_names_the_letters_that_are_left_out(store):
    card = CARD.read_text(encoding="utf-8")
    first, *shares = [float(share) / 100 for share in re.findall(r"([\d.]+)%(?=,| \|)", card)]
    before, after, refused, *shares = shares
    names = list(kinds(99))
    others, mean, corrupted = shares[: len(names)], shares[len(names)], shares[len(names) + 1 :]
    figures = Figures(
        first, before, after, refused, dict(zip(names, others, strict=True)),
        dict(zip(CORRUPTIONS, corrupted, strict=True)),
    )  # fmt: skip
    assert abs(figures.mean_corrupted - mean) < 0.0001
    run, size = store.get(FLAGSHIP), (FOLDER / "model.keras").stat().st_size
    made = document(run, store.calibration(FLAGSHIP), figures, size, "python -m mnist_core flagship", run.device)
    assert made == card
    row, limits = card.split("| letters and signs")[1].splitlines()[0], card.split("## Limits")[1]
    assert " ".join(LIKE_DIGITS) in row and ", ".join(LIKE_DIGITS) in limits and f"other {len(LETTERS)}" in limits
