"""The way in: names, files, folders, arrays to tf.data batches in [-1, 1]."""

from keras_gan.datasets.load import load

__all__ = ["load"]
