"""What the numbers mean, in plain words."""

from typing import NamedTuple

# A class counts as missing below this share of its reals' frequency: a
# classifier that errs on real images gives absent classes a few samples.
RARE_CLASS = 0.25
# Classes expected less often are not judged: chance alone leaves one in three
# hundred of those expected 8 times with fewer than a quarter of that.
FEWEST_EXPECTED = 8
# Share of samples that repeat another one, above real samples' own: a source
# of N equally likely samples repeats n / N of n, so this is N = 20 n.
REPEATED = 0.05
# Share of samples that equal a training sample, above held-out samples' own:
# a generator that draws at random meets none.
COPIED = 0.02
# Share of held-out samples' authenticity: half as new as they are is beyond
# chance from about 50 samples on. Samples must also be nearer to the training
# set than held-out ones by `NEARER` of the copying score's deviations: those of
# an untrained generator were next to outliers, at an authenticity of 0.001 and
# a score of +52; half copies and half new ones had 0.5 and -28.
AUTHENTIC, NEARER = 0.5, 3.0
# Share of the lowest copying score there can be: in 98 of 100 pairs the fake is
# the nearer one. Copies with noise of 0.06 had 0.99, the class of clothes
# that lies most densely has 0.6. It sees copies where training samples repeat,
# and nothing is further from them than they are from one another.
NEAREST = 0.96
# Share of the floor's precision or density under which samples lie away
# from the data; a GAN of the default recipe has 0.7 and 0.6. It holds for raw
# values: a classifier puts noise and blur amid its features, at a precision of
# 1, and leaves them to the fine detail.
AWAY = 0.25
# Shares of the floor's fine detail. Single classes of clothes have 0.94 to
# 1.09, fakes of the default recipe 0.96; a Gaussian blur of half a pixel
# leaves 0.64, noise of deviation 0.3 makes 1.57.
BLURRED, NOISY = 0.7, 1.4
# Share of the floor's recall or coverage: half of the data is not met.
VARIETY = 0.5
# Share of the way from real pairs' similarity to equality. Single classes of
# clothes have 0.03 to 0.59, one image with noise of 0.3 has 0.93, blur of two
# pixels 0.2, a generator of the default recipe 0.01.
ALIKE = 0.5
# Share of the real samples that a classifier gives their label; labels it gives
# to less than half of them are not judged.
OBEYED, KNOWN = 0.5, 0.5
# Times the floor: two real sets of 1,000 came out up to 1.5 times apart.
AS_GOOD = 2.0
# Standard errors within which two kernel distances, or two shares, are the
# same.
SAME = 3.0


class Verdict(NamedTuple):
    """A finding: its key, whether it is a fault, and a sentence."""

    key: str
    fault: bool
    text: str


def verdicts(measures, classes=None, class_names=None, labels=None):
    """What is wrong with the samples, or that nothing is.

    Args:
        measures: as `measures.measure` gives them.
        classes: counts of predicted classes, likewise; None: not known.
        class_names: list of strings or None.
        labels: as `labels.by_label` gives it; None: none are asked for.

    Returns:
        List of `Verdict`, at least one.
    """
    away = [*detail(measures)] or [*unlike(measures)]
    found = [
        *missing(classes, class_names),
        *ignored(labels or {}),
        *repeats(measures),
        *copied(measures),
        *away,
        # Samples that are no real ones meet no real ones either.
        *([*alike(measures)] or ([] if away else variety(measures))),
    ]
    return found or [summary(measures)]


def missing(classes, names):
    """Whether predicted classes of the reals are absent from the fakes."""
    if classes is None:
        return
    reals, fakes = sum(classes["real"]), sum(classes["fake"])
    judged, rare = 0, []
    for label, counts in enumerate(zip(classes["real"], classes["fake"])):
        expected = counts[0] / reals * fakes
        if expected < FEWEST_EXPECTED:
            continue
        judged += 1
        if counts[1] < RARE_CLASS * expected:
            rare.append(names[label] if names else str(label))
    if not rare:
        return
    number = f"{len(rare)} of {judged} classes are"
    if abs(len(rare) / judged - 0.5) <= 0.1:
        number = f"About half the classes, {len(rare)} of {judged}, are"
    elif len(rare) == 1:
        number = "One class is"
    yield Verdict(
        "missing_classes",
        True,
        f"{number} missing or nearly so: {', '.join(rare)} (less than a "
        "quarter as frequent as among real samples, by the classifier).",
    )


def ignored(labels):
    """Whether samples are not of the labels they were asked for."""
    keys = "names", "num_fake", "as_asked", "as_asked_floor"
    judged, wrong = 0, []
    for name, count, fake, real in zip(*(labels.get(k, ()) for k in keys)):
        if count < FEWEST_EXPECTED or real is None or real < KNOWN:
            continue
        judged += 1
        if fake < OBEYED * real:
            wrong.append(name)
    if wrong:
        yield Verdict(
            "ignored_labels",
            True,
            f"{len(wrong)} of {judged} labels are not followed: "
            f"{', '.join(wrong)} (less than half as many samples as among "
            "real ones are what the label says, by the classifier).",
        )


def repeats(measures):
    """Whether samples repeat one another more than real ones do."""
    name = beyond(measures, REPEATED, "duplicates", "duplicates_near")
    if name:
        yield Verdict(
            "repeats",
            True,
            f"Samples repeat: {share(measures[name]['value'])} are equal or "
            "nearly equal to another sample; of as many real samples "
            f"{share(measures[name]['floor'])} are.",
        )


def copied(measures):
    """Whether samples are training samples, or too near to them."""
    name = beyond(measures, COPIED, "copies", "copies_near")
    new, score = measures["authenticity"], measures["copying_score"]
    if name:
        yield Verdict(
            "copies",
            True,
            f"Samples copy training samples: {share(measures[name]['value'])} "
            "are equal or nearly equal to one; of held-out real samples "
            f"{share(measures[name]['floor'])} are.",
        )
    elif nearest(new, score):
        yield Verdict(
            "copies",
            True,
            "Samples copy training samples in the eyes of the features: they "
            "lie nearer to them than held-out samples do (copying score "
            f"{score['value']:.1f}, the lowest there can be "
            f"{score['least']:.1f}; authenticity {new['value']:.3f}, of "
            f"held-out samples {new['floor']:.3f}).",
        )


def nearest(new, score):
    """Whether authenticity and copying score are those of copies."""
    few = new["value"] < AUTHENTIC * new["floor"]
    return (few and score["value"] < -NEARER) or (
        score["value"] < NEAREST * score["least"]
    )


def unlike(measures):
    """Whether samples lie away from the data."""
    low = below(measures, AWAY, "precision", "density")
    if low:
        yield Verdict(
            "noise_or_blur",
            True,
            "Samples are noise or blurred: they lie away from real ones "
            f"({told(measures, low)}).",
        )


def detail(measures):
    """Whether images have far less or more fine detail than real ones."""
    ratio = measures.get("fine_detail", {}).get("ratio")
    if ratio is None or BLURRED <= ratio <= NOISY:
        return
    word = "blurred" if ratio < BLURRED else "noisy or grainy"
    yield Verdict(
        "noise_or_blur",
        True,
        f"Samples are {word}: neighbouring pixels differ {ratio:.2f} times "
        "as much as in real images.",
    )


def alike(measures):
    """Whether samples resemble one another far more than real ones do."""
    found = measures.get("multiscale_ssim")
    if not found:
        return
    value, floor = found["value"], found["floor"]
    if value - floor > ALIKE * (1 - floor):
        yield Verdict(
            "little_variety",
            True,
            "There is little variety: samples resemble one another (mean "
            f"similarity of two {value:.3f}, of real samples {floor:.3f}).",
        )


def variety(measures):
    """Whether samples meet too few of the real ones."""
    low = below(measures, VARIETY, "recall", "coverage")
    if low:
        yield Verdict(
            "little_variety",
            True,
            "There is little variety: much of what real samples show is "
            f"absent ({told(measures, low)}).",
        )


def summary(measures):
    """The finding where there is no fault."""
    far, kernel = measures["frechet_distance"], measures["kernel_distance"]
    errors = (kernel["spread"] ** 2 + kernel["floor_spread"] ** 2) ** 0.5
    same = kernel["value"] - kernel["floor"] <= SAME * errors
    if same and far["value"] <= AS_GOOD * far["floor"]:
        return Verdict(
            "as_good_as_floor",
            False,
            "As good as the floor: these features cannot tell the samples "
            "from as many real ones.",
        )
    times = "above" if far["ratio"] is None else f"{far['ratio']:.1f} times"
    return Verdict(
        "no_fault",
        False,
        "No fault of those looked for is found; the Frechet distance is "
        f"{times} that of as many real samples.",
    )


def beyond(measures, threshold, *names):
    """Name of the share furthest above its floor, of those beyond chance.

    Args:
        measures: as `measures.measure` gives them.
        threshold: float, the least excess.
        names: strings, shares.

    Returns:
        String; None where no excess is above the threshold and above
        `SAME` standard errors.
    """
    found = []
    for name in names:
        excess = measures[name]["value"] - measures[name]["floor"]
        if excess > max(threshold, SAME * error(measures[name])):
            found.append((excess, name))
    return max(found)[1] if found else None


def error(found):
    """Standard error of a share's excess if it were no other than its floor."""
    n, m = found["count"], found["floor_count"]
    pooled = (found["value"] * n + found["floor"] * m) / (n + m)
    return (max(pooled * (1 - pooled), 0) * (1 / n + 1 / m)) ** 0.5


def below(measures, threshold, *names):
    """Names of the values below a share of their floors."""
    return [
        n
        for n in names
        if measures[n]["value"] < threshold * measures[n]["floor"]
    ]


def told(measures, names):
    """Values beside their floors, as words."""
    return ", ".join(
        f"{n} {measures[n]['value']:.3f}, of real samples "
        f"{measures[n]['floor']:.3f}"
        for n in names
    )


def share(value):
    """A share in per cent."""
    return f"{100 * value:.1f} %"
