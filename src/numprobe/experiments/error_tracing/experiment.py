"""Where right answers get lost: reading truth and answer layer by layer, and the layers that break or correct."""

from collections.abc import Callable
from dataclasses import replace

from pydantic import Field

from numprobe.experiments import inputs, needs, places
from numprobe.experiments.declare import Experiment, Figure, Job, Place, Settings


class ErrorTracingSettings(Settings):
    """Settings of `error_tracing`."""

    permutations: int = Field(
        20,
        ge=1,
        description="How often the true results of wrong prompts are permuted, for the rate expected by chance.",
    )


def _of_untrained(find: Callable[[Place], str | list[str]]) -> Callable[[Place], list[str]]:
    """Return a function to the files of a model's untrained control, none where the study does not have it."""

    def files(at: Place) -> list[str]:
        found = [find(replace(at, run=control)) for control in inputs.untrained(at.study, at.run)]
        return [file for part in found for file in ([part] if isinstance(part, str) else part)]

    return files


EXPERIMENT = Experiment(
    title="Error tracing",
    about="wrong answers traced to layers",
    group="manipulation",
    settings=ErrorTracingSettings,
    needs=[needs.fourier_probe(), needs.answers()],
    jobs=[
        Job(
            "fit_answer_probe",
            places=places.asked,
            inputs={"states": inputs.states, "answers": inputs.answers, "split": inputs.split},
            outputs={"probe": "results/probes/{model}/{context}/fourier.answers.safetensors"},
            module="answer_probe",
            minutes=120,
        ),
        Job(
            "trace_errors",
            places=places.asked,
            inputs={
                "states": inputs.states,
                "answers": inputs.answers,
                "probe": inputs.fourier_probe,
                "answer_probe": lambda at: f"results/probes/{at.run}/{at.context}/fourier.answers.safetensors",
                "untrained_states": _of_untrained(inputs.states),
                "untrained_probe": _of_untrained(inputs.fourier_probe),
            },
            outputs={"table": "results/tables/error_tracing/{model}/{context}.parquet"},
            settings=["permutations"],
            values={"resamples": inputs.resamples, "seed": inputs.seed},
            minutes=120,
        ),
    ],
    tables={"error_tracing": ["trace_errors"]},
    figures=[Figure("error_tracing", tables=["error_tracing"]), Figure("broken_answers", tables=["error_tracing"])],
)
