"""`natrob train`: one model, trained and kept as a checkpoint that every other command takes."""

from pathlib import Path
from typing import Annotated

import typer

from natrob_empirical.command_line import options
from natrob_empirical.command_line.console import console, errors_in_one_line
from natrob_empirical.command_line.known_names import NETWORKS, TRAINING_METHODS
from natrob_empirical.command_line.plain_command import DebugOption, integer_option, number_option


def train(  # noqa: PLR0913, PLR0917 - one parameter an option
    network: Annotated[str, typer.Argument(help=f"One of: {', '.join(NETWORKS)}.")],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of the model as NAME=VALUE, such as step_size=0.1; may be repeated."),
    ] = None,
    data: Annotated[str, typer.Option(help="A data set's name, or your arrays as file.npz.")] = "digits",
    method: Annotated[str, typer.Option(help=f"One of: {', '.join(TRAINING_METHODS)}.")] = "standard",
    epsilon: Annotated[float | None, number_option("L∞ radius of an adversarial method.")] = None,
    offset: Annotated[float | None, number_option("The lead that margin training asks of the right score.")] = None,
    temperature: Annotated[float | None, number_option("What margin training divides the scores by.")] = None,
    sigma: Annotated[float | None, number_option("Standard deviation of the noise in noise training.")] = None,
    kappa: Annotated[float | None, number_option("Final weight of clean images in interval training.")] = None,
    weight: Annotated[
        float | None, number_option("Weight of the second part of the loss, where a method has one.")
    ] = None,
    quantity: Annotated[str | None, typer.Option(help="What is penalised: lipschitz (K) or one_sided (μ).")] = None,
    target: Annotated[float | None, number_option("The value from which on it is penalised.")] = None,
    bound: Annotated[float | None, number_option("Bound of each layer's norm in spectral normalisation.")] = None,
    epochs: Annotated[int, integer_option("Passes over the training images.")] = 12,
    batch_size: Annotated[int, integer_option("Images per step.")] = 64,
    learning_rate: Annotated[float, number_option("Learning rate at the start; AdamW with one cosine decay.")] = 3e-3,
    warmup: Annotated[float, number_option("Share of the steps over which the rate rises.")] = 0.0,
    gradient_norm: Annotated[float | None, number_option("Longer gradients are shortened to it.")] = None,
    seed: Annotated[int, integer_option("Seed of weights, order and perturbations.")] = 0,
    output: Annotated[Path, typer.Option(help="Folder of the checkpoint.")] = Path("output/models"),
    data_root: options.DataRootOption = None,
    device: options.DeviceOption = "cpu",
    debug: DebugOption = False,
) -> None:
    """Train one model; interrupted, the same command goes on where it stopped.

    Example: `natrob train euler --set step_size=0.1 --set num_steps=10`, or
    `natrob train resnet --set blocks=3 --data mnist --method trades --epsilon 0.1`
    """
    hint = "interrupted; the training goes on from its last state when the command is given again"
    with errors_in_one_line(on_interrupt=hint):
        from natrob_empirical.benchmarks import PresetModel, TrainedModels, fitted_to_images
        from natrob_empirical.command_line.device_and_data import dataset_named, device_named
        from natrob_empirical.command_line.displays import TrainingDisplay
        from natrob_empirical.command_line.train_command import method_with, specification_of
        from natrob_empirical.training import TrainingSpecification, accuracy

        dataset = dataset_named(data, data_root)
        training = TrainingSpecification(
            method=method_with(
                method,
                epsilon=epsilon,
                offset=offset,
                temperature=temperature,
                sigma=sigma,
                kappa=kappa,
                weight=weight,
                quantity=quantity,
                target=target,
                bound=bound,
            ),
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            warmup=warmup,
            gradient_norm=gradient_norm,
        )
        specification = specification_of(network, settings or [], method)
        model = fitted_to_images(PresetModel(specification=specification, training=training), dataset.image_shape)
        models = TrainedModels(dataset, output, device_named(device))
        with TrainingDisplay() as display:
            classifier, seconds = models.get(model, seed, progress=display.show)
        images, labels = dataset.to_images(dataset.test_x), dataset.test_y
        clean = accuracy(classifier, images.to(models.device), labels.to(models.device))
        path = models.path_of(model, seed)
        console.print(
            f"{specification.label}: {clean:.1%} of {len(labels)} test images, trained in {seconds:.0f} s; {path}",
        )
