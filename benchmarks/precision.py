"""What half precision costs in quality, on full Fashion-MNIST.

    python benchmarks/precision.py --data /usr/share/datasets/fashion-mnist

Trains one preset in float32 and in half precision for equal steps and
batches, three seeds each, and takes the Frechet distance of 10,000 fakes to
the 10,000 test images as `keras-gan evaluate` does. A policy is within the
spread if its mean is worse than float32's by no more than the standard
deviation of float32 over the seeds.

Trained models stay in `--models`, and none is trained twice: stop it and start
it as you like. Writes `benchmarks/precision.json` and the table
`benchmarks/precision.md`.
"""

import json
import pathlib

import click
import keras
import numpy as np
import objectives
import presets

OUT = pathlib.Path(__file__).with_suffix(".json")
BATCH = 64


@click.command()
@click.option("--data", required=True, help="Folder of IDX files.")
@click.option("--preset", default="r3gan_small", show_default=True)
@click.option("--steps", default=1_000, show_default=True)
@click.option("--seeds", default=3, show_default=True)
@click.option("--count", default=10_000, show_default=True, help="Fakes.")
@click.option("--policies", default="mixed_bfloat16", show_default=True)
@click.option("--models", default="runs/precision", show_default=True)
@click.option("--out", default=str(OUT), show_default=True)
def main(data, preset, steps, seeds, count, policies, models, out):
    """Train and judge in each precision."""
    models = pathlib.Path(models)
    models.mkdir(parents=True, exist_ok=True)
    rows = []
    for seed in range(seeds):
        for policy in ("float32", *policies.split(",")):
            path = models / f"{preset}-{policy}-{steps}-{seed}.keras"
            keras.config.set_dtype_policy(policy)
            if not path.exists():
                presets.train(preset, data, steps, seed, path)
            keras.config.set_dtype_policy("float32")
            record = presets.judged(path, data, count, seed)
            rows.append({"policy": policy, "seed": seed, **record})
            print(policy, seed, distance(rows[-1]), flush=True)
    result = {
        "preset": preset,
        "frechet_distance": summary(rows),
        "rows": rows,
        "protocol": {"steps": steps, "batch_size": BATCH, "data": str(data)},
        "made_by": {**objectives.made_by(), "revision": objectives.revision()},
    }
    out = pathlib.Path(out)
    out.write_text(json.dumps(result, indent=1) + "\n")
    out.with_suffix(".md").write_text(table(result["frechet_distance"]))
    print(table(result["frechet_distance"]))


def distance(row):
    """The Frechet distance of one trained model."""
    return row["measures"]["frechet_distance"]["value"]


def summary(rows):
    """By policy: mean, standard deviation, whether within the spread."""
    found = {}
    for policy in dict.fromkeys(row["policy"] for row in rows):
        values = [distance(row) for row in rows if row["policy"] == policy]
        spread = float(np.std(values, ddof=1)) if len(values) > 1 else None
        found[policy] = {
            "mean": float(np.mean(values)),
            "standard_deviation": spread,
            "values": values,
        }
    base = found["float32"]
    for each in found.values():
        if base["standard_deviation"] is not None:
            worse = each["mean"] - base["mean"]
            each["within_spread"] = worse <= base["standard_deviation"]
    return found


def table(found):
    """Each policy's mean and spread, in Markdown."""
    lines = [
        ("policy", "Frechet distance", "no worse than the spread of float32")
    ]
    lines.append(("---",) * 3)
    for policy, each in found.items():
        within = {True: "yes", False: "no"}.get(each.get("within_spread"), "")
        spread = objectives.spread(each["values"], 2)
        lines.append((f"`{policy}`", spread, within))
    return objectives.markdown(lines)


if __name__ == "__main__":
    main()
