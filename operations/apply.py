"""`endpoint apply`: the steps of a plan, one after the other; the first failure ends it and says what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnxport.artifacts import OnnxportError, UsageError

if TYPE_CHECKING:
    from onnxport.artifacts import Progress

    from .plan import Plan, Surroundings
    from .steps import Step


def require_possible(plan: Plan) -> None:
    """Everything that is wanted can be done.

    Raises:
        UsageError: Something cannot; the message says all of it.
    """
    if plan.blocked:
        raise UsageError(
            "what is wanted cannot be done, and nothing was: " + "; ".join(plan.blocked),
            hint="Change the section `endpoints`, or the flags; `onnxport endpoint plan` shows the rest.",
        )


def apply(plan: Plan, around: Surroundings, progress: Progress) -> None:
    """Every step is done.

    Each is safe to repeat: after a failure, a new plan holds what is left.

    Raises:
        UsageError: Something is wanted that cannot be done; nothing was.
        OnnxportError: A step failed, with the code of its error; the message says what was done before it.
    """
    require_possible(plan)
    for number, step in enumerate(plan.steps):
        progress.step("steps", number, len(plan.steps))
        try:
            step.change.apply(around.azure, around.specs)
        except OnnxportError as error:
            raise type(error)(
                f"step {number + 1} of {len(plan.steps)} ({_said(step)}) failed: {error.message} "
                f"Done before it: {_list(plan.steps[:number])}. Not done: {_list(plan.steps[number:])}.",
                hint=error.hint or "Run `onnxport endpoint plan`: it shows what is left.",
            ) from error
    progress.step("steps", len(plan.steps), len(plan.steps))


def _said(step: Step) -> str:
    return f"{step.target}: {step.after}"


def _list(steps: tuple[Step, ...]) -> str:
    return "; ".join(_said(step) for step in steps) or "nothing"
