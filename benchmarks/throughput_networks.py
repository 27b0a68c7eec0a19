"""What `throughput.py` trains: networks, images and settings of each side.

Plain data, so that the side in PyTorch reads the very same. A side is a name
and, behind plus signs, what it does otherwise: `ours+one_stage+xla`.
"""

BATCH = 64
CHUNKS = 3
ADAM = {"learning_rate": 2e-4, "beta_1": 0.5, "beta_2": 0.999, "epsilon": 1e-7}
GAMMA = 1.0

# `steps` are those of one of the timed chunks; `+10_steps` needs multiples of
# 10.
NETWORKS = {
    "mlp": {
        "title": "MLP, 28x28x1",
        "architecture": "mlp",
        "image_shape": [28, 28, 1],
        "latent_dim": 100,
        "arguments": {"units": [128, 128]},
        "steps": 300,
    },
    "dcgan28": {
        "title": "DCGAN, 28x28x1",
        "architecture": "dcgan",
        "image_shape": [28, 28, 1],
        "latent_dim": 64,
        "arguments": {"widths": [64, 128]},
        "steps": 20,
    },
    "dcgan64": {
        "title": "DCGAN, 64x64x3",
        "architecture": "dcgan",
        "image_shape": [64, 64, 3],
        "latent_dim": 64,
        "arguments": {"widths": [32, 64, 128, 256]},
        "steps": 5,
    },
    "sn_resnet32": {
        "title": "SN-ResNet, 32x32x3",
        "architecture": "sn_resnet",
        "image_shape": [32, 32, 3],
        "latent_dim": 128,
        "arguments": {"g_width": 32, "d_width": 32},
        "steps": 5,
    },
    "r3gan28": {
        "title": "R3GAN small, 28x28x1",
        "architecture": "r3gan",
        "image_shape": [28, 28, 1],
        "latent_dim": 64,
        "arguments": {"width": 64},
        "steps": 5,
    },
}

# Every side's first word.
PROGRAMS = {
    "ours": "`fit` of keras_gan.GAN",
    "loop": "a hand-written `tf.function`",
    "tutorial": "`train_step` as in the Keras tutorials",
    "torch": "PyTorch",
}
# What may stand behind it.
CHOICES = {
    "averaged": "with an averaged generator, as by default",
    "shared": 'update="shared"',
    "one_stage": 'update="one_stage"',
    "bfloat16": "mixed_bfloat16",
    "xla": "jit_compile=True",
    "no_xla": "jit_compile=False, on CPU the default",
    "10_steps": "steps_per_execution=10",
    "bar": "with Keras' progress bar",
    "r1r2": "relativistic loss, R1 and R2, as in presets.r3gan_small",
    "compile": "torch.compile",
    "nchw": "PyTorch's default layout",
    "passive": "OMP_WAIT_POLICY=passive: PyTorch's threads do not wait busily",
    "1_thread": "OMP_NUM_THREADS=1, TF_NUM_INTRAOP_THREADS=1",
}
# PyTorch's threads wait busily, which costs it most of its speed where another
# process wants a core, and where a product is small, to share it among threads
# takes longer than to make it: the best thread setting of each side counts.
MAIN = ("ours", "loop", "tutorial", "torch", "torch+compile")
HALF = ("ours+bfloat16", "torch+bfloat16", "ours+one_stage+bfloat16")
SIDES = {
    "mlp": (
        *MAIN,
        *(f"{side}+1_thread" for side in MAIN),
        "torch+passive",
        "ours+averaged+1_thread",
        "ours+xla",
        "ours+10_steps",
        "ours+10_steps+1_thread",
        "ours+one_stage+1_thread",
        "ours+one_stage+10_steps+1_thread",
        "ours+bfloat16+1_thread",
        "torch+bfloat16+1_thread",
    ),
    "dcgan28": (
        *MAIN,
        "torch+passive",
        "torch+nchw",
        "ours+averaged",
        "ours+xla",
        "ours+10_steps",
        "ours+shared",
        "ours+one_stage",
        *HALF,
        "ours+r1r2",
        "loop+r1r2",
        "torch+r1r2",
    ),
    "dcgan64": (*MAIN, *HALF),
    # torch.compile cannot differentiate two passes through spectral norms,
    # whose power iteration writes in place.
    "sn_resnet32": (*MAIN[:-1], *HALF),
    "r3gan28": (*MAIN, *HALF),
}
GENERATION = {
    "networks": ("mlp", "dcgan28"),
    "sides": ("generate", "saved_model", "torch", "torch+1_thread"),
    "batch_size": 256,
    # Images in a chunk.
    "count": {
        "mlp": 51_200,
        "dcgan28": 5_120,
    },
}


def parsed(side):
    """The program of a side, and the set of its choices.

    Raises:
        ValueError: no such side.
    """
    program, *choices = side.split("+")
    unknown = set(choices) - set(CHOICES)
    if program not in PROGRAMS or unknown:
        raise ValueError(
            f"`--sides` takes {sorted(PROGRAMS)} and behind plus signs "
            f"{sorted(CHOICES)}. Received: {side!r}"
        )
    return program, set(choices)
