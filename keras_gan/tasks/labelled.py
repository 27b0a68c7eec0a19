"""A model whose batches have labels."""

from keras_gan import players
from keras_gan.distribution import as_tuple
from keras_gan.gan import GAN
from keras_gan.tasks import labels


class Labelled(GAN):
    """A GAN whose condition is the labels of the batch.

    A subclass has the attribute `num_classes`.
    """

    label_spec = labels.CLASSES
    smallest_label = 0

    def given_data(self, function, args, kwargs):
        """Arguments of `fit` or `evaluate`, labels looked at."""
        given = super().given_data(function, args, kwargs)
        self.check_given(given.get("x"), "y", given.get("y"))
        x, y, *_ = (*as_tuple(given.get("validation_data")), None)
        self.check_given(x, "y of validation_data", y)
        return given

    def check_given(self, x, name, y):
        """Raises if labels at hand are not those of the model."""
        names = getattr(x, "class_names", None) or ()
        found = max(getattr(x, "num_classes", None) or 0, len(names))
        if self.num_classes and found > self.num_classes:
            raise ValueError(
                f"The data has {found} classes, more than the model. "
                f"Received: num_classes={self.num_classes}"
            )
        if y is not None:
            self.checked_labels(name, y)

    def checked_labels(self, name, y):
        """Labels as NumPy, as `as_condition` gives them, or an error."""
        return labels.checked(
            name, y, self.label_spec, self.num_classes, self.smallest_label
        )

    def as_condition(self, y):
        """Labels of a batch as the step uses them."""
        return labels.as_condition(
            y, self.label_spec, self.num_classes, self.smallest_label
        )

    def split_batch(self, data):
        """Real samples and their labels."""
        real, _ = super().split_batch(data)
        return real, self.as_condition(players.given_labels(data))
