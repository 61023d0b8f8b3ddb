from natrob_empirical import attacks, benchmarks, certification, models, training
from natrob_empirical.command_line import known_names, methods
from natrob_empirical.masking import level


def test_help_lists_the_attacks_that_there_are() -> None:
    assert tuple(attacks.ATTACKS) == known_names.ATTACKS


def test_help_lists_the_networks_that_there_are() -> None:
    assert tuple(models.NETWORKS) == known_names.INTEGRATORS
    assert tuple(models.RESIDUAL_NETWORKS) == known_names.RESIDUAL_NETWORKS
    assert tuple(models.CONTRACTIVE_NETWORKS) == known_names.CONTRACTIVE_NETWORKS
    for name in known_names.NETWORKS:
        models.specification_kind(name)


def test_help_lists_the_training_methods_that_there_are() -> None:
    assert tuple(training.TRAINING_METHODS) == known_names.TRAINING_METHODS


def test_help_lists_the_methods_that_can_be_checked() -> None:
    assert tuple(methods.METHODS) == known_names.CHECKED_METHODS


def test_help_lists_the_presets_that_there_are() -> None:
    experiments = known_names.EXPERIMENTS
    assert experiments == tuple(dict.fromkeys(name.rpartition("-")[0] for name in benchmarks.PRESETS if "-" in name))
    endings = {name.rpartition("-")[2] for name in benchmarks.PRESETS if name.rpartition("-")[0] in experiments}
    assert set(known_names.EXPERIMENT_PRESETS) == endings
    assert tuple(name for name in benchmarks.PRESETS if "-" not in name) == known_names.OVERVIEW_PRESETS


def test_help_lists_the_certificates_that_there_are() -> None:
    assert known_names.CERTIFICATE_METHODS == certification.CERTIFICATE_METHODS
    assert known_names.PRECISIONS == certification.PRECISIONS


def test_help_lists_the_levels_of_a_diagnosis() -> None:
    assert tuple(level.LEVELS) == known_names.LEVELS
