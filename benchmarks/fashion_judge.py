"""A judge for 28x28 grey images: Frechet distance on a small classifier.

The classifier is trained on the 60,000 training images of Fashion-MNIST by
this file and kept, with its test accuracy and the SHA-256 of its weights. The
metrics of the package replace it once they stand.
"""

import hashlib
import json
import pathlib

import keras
import numpy as np
from keras import layers

NUM_FEATURES = 128


def build_classifier():
    """A convolutional network with 128 penultimate features."""
    image = keras.Input((28, 28, 1))
    x = layers.Conv2D(32, 3, padding="same", activation="relu")(image)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(64, 3, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Dropout(0.25)(layers.Flatten()(x))
    x = layers.Dense(NUM_FEATURES, activation="relu", name="features")(x)
    x = layers.Dropout(0.5)(x)
    return keras.Model(image, layers.Dense(10, name="logits")(x))


def judge(train, test, folder, epochs=6):
    """The trained classifier and its card, from `folder` if it is there.

    Raises:
        ValueError: if the folder's is of other data, epochs or weights.
    """
    folder = pathlib.Path(folder)
    origin = {"epochs": epochs, "held_out_sha256": data_sha256(test)}
    path, card_path = folder / "judge.weights.h5", folder / "judge.json"
    keras.utils.set_random_seed(0)
    model = build_classifier()
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        model.compile(
            keras.optimizers.Adam(1e-3),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
        model.fit(train, epochs=epochs, verbose=2)
        accuracy = model.evaluate(test, verbose=0, return_dict=True)["accuracy"]
        model.save_weights(path)
        card = {"accuracy": accuracy, "sha256": sha256(model), **origin}
        card_path.write_text(json.dumps(card))
    model.load_weights(path)
    card = json.loads(card_path.read_text())
    wanted = {"sha256": sha256(model), **origin}
    if not wanted.items() <= card.items():
        raise ValueError(
            f"{card_path} is not the card of this classifier and data; "
            f"delete the folder or give another. Received: {card}, expected "
            f"{wanted}"
        )
    return model, card


def data_sha256(batches):
    """Hash of the images and labels, in order."""
    digest = hashlib.sha256()
    for x, y in batches.as_numpy_iterator():
        digest.update(x.tobytes() + y.tobytes())
    return digest.hexdigest()


def sha256(model):
    """Hash of the weights' bytes, in order."""
    weights = b"".join(w.tobytes() for w in model.get_weights())
    return hashlib.sha256(weights).hexdigest()


class Judge:
    """Distances of samples to reference images.

    Args:
        classifier: model made by `judge`.
        reference: float array `(n, 28, 28, 1)` in [-1, 1].
    """

    def __init__(self, classifier, reference):
        self.features = keras.Model(
            classifier.input,
            [classifier.get_layer(n).output for n in ("features", "logits")],
        )
        self.reference = moments(self(reference)[0])

    def __call__(self, images):
        """Features and logits, float64."""
        outputs = self.features.predict(images, batch_size=500, verbose=0)
        return [output.astype(np.float64) for output in outputs]

    def distance(self, images):
        """Frechet distance to the reference, and KL of the class histogram."""
        features, logits = self(images)
        share = np.bincount(logits.argmax(1), minlength=10) / len(images)
        share = share[share > 0]
        divergence = float(np.sum(share * np.log(share * 10)))
        return frechet_distance(moments(features), self.reference), divergence


def moments(features):
    """Mean and covariance (n - 1) of features `(n, d)`."""
    return features.mean(0), np.cov(features, rowvar=False)


def frechet_distance(first, second):
    """Frechet distance of two Gaussians given by `moments`."""
    (m1, s1), (m2, s2) = first, second
    values, vectors = np.linalg.eigh(s1)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    product = root @ s2 @ root
    eigenvalues = np.linalg.eigvalsh((product + product.T) / 2)
    trace = np.sqrt(np.maximum(eigenvalues, 0)).sum()
    return float(
        np.sum((m1 - m2) ** 2) + np.trace(s1) + np.trace(s2) - 2 * trace
    )
