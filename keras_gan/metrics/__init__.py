"""Judges: numbers about samples, each with the protocol it was taken by."""

from keras_gan.metrics import features
from keras_gan.metrics.accuracy_score import accuracy_on_fakes
from keras_gan.metrics.accuracy_score import classification_accuracy_score
from keras_gan.metrics.authenticity import Authenticity
from keras_gan.metrics.authenticity import authenticity
from keras_gan.metrics.authenticity import copying_score
from keras_gan.metrics.class_frechet import frechet_distance_per_class
from keras_gan.metrics.class_histogram import ClassHistogramDivergence
from keras_gan.metrics.class_histogram import class_histogram_divergence
from keras_gan.metrics.density_coverage import DensityCoverage
from keras_gan.metrics.density_coverage import density_coverage
from keras_gan.metrics.duplicates import Duplicates
from keras_gan.metrics.duplicates import copies
from keras_gan.metrics.duplicates import duplicates
from keras_gan.metrics.frechet_distance import FrechetDistance
from keras_gan.metrics.frechet_distance import frechet_distance
from keras_gan.metrics.frechet_infinity import FrechetDistanceInfinity
from keras_gan.metrics.frechet_infinity import frechet_distance_infinity
from keras_gan.metrics.inception import inception_2015
from keras_gan.metrics.inception import inception_v3
from keras_gan.metrics.inception_score import InceptionScore
from keras_gan.metrics.inception_score import inception_score
from keras_gan.metrics.kernel_distance import KernelDistance
from keras_gan.metrics.kernel_distance import kernel_distance
from keras_gan.metrics.mode_count import ModeCount
from keras_gan.metrics.mode_count import mode_count
from keras_gan.metrics.mode_count import modes_of_mixture
from keras_gan.metrics.multiscale_ssim import MultiscaleSSIM
from keras_gan.metrics.multiscale_ssim import multiscale_ssim
from keras_gan.metrics.precision_recall import PrecisionRecall
from keras_gan.metrics.precision_recall import precision_recall
from keras_gan.metrics.sliced_wasserstein import SlicedWasserstein
from keras_gan.metrics.sliced_wasserstein import sliced_wasserstein

__all__ = [
    "Authenticity",
    "ClassHistogramDivergence",
    "DensityCoverage",
    "Duplicates",
    "FrechetDistance",
    "FrechetDistanceInfinity",
    "InceptionScore",
    "KernelDistance",
    "ModeCount",
    "MultiscaleSSIM",
    "PrecisionRecall",
    "SlicedWasserstein",
    "accuracy_on_fakes",
    "authenticity",
    "class_histogram_divergence",
    "classification_accuracy_score",
    "copies",
    "copying_score",
    "density_coverage",
    "duplicates",
    "features",
    "frechet_distance",
    "frechet_distance_infinity",
    "frechet_distance_per_class",
    "inception_2015",
    "inception_score",
    "inception_v3",
    "kernel_distance",
    "mode_count",
    "modes_of_mixture",
    "multiscale_ssim",
    "precision_recall",
    "sliced_wasserstein",
]
