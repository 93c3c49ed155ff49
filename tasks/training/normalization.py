"""Normalisation of the feature cache of a training, or as a trained network needs it."""

from collections.abc import Sequence

from models.training.features import Features
from models.training.normalization import Normalization
from models.training.settings import NormalizationSettings
from tasks.subsets.assignment import Assignment
from tasks.subsets.splits import Subset


def normalize(
    features: Features, settings: NormalizationSettings, assignment: Assignment, subsets: Sequence[Subset]
) -> Normalization | None:
    """Normalise the features of a training, and return the normalisation for ``model.json``; None without one.

    Args:
        features: Feature cache of the network's front end.
        settings: Settings of the normalisation.
        assignment: Labels, subsets, recordings and devices of the cycles.
        subsets: Subsets whose cycles the training reads; the mean is that of the subset train.

    Raises:
        ValueError: A cycle is missing in the cache.
    """
    if settings == NormalizationSettings():
        return None
    means = features.means(features.find(assignment.cycles("train")))
    fitted = Normalization.fit(settings, means)
    features.normalize(fitted, assignment.sources(*subsets))
    return fitted
