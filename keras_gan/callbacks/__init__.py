"""Watchers: Keras callbacks that show and guard the training of a GAN."""

from keras_gan.callbacks.exact_backup import ExactBackup
from keras_gan.callbacks.health import Health
from keras_gan.callbacks.loss_curves import LossCurves
from keras_gan.callbacks.sample_grid import SampleGrid
from keras_gan.callbacks.stop_on_non_finite import StopOnNonFinite

__all__ = [
    "ExactBackup",
    "Health",
    "LossCurves",
    "SampleGrid",
    "StopOnNonFinite",
]
