"""A judge for 28x28 grey images: Frechet distance on a small classifier.

The classifier is trained on the 60,000 training images of Fashion-MNIST by
this file and kept, with its test accuracy and the SHA-256 of its weights.

    python benchmarks/fashion_judge.py --data DIR --out runs/judge

trains it in two minutes and prints both. The package holds the weights of one
such run, `keras_gan.metrics.features.fashion_mnist()`; another run differs by
the rounding of its machine.
"""

import hashlib
import json
import pathlib

import click
import keras
import numpy as np

from keras_gan import datasets
from keras_gan import metrics
from keras_gan.metrics import features
from keras_gan.metrics.sample_metric import sha256


@click.command()
@click.option("--data", required=True, help="Folder of IDX files.")
@click.option("--out", default="runs/judge", show_default=True)
def main(data, out):
    """Train the classifier, unless the folder holds it."""
    train, test = datasets.load(data, batch_size=100)
    print(json.dumps(judge(train, test, out)[1], indent=2))


def judge(train, test, folder, epochs=6):
    """The trained classifier and its card, from `folder` if it is there.

    Raises:
        ValueError: if the folder's is of other data, epochs or weights.
    """
    folder = pathlib.Path(folder)
    origin = {"epochs": epochs, "held_out_sha256": data_sha256(test)}
    path, card_path = folder / "judge.weights.h5", folder / "judge.json"
    keras.utils.set_random_seed(0)
    model = features.small_classifier()
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
        self.reference = self(reference)[0]

    def __call__(self, images):
        """Features and logits, float64."""
        outputs = self.features.predict(images, batch_size=500, verbose=0)
        return [output.astype(np.float64) for output in outputs]

    def distance(self, images):
        """Frechet distance to the reference, and KL of the class histogram."""
        found, logits = self(images)
        share = np.bincount(logits.argmax(1), minlength=10) / len(images)
        share = share[share > 0]
        divergence = float(np.sum(share * np.log(share * 10)))
        return metrics.frechet_distance(self.reference, found), divergence


if __name__ == "__main__":
    main()
