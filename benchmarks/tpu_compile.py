"""Compiles training steps for a TPU without a TPU: time and memory of a core.

    python -m venv tpu && tpu/bin/pip install libtpu jax
    python benchmarks/tpu_compile.py --tpu-python tpu/bin/python

TensorFlow hands a whole `train_step` to XLA on the CPU; that program, before
XLA changes it, goes to the compiler in `libtpu` for the named target
(`tpu_target.py`). It is the program of one core; several cores run it each on
its own part of the batch and sum the gradients, `summed_mb` a step.
`--conformance` compiles each case of `tests/conformance.py` too. As under
`TPUStrategy`, which cannot be made here, the GAN is made in the scope of a
strategy, and Adam is Keras' own.

Cycles are the compiler's own estimate, summed over its fusions: no run. Writes
`benchmarks/tpu_compile.json` and the table of TPU.md, `tpu_compile.md`.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import click
import keras
import numpy as np
import objectives
import tensorflow as tf

from keras_gan import GAN
from keras_gan import architectures
from keras_gan import penalties
from keras_gan import presets

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "tests"))

import conformance
from hlo import program

OUT = pathlib.Path(__file__).with_suffix(".json")
# 197 Tflop/s in bfloat16, four units of 128 x 128 multipliers and adders.
GIGAHERTZ = 1.5


def compiled(players, loss, rules=()):
    """A GAN with Adam for both players."""
    gan = GAN(*players, seed=0)
    gan.compile(
        keras.optimizers.Adam(2e-4, beta_1=0.0),
        keras.optimizers.Adam(2e-4, beta_1=0.0),
        loss=loss,
        penalties=list(rules),
    )
    return gan


# Name, image shape, batch of a core, GAN.
NETWORKS = [
    ("presets.mlp", (28, 28, 1), 64, presets.mlp),
    ("presets.dcgan", (28, 28, 1), 64, presets.dcgan),
    ("presets.r3gan_small", (28, 28, 1), 64, presets.r3gan_small),
    (
        "dcgan",
        (64, 64, 3),
        128,
        lambda shape: compiled(
            architectures.dcgan(shape, 100, normalize="both"), "non_saturating"
        ),
    ),
    (
        "sn_resnet",
        (32, 32, 3),
        64,
        lambda shape: compiled(architectures.sn_resnet(shape), "hinge"),
    ),
    (
        "sagan",
        (64, 64, 3),
        32,
        lambda shape: compiled(architectures.sagan(shape), "hinge"),
    ),
    (
        "r3gan",
        (32, 32, 3),
        64,
        lambda shape: compiled(
            architectures.r3gan(shape),
            "relativistic",
            [penalties.ZeroCentered(0.05)],
        ),
    ),
    (
        "stylegan2",
        (64, 64, 3),
        16,
        lambda shape: compiled(
            architectures.stylegan2(shape),
            "non_saturating",
            [penalties.R1(1.0), penalties.PathLength(every=4)],
        ),
    ),
]


@click.command()
@click.option("--tpu-python", required=True, help="Python with libtpu, jax.")
@click.option("--target", default="v5e:2x2", show_default=True)
@click.option("--only", default="", help="Part of the names to compile.")
@click.option("--conformance", "cases", is_flag=True, help="The cases too.")
@click.option("--again", is_flag=True, help="Rows that are there, too.")
@click.option("--minutes", default=15.0, help="After which a row is given up.")
@click.option("--out", default=str(OUT), show_default=True)
def main(tpu_python, target, only, cases, again, minutes, out):
    """Compile and report; rows that the file holds are not made again."""
    out = pathlib.Path(out)
    rows = json.loads(out.read_text())["rows"] if out.exists() else []
    rows = {(row["name"], row["policy"]): row for row in rows}
    jobs = [*network_jobs(), *case_jobs()]
    for name, policy, batch_size, make in jobs:
        asked = only in name and (cases or not name.startswith("case "))
        if not asked or ((name, policy) in rows and not again):
            continue
        row = {"name": name, "policy": policy, "batch": batch_size}
        row["revision"] = objectives.revision()
        row |= compile_step(make, policy, tpu_python, target, minutes)
        print(row, flush=True)
        rows[name, policy] = row
        known = [rows[job[:2]] for job in jobs if job[:2] in rows]
        write(out, known, target)
    print(table(rows.values()))


def network_jobs():
    """Name, policy, batch of a core, function to GAN and batch."""
    for policy in ("float32", "mixed_bfloat16"):
        for name, shape, batch_size, make_gan in NETWORKS:

            def make(shape=shape, rows=batch_size, make_gan=make_gan):
                return make_gan(shape), np.zeros((rows, *shape), "float32")

            yield name, policy, batch_size, make


def case_jobs():
    """The cases of the conformance list."""
    for case in [*conformance.CASES, *conformance.PAPERS]:
        for policy in ("float32", "mixed_bfloat16"):

            def make(case=case):
                return case.make_gan(), case.make_batch()

            name = f"case {case.name}"
            yield name, policy, conformance.BATCH, make


def compile_step(make, policy, tpu_python, target, minutes):
    """What the compiler of the target says of one step, or its error."""
    keras.utils.clear_session()
    keras.config.set_dtype_policy(policy)
    with tf.distribute.OneDeviceStrategy("CPU:0").scope():
        gan, batch = make()
    trained = [*gan.generator.trainable_variables]
    trained += gan.discriminator.trainable_variables
    size = sum(int(np.prod(v.shape)) for v in trained)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "step.hlo"
        path.write_bytes(program(gan.train_step, batch)("hlo_serialized"))
        script = pathlib.Path(__file__).with_name("tpu_target.py")
        command = [tpu_python, script, target, path]
        # Not this environment's packages: TensorFlow's need not fit jax.
        environment = {**os.environ, "PYTHONPATH": ""}
        found = {"summed_mb": round(size * 4 / 1e6, 2)}
        try:
            run = subprocess.run(
                command,
                capture_output=True,
                text=True,
                env=environment,
                timeout=60 * minutes,
            )
        except subprocess.TimeoutExpired:
            return {**found, "error": f"not compiled within {minutes} minutes"}
    if run.returncode:
        return {**found, "error": run.stderr.strip().splitlines()[-1]}
    found |= json.loads(run.stdout.splitlines()[-1])
    found["estimated_ms"] = round(found["cycles"] / GIGAHERTZ / 1e6, 3)
    return found


def write(out, rows, target):
    """The file and the table."""
    result = {
        "rows": rows,
        "protocol": {
            "target": target,
            "program": "train_step, lowered by TensorFlow for the CPU, "
            "compiled by libtpu; never run",
            "estimated_ms": f"the compiler's cycles at {GIGAHERTZ} GHz",
            "kept_mb": "arguments and results: weights, slots, batch",
            "summed_mb": "gradients that several cores sum each step",
        },
        "made_by": objectives.made_by(),
    }
    out.write_text(json.dumps(result, indent=1) + "\n")
    out.with_suffix(".md").write_text(table(rows))


def table(rows):
    """The networks, in Markdown; the cases are in the file."""
    head = [
        "step of",
        "precision",
        "batch a core",
        "estimated ms",
        "MB kept",
        "MB temporary",
        "MB summed",
        "seconds to compile",
    ]
    lines = [head, ["---"] * len(head)]
    keys = ("estimated_ms", "kept_mb", "temporary_mb", "summed_mb")
    for row in rows:
        if row["name"].startswith("case ") or "error" in row:
            continue
        cells = [
            row["policy"].removeprefix("mixed_"),
            row["batch"],
            *(row[key] for key in keys),
            row["compile_s"],
        ]
        lines.append([f"`{row['name']}`", *map(str, cells)])
    return objectives.markdown(lines)


if __name__ == "__main__":
    main()
