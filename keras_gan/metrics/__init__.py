"""Judges: numbers about samples, each with the protocol it was taken by."""

from keras_gan.metrics import features
from keras_gan.metrics.density_coverage import DensityCoverage
from keras_gan.metrics.density_coverage import density_coverage
from keras_gan.metrics.frechet_distance import FrechetDistance
from keras_gan.metrics.frechet_distance import frechet_distance
from keras_gan.metrics.frechet_distance import frechet_distance_infinity
from keras_gan.metrics.kernel_distance import KernelDistance
from keras_gan.metrics.kernel_distance import kernel_distance
from keras_gan.metrics.precision_recall import PrecisionRecall
from keras_gan.metrics.precision_recall import precision_recall

__all__ = [
    "DensityCoverage",
    "FrechetDistance",
    "KernelDistance",
    "PrecisionRecall",
    "density_coverage",
    "features",
    "frechet_distance",
    "frechet_distance_infinity",
    "kernel_distance",
    "precision_recall",
]
