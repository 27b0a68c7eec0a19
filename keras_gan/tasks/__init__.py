"""GANs whose batch or cast is another: one task a file."""

from keras_gan.tasks.conditional import ConditionalGAN

__all__ = ["ConditionalGAN"]
