"""Generative adversarial networks the Keras way."""

from keras_gan import architectures
from keras_gan import backbones
from keras_gan import callbacks
from keras_gan import constraints
from keras_gan import datasets
from keras_gan import latents
from keras_gan import layers
from keras_gan import losses
from keras_gan import metrics
from keras_gan import optimizers
from keras_gan import penalties
from keras_gan import presets
from keras_gan import schedules
from keras_gan import tasks
from keras_gan import walks
from keras_gan.augmentation import augment_dataset
from keras_gan.gan import GAN
from keras_gan.inversion import invert
from keras_gan.perceptual import Perceptual
from keras_gan.tasks import ACGAN
from keras_gan.tasks import ConditionalGAN
from keras_gan.tasks import InfoGAN
from keras_gan.tasks import PackedGAN
from keras_gan.tasks import ReACGAN
from keras_gan.tasks import SemiSupervisedGAN
from keras_gan.version import __version__

__all__ = [
    "ACGAN",
    "GAN",
    "ConditionalGAN",
    "InfoGAN",
    "PackedGAN",
    "Perceptual",
    "ReACGAN",
    "SemiSupervisedGAN",
    "__version__",
    "architectures",
    "augment_dataset",
    "backbones",
    "callbacks",
    "constraints",
    "datasets",
    "invert",
    "latents",
    "layers",
    "losses",
    "metrics",
    "optimizers",
    "penalties",
    "presets",
    "schedules",
    "tasks",
    "walks",
]
