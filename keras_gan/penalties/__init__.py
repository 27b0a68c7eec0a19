"""Penalties: (discriminate, real, fake) to per-sample values.

Each is added to the loss of one player, the discriminator unless it says
otherwise. `real` and `fake` are samples, `discriminate` gives their logits.
"""

from keras_gan.penalties.class_consistency import ClassConsistency
from keras_gan.penalties.consistency import Consistency
from keras_gan.penalties.consistency import LatentConsistency
from keras_gan.penalties.consistency import LatentDiversity
from keras_gan.penalties.gradient_norm import DRAGAN
from keras_gan.penalties.gradient_norm import R1
from keras_gan.penalties.gradient_norm import R2
from keras_gan.penalties.gradient_norm import WGANGP
from keras_gan.penalties.gradient_norm import ZeroCentered
from keras_gan.penalties.gradient_norm import squared_gradient_norm
from keras_gan.penalties.logit import DiscriminatorEntropy
from keras_gan.penalties.logit import Drift
from keras_gan.penalties.logit import LeCam
from keras_gan.penalties.logit import LogCrossEntropy
from keras_gan.penalties.penalty import Penalty
from keras_gan.penalties.sample import PathLength
from keras_gan.penalties.sample import SampleEnergy
from keras_gan.penalties.weight import Orthogonal
from keras_gan.penalties.weight import WeightDecay

__all__ = [
    "ClassConsistency",
    "Consistency",
    "DRAGAN",
    "DiscriminatorEntropy",
    "Drift",
    "LatentConsistency",
    "LatentDiversity",
    "LeCam",
    "LogCrossEntropy",
    "Orthogonal",
    "PathLength",
    "Penalty",
    "R1",
    "R2",
    "SampleEnergy",
    "WGANGP",
    "WeightDecay",
    "ZeroCentered",
    "squared_gradient_norm",
]
