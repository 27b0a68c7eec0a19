"""What a Keras model trained elsewhere sees in images: maps of features."""

import math

import keras
from keras import tree

from keras_gan.checks import check_flag
from keras_gan.checks import check_integer
from keras_gan.checks import check_shape
from keras_gan.layer_walk import take_weights
from keras_gan.layers.backbone_input import BackboneInput
from keras_gan.layers.frozen import Frozen
from keras_gan.layers.frozen import set_trainable
from keras_gan.layers.resize import Resize

# What they give has a size of its own, and nothing new in it.
PADDING = (keras.layers.ZeroPadding2D, keras.layers.Cropping2D)


def pyramid(
    image_shape,
    backbone,
    taps=None,
    preprocessing=None,
    size=None,
    frozen=True,
):
    """Maps of features that a given network finds in images, fine to coarse.

    What `architectures.projected_discriminator`,
    `architectures.encoder_decoder` and `Perceptual` are made of. The
    backbone is any functional or sequential Keras model of images; what lies
    behind the last tap, such as a classifier's top, is left out. Layers and
    weights are copied: yours stay as they are.

    Weights are Keras' matter. `keras.applications.VGG16(include_top=False)`
    downloads those of ImageNet once, to `~/.keras/models`. Without a network,
    bring that file and pass its path as `weights`, or call
    `backbone.load_weights(path)`, before this.

    Args:
        image_shape: `(height, width, channels)` of images in [-1, 1].
        backbone: Keras model of one input `(batch, height, width, channels)`.
            Grey images are repeated for one of three channels.
        taps: names of the layers whose outputs are taken, from fine to
            coarse. Default: the last layer of each resolution above one
            pixel, from the first convolution on.
        preprocessing: the range that the backbone was trained with: `"tf"` or
            None for [-1, 1], `"pixels"`, `"torch"`, `"caffe"` or a callable,
            see `layers.BackboneInput`, where `keras.applications` are listed.
        size: integer or `(height, width)` that images are resized to.
            Default: what the backbone was built for, or if that is free the
            images' own.
        frozen: whether its weights never change (`layers.Frozen`). If not,
            all of them train with the model that the pyramid is part of.

    Returns:
        Functional model, `(batch, *image_shape)` to the list of maps.

    Raises:
        TypeError, ValueError: an argument or the backbone does not fit.

    Example:
    >>> backbone = keras.Sequential([
    ...     keras.Input((None, None, 3)),
    ...     keras.layers.Conv2D(8, 3, padding="same"),
    ...     keras.layers.Conv2D(16, 3, strides=2, padding="same"),
    ... ])
    >>> [maps.shape for maps in pyramid((12, 12, 1), backbone).outputs]
    [(None, 12, 12, 8), (None, 6, 6, 16)]
    """
    image_shape = check_image_shape(image_shape)
    check_flag("frozen", frozen)
    check_backbone(backbone, image_shape[-1])
    sides = sides_of(size, backbone, image_shape)
    network = network_of(backbone, check_taps(taps, backbone), sides)
    set_trainable(network, True)
    if frozen:
        network = Frozen(network, name="backbone")
    image = keras.Input(image_shape, name="image")
    x = Resize(*sides, dtype="float32")(image)
    channels = backbone.inputs[0].shape[-1]
    x = BackboneInput(preprocessing, channels, dtype="float32")(x)
    return keras.Model(image, tree.flatten(network(x)), name="pyramid")


def network_of(backbone, taps, sides):
    """The part of a copy that leads to the taps, from images of that size."""
    shape = (*sides, backbone.inputs[0].shape[-1])
    names, ran = taps or list(maps_of(backbone)), []
    try:
        copy = copied(part_of(backbone, names), shape, ran)
    except ValueError:
        # Some layers take no map of one pixel, and none after it is needed.
        names = [name for name in names if name in ran]
        if taps or not names:
            raise
        copy = copied(part_of(backbone, names), shape)
    maps = maps_of(copy)
    if taps:
        check_order(taps, maps)
    names = taps or last_of_each_resolution(maps, sides)
    if not names:
        raise ValueError(
            "At this size the backbone gives no map of more than one pixel; "
            f"a larger `size` helps. Received: size={sides} with maps of "
            f"{maps}"
        )
    return part_of(copy, names)


def part_of(network, names):
    """A model, of the same layers, of what leads to some of them."""
    outputs = [network.get_layer(name).output for name in names]
    return keras.Model(network.inputs[0], outputs, name="backbone")


def copied(model, shape=None, ran=None):
    """A model of the same layers and weights that shares neither.

    Args:
        model: functional Keras model of one input.
        shape: that of a sample; default: that of the model.
        ran: list that the names of the layers are added to as they take what
            they are given.

    Returns:
        Keras model; its layers have the same names.

    Raises:
        ValueError: a layer does not take that shape.
    """
    image = model.inputs[0]
    shape = shape or tuple(image.shape[1:])
    inputs = keras.Input(shape, dtype=image.dtype, name=image.name)

    def run(layer, *args, **kwargs):
        outputs = layer(*args, **kwargs)
        if ran is not None:
            ran.append(layer.name)
        return outputs

    try:
        copy = keras.models.clone_model(
            model, input_tensors=inputs, call_function=run
        )
        for layer in model.layers:
            if layer.weights:
                take_weights(copy.get_layer(layer.name), layer)
    except ValueError as error:
        raise ValueError(
            f"The backbone cannot be run on images of shape {shape}; another "
            f"`size` may do. Received: {error}"
        ) from error
    return copy


def maps_of(network):
    """Layers that give maps of features, and the sizes of those.

    Args:
        network: functional or sequential Keras model of images.

    Returns:
        Dictionary from names to `(height, width)`, in the order of the graph.
        What comes before the first layer with a kernel, such as rescaling,
        finds no features.
    """
    found, has_kernel = {}, False
    for layer in network.layers:
        # The output of a model is that of its own graph.
        if isinstance(layer, keras.Model):
            has_kernel = True
            continue
        has_kernel |= any(len(weight.shape) > 1 for weight in layer.weights)
        shape = output_shape(layer)
        if has_kernel and len(shape) == 4 and not isinstance(layer, PADDING):
            found[layer.name] = tuple(shape[1:3])
    return found


def output_shape(layer):
    """The shape of what a layer gives; `()` if it gives several tensors."""
    try:
        return tuple(layer.output.shape)
    except (AttributeError, ValueError):
        return ()


def last_of_each_resolution(maps, sides):
    """Names of the last map of each octave, from fine to coarse."""
    found = {}
    for name, size in maps.items():
        if math.prod(size) > 1:
            octave = round(math.log2(math.prod(sides) / math.prod(size)) / 2)
            found[octave] = name
    return [found[octave] for octave in sorted(found)]


def sides_of(size, backbone, image_shape):
    """`(height, width)` that the backbone sees."""
    if size is not None:
        if not isinstance(size, (tuple, list)):
            check_integer("size", size, minimum=1)
            size = (size, size)
        sides = check_shape("size", size)
        if len(sides) != 2:
            raise ValueError(
                "`size` must be an integer or (height, width). "
                f"Received: size={size}"
            )
        return sides
    built_for = tuple(backbone.inputs[0].shape[1:3])
    return tuple(image_shape[:2]) if None in built_for else built_for


def check_image_shape(image_shape):
    """`(height, width, channels)`, or an error."""
    image_shape = check_shape("image_shape", image_shape)
    if len(image_shape) != 3:
        raise ValueError(
            "`image_shape` must be (height, width, channels). "
            f"Received: image_shape={image_shape}"
        )
    return image_shape


def check_backbone(backbone, channels):
    """Raises unless it is a model of images whose layers can be tapped."""
    if not isinstance(backbone, keras.Model):
        raise TypeError(
            "`backbone` must be a Keras model, such as one of "
            f"keras.applications. Received: backbone={backbone!r}"
        )
    inputs = getattr(backbone, "inputs", None) or ()
    if not inputs:
        raise ValueError(
            "`backbone` must be a functional model, or a sequential one that "
            "starts with keras.Input: the layers of others are not known. "
            f"Received: backbone={backbone!r}"
        )
    shapes = [tuple(x.shape) for x in inputs]
    images = len(shapes) == 1 and len(shapes[0]) == 4
    if not images or "float" not in inputs[0].dtype:
        raise ValueError(
            "`backbone` must take one input, float images (batch, height, "
            "width, channels). Received: a backbone of input shapes="
            f"{shapes}, dtypes={[x.dtype for x in inputs]}"
        )
    wanted = shapes[0][-1]
    if channels != wanted and (channels, wanted) != (1, 3):
        raise ValueError(
            f"The backbone takes images of {wanted} channels. Received: "
            f"`image_shape` with {channels} channels"
        )


def check_taps(taps, backbone):
    """Names of layers that give maps, or None, or an error."""
    known = maps_of(backbone)
    if not known:
        inner = [x.name for x in backbone.layers if isinstance(x, keras.Model)]
        raise ValueError(
            "`backbone` has no layer that gives maps of features (batch, "
            "height, width, channels) behind a convolution. A model inside "
            "of it is one by itself, by `backbone.get_layer(name)`. "
            f"Received: backbone={backbone!r} with the inner models {inner}"
        )
    if taps is None:
        return None
    if isinstance(taps, str) or not hasattr(taps, "__iter__"):
        raise TypeError(
            f"`taps` must be a list of names of layers. Received: taps={taps!r}"
        )
    taps = list(taps)
    wrong = [tap for tap in taps if tap not in known]
    if wrong or not taps or len(set(taps)) < len(taps):
        raise ValueError(
            "`taps` must name layers that give maps, each once: "
            f"{', '.join(known)}. Received: taps={taps}"
        )
    return taps


def check_order(taps, maps):
    """Raises unless maps get no finer from tap to tap."""
    sizes = [maps[tap] for tap in taps]
    pixels = [math.prod(size) for size in sizes]
    if pixels != sorted(pixels, reverse=True):
        raise ValueError(
            "`taps` must go from fine to coarse maps. Received: "
            f"taps={taps} with maps of {sizes}"
        )


def check_pyramid(model):
    """Raises unless a model takes images and gives maps of a known size."""
    if not isinstance(model, keras.Model):
        raise TypeError(
            "`pyramid` must be a Keras model, made by "
            f"keras_gan.backbones.pyramid. Received: pyramid={model!r}"
        )
    ends = [getattr(model, end, None) or () for end in ("inputs", "outputs")]
    shapes = [[tuple(x.shape[1:]) for x in end] for end in ends]
    known = all(len(s) == 3 and None not in s for s in sum(shapes, []))
    if len(shapes[0]) != 1 or not shapes[1] or not known:
        raise ValueError(
            "`pyramid` must be a functional model of one input, images, that "
            "gives maps (batch, height, width, channels) of known sizes; "
            "keras_gan.backbones.pyramid makes one of a backbone. Received: "
            f"pyramid of input shapes={shapes[0]}, output shapes={shapes[1]}"
        )
