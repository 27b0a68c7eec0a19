"""The page of an evaluation, in Markdown."""

import json

from rich import box

from keras_gan.evaluation.classification import confusion_table
from keras_gan.evaluation.classification import scores_table
from keras_gan.evaluation.classification import summary
from keras_gan.evaluation.measures import FLOOR_OF_TEST
from keras_gan.evaluation.report import measures_table
from keras_gan.evaluation.report import number
from keras_gan.evaluation.report import table

PAGE = "evaluation.md"
PICTURES = {
    "samples.png": (
        "Samples",
        "The first fakes that the seed gives, nothing picked out.",
    ),
    "neighbours.png": (
        "Nearest training samples",
        "Left: a fake. Right of the gap: the training samples nearest to it "
        "in the eyes of the features, nearest first. The same picture on "
        "both sides is a copy.",
    ),
    "interpolations.png": (
        "Interpolations",
        "From one latent to another in equal steps, a pair a row; on great "
        "circles where latents are normal, on straight lines where not; "
        "labels stay. Jumps are a sign of few modes, no change of latents not "
        "used.",
    ),
    "truncations.png": (
        "Truncation",
        "The same latents a row, at truncation 0, 0.2 and so on to 1.8: look "
        "for the column where samples are cleanest and still differ, and give "
        "its number to `generate`; at 1 they are as in training, and latents "
        "of 0 may show nothing.",
    ),
    "morphs.png": (
        "From label to label",
        "One and the same latent in all rows, while the label of a row turns "
        "into the next one, of the last into the first: look for what stays; "
        "a jump means that classes share little, no change that the label is "
        "not followed.",
    ),
    "classes.png": (
        "Samples by predicted class",
        "A row for each class the classifier tells apart, from the first; "
        "white: no more samples of that class.",
    ),
    "labels.png": (
        "Samples by label",
        "A row for each label the model is asked for, from the first.",
    ),
    "confusion.png": (
        "Confusion",
        "A row for each true class: the share of its test samples that the "
        "model gives each class.",
    ),
    "projection.png": (
        "Features",
        "Features of real samples and fakes on the two directions in which "
        "the real ones vary most.",
    ),
    "curves.png": ("Training", "Values logged in training."),
}
MEANINGS = {
    "frechet_distance": "difference of means and covariances of features",
    "kernel_distance": "difference of features, its bias taken off",
    "precision": "share of fakes among the real samples",
    "recall": "share of real samples among the fakes",
    "density": "how densely fakes lie where real samples do",
    "coverage": "share of real samples with a fake close by",
    "duplicates": "share of fakes equal to another fake",
    "duplicates_near": "the same, nearly equal",
    "copies": "share of fakes equal to a training sample",
    "copies_near": "the same, nearly equal",
    "authenticity": "share of fakes further from the training set than it is "
    "from itself",
    "copying_score": "how much further than test samples from the training "
    "set, in standard deviations; far below 0: copies",
    "fine_detail": "difference of pixels from their neighbours",
    "sliced_wasserstein": "difference of small patches, at several scales",
    "multiscale_ssim": "how alike two samples are; above the floor: little "
    "variety",
    "inception_score": "how sure and how varied the classifier's answers are",
    "class_histogram_divergence": "difference of the predicted classes",
    "modes": "classes that the classifier sees at least once",
    "frechet_distance_per_class": "mean of the Frechet distances of each "
    "label's samples",
    "as_asked": "share of fakes that the classifier gives the label they "
    "were asked for, mean of the labels",
}


LABELS = (
    "Frechet distance of the fakes asked for a label to the test samples of "
    "that label; its floor is that of as many training samples. Few samples "
    "make it large: read the ratio."
)
AS_ASKED = (
    " `as asked`: the share of fakes, and of test samples, that the "
    "classifier gives their label."
)


def markdown(record, pictures):
    """The page's text.

    Args:
        record: dictionary, as it goes to `evaluation.json`.
        pictures: names of the files beside the page.

    Returns:
        String.
    """
    parts = [
        f"# Evaluation of {record['model']['path']}",
        *(f"- **{v['text']}**" for v in record["verdicts"]),
        *record["notes"],
        "## Numbers",
        floor_text(record["protocol"], record["measures"]),
        spread_text(record["measures"]),
        measures_table(record["measures"], box.MARKDOWN),
        "\n".join(
            f"- `{name}`: {MEANINGS[name]}" for name in record["measures"]
        ),
    ]
    if record["classes"] is not None:
        parts += ["## Predicted classes", class_table(**record["classes"])]
    if record["labels"] is not None:
        text = LABELS + AS_ASKED * ("as_asked" in record["labels"])
        parts += ["## Labels", text, label_table(record["labels"])]
    if record["classification"] is not None:
        parts += classification_parts(record["classification"])
    for name, (title, text) in PICTURES.items():
        if name in pictures:
            parts += [f"## {title}", text, f"![{title}]({name})"]
    told = json.dumps(record["protocol"], indent=2)
    parts += ["## Protocol", f"```json\n{told}\n```"]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def classification_parts(found):
    """What the model makes of test samples, as parts of the page."""
    return [
        "## Classification",
        summary(found),
        scores_table(found, box.MARKDOWN),
        "Counts: a row for each true class, a column for each predicted one.",
        confusion_table(found, box.MARKDOWN),
    ]


def floor_text(protocol, measures):
    """What was held against what."""
    averaged = "averaged " * protocol["averaged"]
    of_test = [name for name in FLOOR_OF_TEST if name in measures]
    best = [k for k, v in measures.items() if v["better"] == "as the floor"]
    return (
        f"{protocol['num_fake']:,} fakes of the {averaged}generator, "
        f"truncation 1, against {protocol['num_real']:,} samples of the test "
        "split. The floor is the same number for as many real training "
        f"samples in place of the fakes; of {joined(of_test)} it is that of "
        "the test samples. No generator can be expected to be better than the "
        f"floor; {joined(best)} are best at the floor. Copies, authenticity "
        f"and copying score are looked for among {protocol['num_train']:,} "
        "training samples. Numbers compare with those of an equal protocol "
        "only."
    )


def spread_text(measures):
    """What stands after the sign ±, and what has none."""
    kinds = {}
    for name, found in measures.items():
        kinds.setdefault(found["spread_is"], []).append(name)
    none = kinds.pop(None, [])
    told = "; ".join(f"{kind}: {joined(n)}" for kind, n in kinds.items())
    return f"After ± stands the {told}. No error is known of {joined(none)}."


def joined(names):
    """Names as a list in a sentence."""
    return ", ".join(f"`{name}`" for name in names)


def class_table(names, real, fake):
    """Shares of predicted classes among reals and fakes."""
    header = ["class", "share of real", "share of fake"]
    rows = [
        [name, f"{n / sum(real):.3f}", f"{m / sum(fake):.3f}"]
        for name, n, m in zip(names, real, fake)
    ]
    return table(header, rows, box.MARKDOWN)


def label_table(found):
    """The numbers of each label that is asked for."""
    header = ["label", "fakes", "Frechet distance", "floor", "ratio"]
    keys = ["num_fake", "frechet_distance", "floor", "ratio"]
    ratios = [
        value / floor if floor else None
        for value, floor in zip(found["frechet_distance"], found["floor"])
    ]
    if "as_asked" in found:
        header += ["as asked", "of real"]
        keys += ["as_asked", "as_asked_floor"]
    columns = [{**found, "ratio": ratios}[key] for key in keys]
    rows = [
        [name, *(number(value) for value in values)]
        for name, *values in zip(found["names"], *columns)
    ]
    return table(header, rows, box.MARKDOWN)
