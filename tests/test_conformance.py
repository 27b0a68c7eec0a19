import keras
import numpy as np
import pytest
import tensorflow as tf
from conformance import BATCH
from conformance import CASES
from conformance import PAPERS
from conformance import public_classes
from conformance import public_parts

from keras_gan import constraints
from keras_gan import latents
from keras_gan import losses
from keras_gan import metrics
from keras_gan import optimizers
from keras_gan import penalties
from keras_gan import schedules
from keras_gan import tasks
from keras_gan.layer_walk import leaves
from keras_gan.penalties.penalty import name as penalty_name

STEPS = 3
# The fewest hooks: without `generate` and `export`.
GENERATING = [case for case in CASES if case.name != "labels"]


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request):
    return request.param


def by_default(*names, cases=CASES):
    """Cases of which all but those with these names take `-m long`."""
    marks = (pytest.mark.large, pytest.mark.long)
    return pytest.mark.parametrize(
        "case",
        [
            pytest.param(case, marks=() if case.name in names else marks)
            for case in cases
        ],
        ids=lambda case: case.name,
    )


# Between them: statistics, draws and a regulariser of layers, several updates
# a step, labels, schedules, and state of penalties and augmentation.
KINDS = ("wgan_gp", "patches", "labels", "regularised", "few_data")


def dataset(case, repeat=STEPS):
    data = case.make_batch()
    parts = tf.data.Dataset.from_tensors(data)
    return parts.repeat(repeat)


def fit(gan, case, **kwargs):
    options = {"verbose": 0, "shuffle": False, **kwargs}
    return gan.fit(dataset(case), **options)


def values(variables):
    return [np.array(keras.ops.convert_to_numpy(v)) for v in variables]


def assert_equal(first, second):
    assert len(first) == len(second)
    for a, b in zip(first, second):
        np.testing.assert_array_equal(a, b)


def moved(before, after):
    return [not np.array_equal(a, b) for a, b in zip(before, after)]


def state(gan):
    """All that a file must hold: weights, seeds, slots, steps."""
    optimizers = (gan.d_optimizer, gan.g_optimizer)
    slots = [v for optimizer in optimizers for v in optimizer.variables]
    return values([*gan.variables, *slots, *gan.compiled_state().values()])


def asked(gan, case, n):
    """What `generate` is asked for: a number, or labels of a batch."""
    if not isinstance(gan, tasks.ConditionalGAN):
        return n
    return case.make_batch()[1][:n]


def generator_input(gan, case):
    if case.name == "labels":
        return [gan.sample_latents(BATCH, 5), case.make_batch()[1][:, None]]
    return gan.sample_inputs(asked(gan, case, BATCH), seed=5)


def test_every_public_part_is_covered():
    covered = {name for case in [*CASES, *PAPERS] for name in case.covers}
    assert public_parts() == covered


def test_every_public_class_is_registered():
    things = [optimizers.Adam]
    for module in (
        constraints,
        losses,
        metrics,
        penalties,
        latents,
        schedules,
    ):
        things += public_classes(module)
    for thing in things:
        name = f"keras_gan>{thing.__name__}"
        assert keras.saving.get_registered_name(thing) == name


def test_cases_cover_what_they_say(case):
    gan = case.make_gan()
    things = [gan, gan.adversarial_loss, gan.latents, *gan.penalties]
    present = {type(thing).__name__ for thing in things}
    classes = {name for name in case.covers if name[0].isupper()}
    assert classes <= present


def test_config_round_trip(case):
    gan = case.make_gan()
    copy = type(gan).from_config(gan.get_config())
    assert copy.get_config() == gan.get_config()
    copy.compile_from_config(gan.get_compile_config())
    assert copy.get_compile_config() == gan.get_compile_config()
    assert copy.generator.output_shape == gan.generator.output_shape


@by_default(*KINDS, "smooth", cases=[*CASES, *PAPERS])
def test_file_round_trip_and_one_further_step(case, tmp_path):
    gan = case.make_gan()
    fit(gan, case)
    gan.save(tmp_path / "gan.keras")
    loaded = keras.saving.load_model(tmp_path / "gan.keras")
    assert type(loaded) is type(gan)
    assert_equal(state(gan), state(loaded))
    assert loaded.get_compile_config() == gan.get_compile_config()
    assert int(loaded.images_seen) == STEPS * BATCH
    assert int(loaded.d_optimizer.iterations) == STEPS * gan.d_steps
    assert int(loaded.g_optimizer.iterations) == STEPS * gan.g_steps
    logs, loaded_logs = fit(gan, case), fit(loaded, case)
    assert logs.history == loaded_logs.history
    assert_equal(state(gan), state(loaded))


@by_default("patches", "labels")
def test_file_without_compiling(case, tmp_path):
    gan = case.make_gan()
    fit(gan, case)
    gan.save(tmp_path / "gan.keras")
    loaded = keras.saving.load_model(tmp_path / "gan.keras", compile=False)
    assert not loaded.compiled
    inputs = generator_input(gan, case)
    np.testing.assert_array_equal(
        gan.predict(inputs, verbose=0), loaded.predict(inputs, verbose=0)
    )


@by_default("labels", "few_data")
def test_file_of_a_model_that_is_not_compiled(case, tmp_path):
    compiled = case.make_gan()
    gan = type(compiled).from_config(compiled.get_config())
    assert not gan.compiled
    gan.save(tmp_path / "a.keras")
    again = keras.saving.load_model(tmp_path / "a.keras")
    assert not again.compiled
    assert_equal(values(gan.variables), values(again.variables))
    again.save(tmp_path / "b.keras")
    again.compile_from_config(compiled.get_compile_config())
    fit(again, case)


@by_default("patches", "smooth")
def test_weights_round_trip(case, tmp_path):
    gan = case.make_gan()
    fit(gan, case)
    gan.save_weights(tmp_path / "gan.weights.h5")
    other = case.make_gan()
    assert any(moved(state(gan), state(other)))
    other.load_weights(tmp_path / "gan.weights.h5")
    assert_equal(state(gan), state(other))


def test_each_half_moves_its_own_player(case):
    gan = case.make_gan()
    real, condition = gan.split_batch(case.make_batch())
    real = keras.ops.convert_to_tensor(real)
    players = (gan.discriminator, gan.generator)
    before = [values(p.weights) for p in players]
    gan.discriminator_step(real, condition, 1.0)
    middle = [values(p.weights) for p in players]
    assert any(moved(before[0], middle[0]))
    assert_equal(before[1], middle[1])
    gan.generator_step(real, condition, 1.0)
    after = [values(p.weights) for p in players]
    assert_equal(middle[0], after[0])
    assert any(moved(middle[1], after[1]))


def test_forward_passes_move_nothing(case):
    gan = case.make_gan()
    before = values(gan.weights)
    real, condition = gan.split_batch(case.make_batch())
    gan(generator_input(gan, case))
    gan.discriminate(keras.ops.convert_to_tensor(real), condition)
    assert_equal(before, values(gan.weights))


@by_default("patches", "labels")
def test_evaluation_changes_nothing_and_repeats(case):
    gan = case.make_gan()
    fit(gan, case)
    before = state(gan)
    first = gan.evaluate(dataset(case), verbose=0, return_dict=True)
    second = gan.evaluate(dataset(case), verbose=0, return_dict=True)
    assert first == second
    assert all(np.isfinite(list(first.values())))
    seed = values([gan.evaluation_seed_generator.state])[0]
    gan.evaluation_seed_generator.state.assign([seed[0], 0])
    assert_equal(before, state(gan))


@by_default("wgan_gp", "labels")
def test_xla_with_steps_per_execution(case):
    gan = case.make_gan()
    config = gan.get_compile_config()
    gan.compile_from_config(
        {**config, "jit_compile": True, "steps_per_execution": 2}
    )
    before = values(gan.weights)
    logs = gan.fit(dataset(case, 4), verbose=0, shuffle=False).history
    assert gan.jit_compile is True
    assert all(np.isfinite(v).all() for v in logs.values())
    assert int(gan.g_optimizer.iterations) == 4 * gan.g_steps
    assert int(gan.images_seen) == 4 * BATCH
    assert any(moved(before, values(gan.weights)))


def reduced(*names):
    """Cases in half precision; all but those named take `-m long`."""
    marks = (pytest.mark.large, pytest.mark.long)
    found = {
        f"{case.name}-{policy}": (policy, case)
        for case in [*CASES, *PAPERS]
        for policy in ("mixed_bfloat16", "mixed_float16")
        # `one_stage` refuses float16, see test_updates.py.
        if (policy, case.name) != ("mixed_float16", "smooth")
    }
    assert found.keys() >= {*names}
    return pytest.mark.parametrize(
        "policy, case",
        [
            pytest.param(*pair, id=name, marks=() if name in names else marks)
            for name, pair in found.items()
        ],
    )


def halves(gan):
    """Layers that compute in a 16-bit dtype; inputs compute nothing."""
    parts = [*leaves(gan.generator), *leaves(gan.discriminator)]
    parts = [p for p in parts if not isinstance(p, keras.layers.InputLayer)]
    return [part for part in parts if "16" in part.compute_dtype]


@reduced(
    "image-mixed_bfloat16",
    "regularised-mixed_bfloat16",
    "vector-mixed_float16",
    "few_data-mixed_float16",
)
def test_mixed_precision_keeps_float32(policy, case, monkeypatch):
    """Variables, slots, averages, per-sample losses and penalties, logs."""
    keras.config.set_dtype_policy(policy)
    gan = case.make_gan()
    assert {part.compute_dtype for part in halves(gan)} == {policy[6:]}
    terms = {}
    update = gan.trackers.update
    monkeypatch.setattr(
        gan.trackers,
        "update",
        lambda new, *rest: (terms.update(new), update(new, *rest)),
    )
    logs = fit(gan, case).history
    assert {"d_loss", "g_loss", *map(penalty_name, gan.penalties)} <= {*terms}
    assert {
        keras.backend.standardize_dtype(t.dtype) for t in terms.values()
    } == {"float32"}
    slots = [*gan.d_optimizer.variables, *gan.g_optimizer.variables]
    averaged = gan.averaged_generator.variables
    state = gan.compiled_state().values()
    kept = [*gan.variables, *slots, *averaged, *state]
    assert {v.dtype for v in kept if "float" in v.dtype} == {"float32"}
    assert all(np.isfinite(v).all() for v in logs.values())
    for optimizer in gan.optimizer.optimizers:
        scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        assert scaled == (policy == "mixed_float16")


@reduced("image-mixed_bfloat16", "wgan_gp-mixed_float16")
def test_mixed_precision_goes_on_from_a_file(policy, case, tmp_path):
    keras.config.set_dtype_policy(policy)
    gan = case.make_gan()
    fit(gan, case)
    gan.save(tmp_path / "gan.keras")
    # A file holds the policy of each layer: that of the process is another.
    keras.config.set_dtype_policy("float32")
    loaded = keras.saving.load_model(tmp_path / "gan.keras")
    assert [p.compute_dtype for p in halves(loaded)] == [policy[6:]] * len(
        halves(gan)
    )
    assert_equal(state(gan), state(loaded))
    logs, loaded_logs = fit(gan, case), fit(loaded, case)
    assert logs.history == loaded_logs.history
    assert_equal(state(gan), state(loaded))


@by_default("wgan_gp", "conditional", "acgan", cases=[*GENERATING, PAPERS[-1]])
def test_exported_model_equals_predict(case, tmp_path):
    gan = case.make_gan()
    fit(gan, case)
    gan.export(str(tmp_path / "saved"))
    served = tf.saved_model.load(str(tmp_path / "saved"))
    wanted = asked(gan, case, 5)
    given = gan.sample_inputs(wanted, seed=1)
    latents, *labels = given if isinstance(given, list) else [given]
    labels = [tf.constant(wanted, x.dtype) for x in labels]
    np.testing.assert_allclose(
        served.serve(latents, *labels), gan.predict(given, verbose=0), atol=1e-6
    )
    np.testing.assert_allclose(
        served.generate(5, 1, 0.5, *labels),
        gan.generate(wanted, seed=1, truncation=0.5),
        atol=1e-6,
    )


@by_default(
    *(case.name for case in GENERATING), cases=[*GENERATING, PAPERS[-1]]
)
def test_generate_is_a_function_of_its_seed(case):
    gan = case.make_gan()
    before = values([gan.seed_generator.state])
    six = asked(gan, case, 6)
    two = 2 if isinstance(six, int) else six[[1, 1]]
    if isinstance(gan, tasks.InfoGAN):
        # Codes are no matter of variety.
        codes = gan.latents(1, seed=0)[:, -gan.latents.num_codes :]
        two = np.repeat(codes, 2, axis=0)
    first = gan.generate(six, seed=4)
    np.testing.assert_array_equal(first, gan.generate(six, seed=4))
    # Some processors sum in another order where the batch has another size.
    np.testing.assert_allclose(
        gan.generate(six, seed=4, batch_size=4), first, rtol=1e-5, atol=1e-6
    )
    assert not np.array_equal(first, gan.generate(six, seed=5))
    assert not np.array_equal(gan.generate(six), gan.generate(six))
    still = gan.generate(two, seed=4, truncation=0.0)
    np.testing.assert_allclose(still[0], still[1], atol=1e-6)
    assert_equal(before, values([gan.seed_generator.state]))
