"""Players: one paper a file, functions that return functional models."""

from keras_gan.architectures.dcgan import dcgan
from keras_gan.architectures.mlp import mlp

__all__ = ["dcgan", "mlp"]
