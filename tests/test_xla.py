"""Every training step is one static program for the device alone.

`tf.function(jit_compile=True)` hands the whole step to XLA or refuses it; the
text of what it hands over must hold nothing that a TPU core cannot run.
`TPU.md` says what this proves, `benchmarks/tpu_compile.py` goes further.
"""

import inspect
import itertools

import keras
import pytest
import tensorflow as tf
from conformance import BATCH
from conformance import CASES
from conformance import LAYERS
from conformance import PAPERS
from conformance import LabelledGAN
from conformance import batch_of
from conformance import compiled
from conformance import image_batch
from conformance import small
from conformance import small_dcgan
from hlo import findings
from hlo import program

from keras_gan import architectures
from keras_gan import layers
from keras_gan import losses
from keras_gan import penalties
from keras_gan import tasks
from keras_gan import updates
from keras_gan.layers import diff_augment

POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")
# The cheap ones that between them have two steps of one player, a lazy
# penalty, adaptive augmentation and a discriminator's own state.
DEFAULT = ("wgan_gp", "regularised", "image")
IMAGE = (8, 8, 3)


def assert_static(gan, batch):
    text = program(gan.train_step, batch)("hlo")
    # One entry computation that moves the weights it was given.
    assert text.count("\nENTRY ") == 1
    assert "parameter(" in text
    assert findings(text) == {}


def large_unless(name, *values, small=()):
    marks = () if name in small else (pytest.mark.large, pytest.mark.long)
    return pytest.param(*values, id=name, marks=marks)


@pytest.mark.parametrize(
    "policy, case",
    [
        large_unless(
            f"{case.name}-{policy}",
            policy,
            case,
            small=[f"{name}-float32" for name in DEFAULT],
        )
        for case in [*CASES, *PAPERS]
        for policy in POLICIES
    ],
)
def test_step_of_each_case(policy, case):
    keras.config.set_dtype_policy(policy)
    if policy == "mixed_float16" and case.name == "smooth":
        pytest.skip("one_stage refuses float16")
    assert_static(case.make_gan(), case.make_batch())


def fits(loss, update):
    return update != "one_stage" or getattr(
        losses.LOSSES[loss], "one_stage", False
    )


@pytest.mark.large
@pytest.mark.long
@pytest.mark.parametrize(
    "loss, update",
    [
        pair
        for pair in itertools.product(losses.LOSSES, updates.RULES)
        if fits(*pair)
    ],
)
def test_step_of_each_loss_and_rule(loss, update):
    gan = compiled(small((6,)), loss, update=update)
    assert_static(gan, batch_of(6)())


def test_layers_of_the_batch_below_a_penalty_of_some_steps():
    """Inside a condition a shape that is computed is one that varies."""
    x = keras.Input((6,))
    y = layers.MinibatchStd()(keras.layers.Dense(4)(x))
    y = layers.MinibatchDiscrimination(2, kernel_dim=2)(y)
    discriminator = keras.Model(x, keras.layers.Dense(1)(y))
    players = small((6,))[0], discriminator
    gan = compiled(players, "hinge", [penalties.R1(0.5, every=2)])
    assert_static(gan, batch_of(6)())


PENALTIES = [
    name
    for name in penalties.__all__
    if inspect.isclass(getattr(penalties, name)) and name != "Penalty"
]


@pytest.mark.large
@pytest.mark.long
@pytest.mark.parametrize("every", [1, 2])
@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.filterwarnings("ignore:R1 and R2 in every")
def test_step_of_each_penalty(name, every):
    penalty = getattr(penalties, name)(every=every)
    gan = compiled(
        small_dcgan("both"),
        "non_saturating",
        [penalty],
        model=tasks.SemiSupervisedGAN,
        task={"num_classes": 3},
    )
    assert_static(gan, image_batch(3)())


@pytest.mark.large
@pytest.mark.long
@pytest.mark.parametrize("family", sorted(diff_augment.FAMILIES))
@pytest.mark.parametrize("kind", ["DiffAugment", "AdaptiveAugment"])
def test_step_of_each_augmentation(kind, family):
    augment = getattr(layers, kind)(family)
    gan = compiled(small(IMAGE), "hinge", augment=augment)
    assert_static(gan, batch_of(*IMAGE)())


ARCHITECTURES = {
    "mlp": {"units": (8,)},
    "dcgan": {"width": 4},
    "sn_resnet": {"g_width": 4, "d_width": 4},
    "sagan": {"width": 4, "max_width": 8},
    "r3gan": {"width": 8, "blocks": 1},
    "stylegan2": {"mapping_layers": 1, "channel_max": 4},
}


def takes_labels(name):
    signature = inspect.signature(getattr(architectures, name))
    return "num_classes" in signature.parameters


@pytest.mark.large
@pytest.mark.long
@pytest.mark.parametrize(
    "name", [name for name in architectures.__all__ if takes_labels(name)]
)
def test_step_of_each_architecture_with_labels(name):
    players = getattr(architectures, name)(
        IMAGE, 4, num_classes=3, **ARCHITECTURES[name]
    )
    gan = compiled(players, "hinge", model=LabelledGAN)
    labels = [i % 3 for i in range(BATCH)]
    assert_static(gan, (batch_of(*IMAGE)(), labels))


def layer_name(case):
    return type(case.make_layer()).__name__


@pytest.mark.large
@pytest.mark.long
@pytest.mark.parametrize("case", LAYERS, ids=layer_name)
def test_gradient_of_each_layer(case):
    """Forward in training mode, and back to inputs and weights."""
    shapes = [(3,) if s == "labels" else (3, *s) for s in case.shapes]
    labels = [s == "labels" for s in case.shapes]
    inputs = [
        tf.constant([0, 2, 1]) if label else tf.random.normal(shape)
        for shape, label in zip(shapes, labels)
    ]
    layer = case.make_layer()

    def call(*inputs):
        return layer(inputs[0] if len(inputs) == 1 else inputs, training=True)

    call(*inputs)

    def step(*inputs):
        weights = [w.value for w in layer.trainable_weights]
        with tf.GradientTape() as tape:
            tape.watch([*weights, inputs[0]])
            output = call(*inputs)
        return tape.gradient(output, [*weights, inputs[0]])

    assert findings(program(step, *inputs)("hlo")) == {}


@pytest.mark.large
def test_evaluation_and_sampling():
    gan = compiled(small_dcgan("both"), "hinge")
    assert findings(program(gan.test_step, batch_of(*IMAGE)())("hlo")) == {}
    latents = gan.sample_latents(BATCH, seed=0)
    assert findings(program(gan, latents)("hlo")) == {}


class Control(keras.layers.Layer):
    """An augmentation that adds zero times something a TPU cannot run."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def call(self, x, training=False):
        return x + 0.0 * self.function(tf.stop_gradient(x))

    def compute_output_shape(self, shape):
        return shape


def control(function):
    return compiled(small((6,)), "hinge", augment=Control(function))


def printed(x):
    with tf.control_dependencies([tf.print(x)]):
        return tf.identity(x)


REFUSED = {
    "print": printed,
    "py_function": lambda x: tf.ensure_shape(
        tf.py_function(lambda v: v, [x], tf.float32), x.shape
    ),
    "numpy_function": lambda x: tf.ensure_shape(
        tf.numpy_function(lambda v: v, [x], tf.float32), x.shape
    ),
    "projective": lambda x: tf.reshape(
        tf.raw_ops.ImageProjectiveTransformV3(
            images=x[..., None, None],
            transforms=tf.ones((1, 8)),
            output_shape=[x.shape[1], 1],
            fill_value=0.0,
            interpolation="BILINEAR",
        ),
        tf.shape(x),
    ),
}
FOUND = {
    "boolean_mask": (
        "dynamic dimension",
        lambda x: tf.reduce_sum(tf.boolean_mask(x, x > 0)),
    ),
    "unique": (
        "dynamic dimension",
        lambda x: tf.reduce_sum(tf.unique(tf.reshape(x, [-1]))[0]),
    ),
    "eigh": (
        "custom-call",
        lambda x: tf.reduce_sum(
            tf.linalg.eigh(tf.matmul(x, x, transpose_a=True))[0]
        ),
    ),
    "float64": (
        "64-bit float",
        lambda x: tf.cast(tf.cast(x, "float64") * 0.3, "float32"),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_control_is_refused(name):
    gan = control(REFUSED[name])
    with pytest.raises(Exception, match="(?i)compil|unsupported|not support"):
        program(gan.train_step, batch_of(6)())("hlo")


@pytest.mark.parametrize("name", FOUND)
def test_control_is_found(name):
    kind, function = FOUND[name]
    text = program(control(function).train_step, batch_of(6)())("hlo")
    assert set(findings(text)) == {kind}


def test_control_without_fault_is_clean():
    gan = control(lambda x: x)
    assert_static(gan, batch_of(6)())


@pytest.mark.parametrize(
    "line, kind",
    [
        ("%i = ((f32[2]), token[]) infeed(%token)", "host"),
        ("%s = (f32[2], u32[], token[]) send(%x, %t)", "host"),
        ("%d = token[] send-done(%s), is_host_transfer=true", "host"),
        ("%r = f32[3,<=7]{1,0} add(%a, %b)", "dynamic dimension"),
        ("%c = f32[3] custom-call(%a), custom_call_target=", "custom-call"),
    ],
)
def test_patterns(line, kind):
    assert set(findings(line)) == {kind}
