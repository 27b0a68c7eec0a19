"""GANs whose batch or cast is another: one task a file."""

from keras_gan.tasks.acgan import ACGAN
from keras_gan.tasks.conditional import ConditionalGAN
from keras_gan.tasks.infogan import InfoGAN
from keras_gan.tasks.packed import PackedGAN
from keras_gan.tasks.reacgan import ReACGAN
from keras_gan.tasks.semi_supervised import SemiSupervisedGAN

__all__ = [
    "ACGAN",
    "ConditionalGAN",
    "InfoGAN",
    "PackedGAN",
    "ReACGAN",
    "SemiSupervisedGAN",
]
