"""Inception networks with the resize and quantisation of a convention."""

import hashlib
import math
import pathlib

import keras
import tensorflow as tf
from keras import layers
from keras import ops

from keras_gan.checks import check_shape
from keras_gan.metrics.features import full_precision

SIDE = 299
MAX_BYTES = 2**29
CONVENTIONS = ("clean", "legacy_tensorflow", "legacy_pytorch")
# What the 2015 graph is made of; none of them touches files or runs code.
SAFE = {
    *("Placeholder", "Const", "Identity", "CheckNumerics", "Cast", "Shape"),
    *("DecodeJpeg", "ExpandDims", "ResizeBilinear", "Sub", "Mul", "Squeeze"),
    *("Conv2D", "BatchNormWithGlobalNormalization", "Relu", "MaxPool"),
    *("AvgPool", "Concat", "ConcatV2", "Reshape", "MatMul", "BiasAdd"),
    *("Add", "AddV2", "FusedBatchNorm", "FusedBatchNormV3", "Softmax"),
    *("Mean", "Pad", "NoOp"),
}


@full_precision()
def inception_v3(
    image_shape, convention="clean", weights="imagenet", output="features"
):
    """InceptionV3 of `keras.applications`, for photographs.

    Its weights are not those of the 2015 network that papers use: distances
    compare with each other only. `inception_2015` takes that network from a
    file.

    Args:
        image_shape: `(height, width, 1 or 3)` of the samples, in [-1, 1].
        convention: how images are quantised and resized, see
            `InceptionInput`.
        weights: `"imagenet"`: Keras downloads them once; path of a local
            weights file of the whole network with its top; None: random.
        output: `"features"`, 2,048 values, or `"logits"`, of 1,000 classes.

    Returns:
        Keras model, `(batch, *image_shape)` to `(batch, 2048)` or
        `(batch, 1000)`, frozen.

    Raises:
        TypeError: `image_shape` is no tuple of integers.
        ValueError: an unknown convention or output, other channels, a file
            that is missing or of another network.

    Example:
    >>> inception_v3((32, 32, 3), weights=None).output_shape
    (None, 2048)

    Reference: Szegedy et al., arXiv 1512.00567.
    """
    check_image_shape(image_shape)
    if output not in ("features", "logits"):
        raise ValueError(
            '`output` must be "features" or "logits". '
            f"Received: output={output!r}"
        )
    image = keras.Input(image_shape)
    x = InceptionInput(convention)(image)
    if (
        weights not in ("imagenet", None)
        and not pathlib.Path(weights).is_file()
    ):
        raise ValueError(
            '`weights` must be "imagenet", None or a file. '
            f"Received: weights={weights!r}"
        )
    try:
        network = keras.applications.InceptionV3(
            weights=weights, classifier_activation=None
        )
    except OSError as error:
        raise ValueError(
            "The weights of InceptionV3 cannot be had. Without a network, "
            "download the file named in this error elsewhere and pass its "
            f"path. Received: weights={weights!r} ({error})"
        ) from error
    network.trainable = False
    if output == "features":
        network = keras.Model(network.input, network.layers[-2].output)
    name = f"inception_v3_{convention}_{output}"
    return keras.Model(image, network(x), name=name)


@full_precision()
def inception_2015(path, image_shape, convention="legacy_tensorflow"):
    """The Inception of 2015 that papers report distances with.

    Reads the frozen graph `classify_image_graph_def.pb` of
    `inception-2015-12-05.tgz`, which you bring: nothing is downloaded.

    Args:
        path: the file.
        image_shape: `(height, width, 1 or 3)` of the samples, in [-1, 1].
        convention: how images are quantised and resized, see
            `InceptionInput`.

    Returns:
        Keras model, `(batch, *image_shape)` to `(batch, 2048)`. A file that
        it is saved in names `path`, which must be there when it is loaded.

    Raises:
        TypeError: `image_shape` is no tuple of integers.
        ValueError: an unknown convention, other channels, no such file, or
            one that is not this graph.

    Example:
    >>> inception_2015("missing.pb", (32, 32, 3))
    Traceback (most recent call last):
    ValueError: There is no file 'missing.pb'. Received: path='missing.pb'

    Reference: Szegedy et al., arXiv 1512.00567; Heusel et al., arXiv
    1706.08500.
    """
    check_image_shape(image_shape)
    image = keras.Input(image_shape)
    features = FrozenGraph(path)(InceptionInput(convention)(image))
    return keras.Model(image, features, name=f"inception_2015_{convention}")


def check_image_shape(image_shape):
    """Raises unless it is that of grey or colour images."""
    check_shape("image_shape", image_shape)
    if len(image_shape) != 3 or image_shape[-1] not in (1, 3):
        raise ValueError(
            "`image_shape` must be (height, width, 1 or 3). "
            f"Received: image_shape={tuple(image_shape)}"
        )


@keras.saving.register_keras_serializable("keras_gan")
class InceptionInput(layers.Layer):
    """Images in [-1, 1] as a convention gives them to Inception.

    All round to the 256 values of an image file, repeat grey three times and
    resize to 299 x 299 pixels. `"clean"`: bicubic with antialiasing, in
    float, as Pillow does; `"legacy_tensorflow"`: bilinear without
    antialiasing, corners at whole pixels; `"legacy_pytorch"`: the same with
    pixels' centres at halves. Distances of one set differ by several points
    between them; `"clean"` is the one to take where there is a choice.

    Args:
        convention: one of the three.

    Call arguments:
        inputs: float tensor `(batch, height, width, 1 or 3)` in [-1, 1].

    Returns:
        Float tensor `(batch, 299, 299, 3)`, about [-1, 1]: `(v - 128) / 128`
        of the value v in [0, 255], or, in `"legacy_pytorch"`,
        `v / 127.5 - 1`.

    Raises:
        ValueError: an unknown convention.

    Example:
    >>> InceptionInput("clean")(ops.zeros((2, 8, 8, 1))).shape
    TensorShape([2, 299, 299, 3])

    Reference: Parmar, Zhang & Zhu, arXiv 2104.11222.
    """

    def __init__(self, convention="clean", **kwargs):
        super().__init__(dtype="float32", **kwargs)
        if convention not in CONVENTIONS:
            raise ValueError(
                f"`convention` must be one of {CONVENTIONS}. "
                f"Received: convention={convention!r}"
            )
        self.convention = convention

    def call(self, inputs):
        x = ops.clip(ops.round((inputs + 1.0) * 127.5), 0.0, 255.0)
        if x.shape[-1] == 1:
            x = ops.repeat(x, 3, axis=-1)
        if self.convention == "legacy_tensorflow":
            resized = tf.raw_ops.ResizeBilinear(images=x, size=(SIDE, SIDE))
            return (resized - 128.0) / 128.0
        clean = self.convention == "clean"
        resized = ops.image.resize(
            x,
            (SIDE, SIDE),
            interpolation="bicubic" if clean else "bilinear",
            antialias=clean,
            data_format="channels_last",
        )
        return (resized - 128.0) / 128.0 if clean else resized / 127.5 - 1.0

    def get_config(self):
        """Constructor arguments."""
        config = super().get_config()
        config.pop("dtype")
        return {**config, "convention": self.convention}


@keras.saving.register_keras_serializable("keras_gan")
class FrozenGraph(layers.Layer):
    """A part of a frozen TensorFlow graph, from a file.

    Only operations that compute are taken: a graph that holds others, which
    could read or write files, is refused.

    Args:
        path: file of a `GraphDef`.
        input_name: tensor that the inputs stand for.
        output_name: tensor to give out, flattened to `(batch, d)`.
        file_sha256: SHA-256 that the file must have, as a hex string; a
            saved layer names that of its file. None: any.

    Call arguments:
        inputs: float tensor `(batch, ...)`.

    Returns:
        Float tensor `(batch, d)`.

    Raises:
        ValueError: no such file, another one than `file_sha256`, no graph,
            other operations, no such tensor.

    Example:
    >>> FrozenGraph("missing.pb")
    Traceback (most recent call last):
    ValueError: There is no file 'missing.pb'. Received: path='missing.pb'
    """

    def __init__(
        self,
        path,
        input_name="Mul:0",
        output_name="pool_3:0",
        file_sha256=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.graph_path = str(path)
        self.input_name = input_name
        self.output_name = output_name
        self.graph_def = read_graph(self.graph_path)
        content = pathlib.Path(path).read_bytes()
        self.file_sha256 = hashlib.sha256(content).hexdigest()
        if file_sha256 not in (None, self.file_sha256):
            raise ValueError(
                f"{self.graph_path!r} must be the file of SHA-256 "
                f"{file_sha256}. Received: {self.file_sha256}"
            )
        self.function = tf.function(self.imported, autograph=False)

    def call(self, inputs):
        return self.function(inputs)

    def imported(self, inputs):
        """The graph's outputs, as part of the graph that is traced."""
        try:
            (outputs,) = tf.graph_util.import_graph_def(
                self.graph_def,
                input_map={self.input_name: inputs},
                return_elements=[self.output_name],
                name="",
            )
        except (ValueError, KeyError) as error:
            raise ValueError(
                f"The graph has no path from {self.input_name} to "
                f"{self.output_name}. Received: path={self.graph_path!r} "
                f"({error})"
            ) from error
        return ops.reshape(outputs, (-1, math.prod(outputs.shape[1:])))

    def get_config(self):
        """Constructor arguments."""
        return {
            **super().get_config(),
            "path": self.graph_path,
            "input_name": self.input_name,
            "output_name": self.output_name,
            "file_sha256": self.file_sha256,
        }


def read_graph(path):
    """The `GraphDef` in a file, or an error."""
    if not pathlib.Path(path).is_file():
        raise ValueError(f"There is no file {path!r}. Received: path={path!r}")
    graph_def = tf.compat.v1.GraphDef()
    size = pathlib.Path(path).stat().st_size
    if size > MAX_BYTES:
        raise ValueError(
            f"A graph may have {MAX_BYTES:,} bytes at most. "
            f"Received: path={path!r} of {size:,} bytes"
        )
    try:
        graph_def.ParseFromString(pathlib.Path(path).read_bytes())
    except Exception as error:
        raise ValueError(
            f"{path!r} is no frozen TensorFlow graph. Received: {error}"
        ) from error
    found = {node.op for node in graph_def.node}
    found |= {n.op for f in graph_def.library.function for n in f.node_def}
    if not found or found - SAFE:
        raise ValueError(
            f"{path!r} is no graph of a network: only operations that "
            "compute are taken. "
            f"Received: {sorted(found - SAFE) or 'no operations'}"
        )
    return graph_def
