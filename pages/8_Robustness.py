"""Robustness: what spoiled pictures do to a network's answers."""

from mnist_core.ui.choose import choose_run
from mnist_core.ui.frame import page
from mnist_core.ui.robustness import accuracies, try_one

with page("Robustness", "Noise, fog, scratches, a shaky camera: how much of it can a network bear?") as lab:
    run = choose_run(lab)
    if run is not None:
        try_one(lab, run)
        accuracies(lab, run)
