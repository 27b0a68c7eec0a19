"""Judges: numbers about samples, each with the protocol it was taken by."""

from keras_gan.metrics import features
from keras_gan.metrics.authenticity import Authenticity
from keras_gan.metrics.authenticity import authenticity
from keras_gan.metrics.authenticity import copying_score
from keras_gan.metrics.density_coverage import DensityCoverage
from keras_gan.metrics.density_coverage import density_coverage
from keras_gan.metrics.duplicates import Duplicates
from keras_gan.metrics.duplicates import copies
from keras_gan.metrics.duplicates import duplicates
from keras_gan.metrics.frechet_distance import FrechetDistance
from keras_gan.metrics.frechet_distance import frechet_distance
from keras_gan.metrics.frechet_distance import frechet_distance_infinity
from keras_gan.metrics.kernel_distance import KernelDistance
from keras_gan.metrics.kernel_distance import kernel_distance
from keras_gan.metrics.multiscale_ssim import MultiscaleSSIM
from keras_gan.metrics.multiscale_ssim import multiscale_ssim
from keras_gan.metrics.precision_recall import PrecisionRecall
from keras_gan.metrics.precision_recall import precision_recall
from keras_gan.metrics.sliced_wasserstein import SlicedWasserstein
from keras_gan.metrics.sliced_wasserstein import sliced_wasserstein

__all__ = [
    "Authenticity",
    "DensityCoverage",
    "Duplicates",
    "FrechetDistance",
    "KernelDistance",
    "MultiscaleSSIM",
    "PrecisionRecall",
    "SlicedWasserstein",
    "authenticity",
    "copies",
    "copying_score",
    "density_coverage",
    "duplicates",
    "features",
    "frechet_distance",
    "frechet_distance_infinity",
    "kernel_distance",
    "multiscale_ssim",
    "precision_recall",
    "sliced_wasserstein",
]
