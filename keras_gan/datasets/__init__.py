"""The way in: names, files, folders, arrays to tf.data batches in [-1, 1]."""

from keras_gan.datasets.few_labels import few_labels
from keras_gan.datasets.load import load
from keras_gan.datasets.streaming import stream

__all__ = ["few_labels", "load", "stream"]
