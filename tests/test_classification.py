import json

import numpy as np
import pytest
from click.testing import CliRunner
from conformance import attribute_batch
from conformance import attribute_players
from PIL import Image

from keras_gan import architectures
from keras_gan import cli
from keras_gan import tasks
from keras_gan.evaluation import classification
from keras_gan.evaluation import sets
from keras_gan.sampling import wanted

NAMES = ["cat", "dog", "owl"]
# Four cats, three dogs, no owl.
TRUE = np.array([0, 0, 0, 0, 1, 1, 1])
FOUND = np.array([0, 0, 0, 1, 1, 1, 2])


class Namer:
    """A model that classifies: the class is in the sample."""

    num_classes = 3

    def classify(self, x, batch_size):
        return np.eye(3)[x[:, 0].astype(int)]


def of(labels, names=NAMES):
    x = FOUND[:, None].astype("float32")
    return sets.Sets(x, x, x, real_labels=labels, class_names=names)


def test_scores_by_hand():
    found = classification.scores(TRUE, FOUND, NAMES)
    assert found["accuracy"] == pytest.approx(5 / 7)
    assert found["spread"] == pytest.approx((5 / 7 * 2 / 7 / 7) ** 0.5)
    assert found["confusion"] == [[3, 1, 0], [0, 2, 1], [0, 0, 0]]
    assert found["precision"] == pytest.approx([1.0, 2 / 3, 0.0])
    assert found["recall"][:2] == pytest.approx([3 / 4, 2 / 3])
    # There is no owl: how many are found is not defined.
    assert found["recall"][2] is None
    assert found["f1"][:2] == pytest.approx([6 / 7, 2 / 3])
    assert found["count"] == [4, 3, 0]
    table = classification.scores_table(found)
    assert "cat" in table and "0.8571" in table
    means = next(r for r in table.split("\n") if "mean" in r).split()
    assert means[1:4] == ["7", "0.5556", "0.7083"]
    assert "71.43%" in classification.summary(found)


def test_unlabelled_samples_do_not_count():
    labels = np.where(np.arange(7) < 2, -1, TRUE)
    found = classification.classification(Namer(), of(labels), 4)
    assert found["num_samples"] == 5 and found["count"] == [2, 3, 0]
    assert found["names"] == NAMES
    found = classification.classification(Namer(), of(TRUE, None), 4)
    assert found["names"] == ["0", "1", "2"]


@pytest.mark.parametrize(
    "labels",
    [None, np.full(7, -1), TRUE + 2, np.eye(7, 3), TRUE.astype("float32")],
)
def test_other_labels_are_not_judged(labels):
    assert classification.classification(Namer(), of(labels), 4) is None
    (told,) = classification.left_out(Namer(), of(labels))
    assert "no labels of the model's classes, 0 to 2" in told
    assert not classification.left_out(Namer(), of(TRUE))
    assert not classification.left_out(object(), of(labels))
    assert classification.classification(object(), of(TRUE), 4) is None


def test_no_number_is_no_class():
    class Lost(Namer):
        def classify(self, x, batch_size):
            return super().classify(x, batch_size) * np.nan

    with pytest.raises(ValueError, match="finite probabilities"):
        classification.classification(Lost(), of(TRUE), 4)


def test_a_picture(tmp_path):
    found = classification.scores(TRUE, FOUND, NAMES)
    classification.draw_confusion(tmp_path / "confusion.png", found)
    with Image.open(tmp_path / "confusion.png") as picture:
        assert len(picture.convert("RGB").getcolors(10**6)) > 50


def clothes(labels):
    """60 images, each in the grey of its label."""
    values = np.asarray(labels, "float64").reshape(60, -1)[:, 0]
    noise = np.random.default_rng(0).integers(0, 20, (60, 8, 8, 1))
    return (noise + 60 * values[:, None, None, None]).astype("uint8")


def evaluated(gan, y, code=0):
    x = clothes(y)
    np.savez("a.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    gan.save("m.keras")
    options = ("--data", "a.npz", "--features", "raw", "--count", "60")
    result = CliRunner().invoke(cli.main, ["evaluate", "m.keras", *options])
    assert result.exit_code == code, result.output
    return result.output


@pytest.mark.parametrize("task", [tasks.ACGAN, tasks.SemiSupervisedGAN])
def test_the_command_judges_classifiers(tmp_path, monkeypatch, task):
    monkeypatch.chdir(tmp_path)
    classes = 3 if task is tasks.ACGAN else None
    generator, _ = architectures.mlp((8, 8, 1), 4, classes, units=(8,))
    _, discriminator = architectures.mlp((8, 8, 1), 4, units=(8,))
    gan = task(generator, discriminator, num_classes=3, seed=0)
    y = np.arange(60) % 3
    output = evaluated(gan, y)
    record = json.loads((tmp_path / "m-evaluation/evaluation.json").read_text())
    found = record["classification"]
    x = clothes(y) / np.float32(127.5) - 1
    told = gan.classify(x.astype("float32")).argmax(axis=1)
    assert found["accuracy"] == np.mean(told == y)
    assert np.sum(found["confusion"]) == 60
    assert "test samples right" in output and "f1" in output
    page = (tmp_path / "m-evaluation/evaluation.md").read_text()
    assert "## Classification" in page and "(confusion.png)" in page


def test_attributes_are_those_of_the_training_samples():
    gan = tasks.ConditionalGAN(*attribute_players(), num_classes=None, seed=0)
    _, attributes = attribute_batch()
    found = sets.generate(gan, 5, 1, 4, attributes)
    expected = gan.generate(attributes[:5], seed=1, batch_size=4)
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(ValueError, match="DATA must have them.*DATA=none"):
        sets.generate(gan, 5, 1, 4)
    with pytest.raises(ValueError, match="DATA must have them.*DATA=classes"):
        sets.generate(gan, 5, 1, 4, np.arange(8))
    with pytest.raises(ValueError, match="takes attributes.*ConditionalGAN"):
        wanted(gan, 5)
