"""The model card: what a model is for, what it was trained on, how good it is, and where it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .dataset import Facts
    from .measuring import Segments
    from .recipe import Recipe


def model_card(facts: Facts, params: Mapping[str, Any], metrics: Mapping[str, float], segments: Segments) -> str:
    """The card as Markdown: the same for the same training."""
    return "\n".join(_lines(facts, params, metrics, segments)) + "\n"


def _lines(
    facts: Facts, params: Mapping[str, Any], metrics: Mapping[str, float], segments: Segments
) -> Iterator[str]:
    recipe = facts.recipe
    yield from (f"# {recipe.name}", "", recipe.purpose or "(The recipe gives no purpose.)", "")
    yield from ("## Model", "", *_model(recipe, params), "")
    yield from ("## Data", "", *_data(facts), "")
    yield from ("## Metrics on held-out rows", "", "| metric | value | gate |", "|---|---|---|")
    yield from (f"| {name} | {value:.4f} | {_gate(recipe, name)} |" for name, value in sorted(metrics.items()))
    for column, values in segments.items():
        yield from ("", f"### By {column}", "", *_table(column, values))
    yield from ("", "## Limits", "")
    yield from (f"- {limit}" for limit in recipe.limits or ("(The recipe gives none.)",))


def _model(recipe: Recipe, params: Mapping[str, Any]) -> Iterator[str]:
    settings = {**recipe.model.params, **params}
    shown = ", ".join(f"{name}={value!r}" for name, value in sorted(settings.items())) or "its defaults"
    yield f"- `{recipe.model.estimator}` with {shown}"
    if recipe.calibration:
        yield f"- calibrated: {recipe.calibration.method}, {recipe.calibration.cv} folds"
    if recipe.clip:
        yield f"- predictions are clipped to [{recipe.clip[0]:g}, {recipe.clip[1]:g}], here and when scored"
    yield f"- seed {recipe.seed}; {len(recipe.features)} features: {', '.join(recipe.features)}"


def _data(facts: Facts) -> Iterator[str]:
    recipe = facts.recipe
    split = recipe.split
    by = f"by {split.by}" + (f" of `{split.column}`" if split.column else "")
    yield f"- `{facts.file.name}`, sha256 `{facts.file.sha256}`, target `{recipe.target}`"
    yield from (f"- rows with {part.column} {part.op} {part.value}" for part in recipe.data.filters)
    yield f"- {facts.train} rows to train on, {facts.test} held out, {by}"
    if facts.classes is not None:
        shares = facts.classes.items()
        yield f"- classes in training: {', '.join(f'{label} {share:.1%}' for label, share in shares)}"
    gaps = ", ".join(f"{name} {share:.1%}" for name, share in facts.missing.items() if share > 0)
    yield f"- missing values in training: {gaps or 'none'}"


def _gate(recipe: Recipe, name: str) -> str:
    gate = next((gate for metric, gate in recipe.gates.items() if metric == name), None)
    if gate is None:
        return ""
    bounds = [f"≥ {gate.min:g}" if gate.min is not None else "", f"≤ {gate.max:g}" if gate.max is not None else ""]
    return " ".join(bound for bound in bounds if bound)


def _table(column: str, values: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    names = sorted({name for metrics in values.values() for name in metrics if name != "rows"})
    yield f"| {column} | rows | {' | '.join(names)} |"
    yield "|---" * (len(names) + 2) + "|"
    for value, metrics in values.items():
        numbers = " | ".join(f"{metrics[name]:.4f}" if name in metrics else "" for name in names)
        yield f"| {value} | {metrics['rows']:.0f} | {numbers} |"
