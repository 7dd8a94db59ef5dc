"""Health: how the engine, its workers, the queue, the database and the disk are."""

from mnist_core.ui.frame import page
from mnist_core.ui.health import show_health

with page("Health", "Whether everything that MNIST Lab needs is there, and what to do if something is not.") as lab:
    show_health(lab)
