"""Players: one paper a file, functions that return functional models."""

from keras_gan.architectures.dcgan import dcgan
from keras_gan.architectures.encoder_decoder import encoder_decoder
from keras_gan.architectures.mlp import mlp
from keras_gan.architectures.projected_discriminator import (
    projected_discriminator,
)
from keras_gan.architectures.r3gan import r3gan
from keras_gan.architectures.sagan import sagan
from keras_gan.architectures.sn_resnet import sn_resnet
from keras_gan.architectures.stylegan2 import stylegan2

__all__ = [
    "dcgan",
    "encoder_decoder",
    "mlp",
    "projected_discriminator",
    "r3gan",
    "sagan",
    "sn_resnet",
    "stylegan2",
]
