"""The classical models of the registry: scikit-learn fits them, round by round, and none of it is imported here."""

from __future__ import annotations

from typing import ClassVar, Literal

from mnist_core.models.architecture import Architecture
from mnist_core.models.plan import Layer
from mnist_core.parts import number, option


class Classical(Architecture):
    """Base: ``rounds`` and ``steps`` say how long the fitting is at most.

    A round is what can be kept when a fitting is stopped; a step is what the progress bar counts.
    """

    family: ClassVar[str] = "classical"
    sections: ClassVar[tuple[str, ...]] = ("architecture", "data")

    @property
    def rounds(self) -> int:
        raise NotImplementedError

    @property
    def steps(self) -> int:
        return self.rounds

    def summary(self) -> str:
        """In one line, for lists."""
        raise NotImplementedError


class RandomForest(Classical):
    """Breiman 2001, "Random Forests"; ``sklearn.ensemble.RandomForestClassifier``."""

    label: ClassVar[str] = "Random forest"
    sentence: ClassVar[str] = (
        "Many decision trees, each grown on another random draw of the images; their votes are averaged. No gradients."
    )
    unit: ClassVar[str] = "tree"

    name: Literal["random_forest"] = "random_forest"
    trees: int = number(100, 1, 500, "Trees", "How many trees vote. More are steadier and take longer.")
    max_depth: int = number(
        0, 0, 64, "Questions at most", "How many pixels a tree may ask about, one after the other; 0 is no limit."
    )
    min_samples_leaf: int = number(
        1, 1, 200, "Images in a leaf", "A tree asks no further question that would leave fewer images than this."
    )
    max_features: Literal["sqrt", "log2", "all"] = option(
        "sqrt", "Pixels to choose from",
        "Before each question, so many pixels are drawn to find the best among: the root of 784 (28), its logarithm "
        "(9), or all. Fewer make the trees more different from each other.",
    )  # fmt: skip

    @property
    def rounds(self) -> int:
        return self.trees

    def summary(self) -> str:
        return f"Random forest, {self.trees} tree" + "s" * (self.trees != 1)

    def layers(self):
        yield Layer("Flatten")
        yield Layer("Forest", {"trees": self.trees})


class SGDClassifier(Classical):
    """``sklearn.linear_model.SGDClassifier``: ten linear classifiers, one digit against the rest."""

    label: ClassVar[str] = "Linear classifier (SGD)"
    sentence: ClassVar[str] = (
        "Ten straight lines through the space of pixels, each parting one digit from the rest, fitted one after the "
        "other by stochastic gradient descent."
    )
    unit: ClassVar[str] = "digit"

    name: Literal["sgd_classifier"] = "sgd_classifier"
    loss: Literal["hinge", "log_loss", "modified_huber", "squared_hinge", "perceptron"] = option(
        "hinge", "Loss",
        "What a mistake costs. hinge is a linear support vector machine, log_loss a logistic regression. Only log_loss "
        "knows probabilities; for the others they are made from the distances by a softmax.",
    )  # fmt: skip
    penalty: Literal["l2", "l1", "elasticnet"] = option(
        "l2", "Penalty", "Keeps weights small (l2), or as many as possible at zero (l1), or both (elasticnet)."
    )
    alpha: float = number(0.0001, 1e-8, 1.0, "Alpha", "The weight of the penalty; sets the step size too.", log=True)
    max_iter: int = number(1000, 1, 2000, "Passes at most", "How often each of the ten may go through the images.")
    tol: float = number(
        0.001, 0.0, 1.0, "Tolerance", "A digit is done when five passes in a row better the loss by less than this."
    )

    @property
    def probabilistic(self) -> bool:
        """Whether it knows probabilities, or only distances from its ten dividing lines."""
        return self.loss == "log_loss"

    @property
    def rounds(self) -> int:
        return 10

    @property
    def steps(self) -> int:
        return self.rounds * self.max_iter

    def summary(self) -> str:
        return f"SGD classifier, {self.loss.replace('_', ' ')}, {self.max_iter:,} passes at most"

    def layers(self):
        yield Layer("Flatten")
        yield Layer("LinearClassifier", {"units": self.rounds})
