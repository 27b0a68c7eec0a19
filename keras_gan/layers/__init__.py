"""Bricks of the players: one layer a file."""

from keras_gan.layers.adain import AdaIN
from keras_gan.layers.adaptive_augment import AdaptiveAugment
from keras_gan.layers.backbone_input import BackboneInput
from keras_gan.layers.blur_pool import BlurPool
from keras_gan.layers.conditional_batch_normalization import (
    ConditionalBatchNormalization,
)
from keras_gan.layers.diff_augment import DiffAugment
from keras_gan.layers.equalized import EqualizedConv2D
from keras_gan.layers.equalized import EqualizedDense
from keras_gan.layers.frozen import Frozen
from keras_gan.layers.mean_style import MeanStyle
from keras_gan.layers.minibatch_discrimination import MinibatchDiscrimination
from keras_gan.layers.minibatch_std import MinibatchStd
from keras_gan.layers.modulated_conv import ModulatedConv2D
from keras_gan.layers.noise_injection import NoiseInjection
from keras_gan.layers.phase_shuffle import PhaseShuffle
from keras_gan.layers.pixel_norm import PixelNorm
from keras_gan.layers.resize import Resize
from keras_gan.layers.self_attention import SelfAttention
from keras_gan.layers.spectral_normalization import SpectralNormalization
from keras_gan.layers.upsample import Upsample

__all__ = [
    "AdaIN",
    "AdaptiveAugment",
    "BackboneInput",
    "BlurPool",
    "ConditionalBatchNormalization",
    "DiffAugment",
    "EqualizedConv2D",
    "EqualizedDense",
    "Frozen",
    "MeanStyle",
    "MinibatchDiscrimination",
    "MinibatchStd",
    "ModulatedConv2D",
    "NoiseInjection",
    "PhaseShuffle",
    "PixelNorm",
    "Resize",
    "SelfAttention",
    "SpectralNormalization",
    "Upsample",
]
