"""Batch scoring: the rows of files are answered by a release, each once, whatever happens on the way."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from onnxport.artifacts import IntegrityError, ReleaseRef, Rows, UsageError

from .scoring.choice import SAMPLE_ROWS, choose, likely
from .scoring.engines import kept_engine
from .scoring.files import find_files
from .scoring.finishing import Progressed, is_same_output, make_manifest
from .scoring.job import Job, Kind
from .scoring.joining import joining
from .scoring.part import Digested, PartDone, digest_input, part_rows, score_part
from .scoring.planning import columns_to_read, cut, kept_columns
from .scoring.record import ScoredRelease, State, Task
from .scoring.table import rows_of
from .scoring.workspace import opened, workspace_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from onnxport.artifacts import Manifest, Progress, Signature
    from onnxport.releases import Releases

    from .scoring.choice import Choice, Wanted
    from .scoring.job import Part
    from .scoring.record import ScoringManifest
    from .scoring.runners import Runner
    from .scoring.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictJob:
    """What to score with what.

    Attributes:
        reference: The release.
        data: Files and folders with rows.
        out: The output: a name that ends in `.parquet` is one file, any other a folder.
        ids: Columns to keep beside the answers; `None` keeps every column that is no feature.
        prefix: What stands before the names of the answers.
        engine: The engine.
        restart: Whether to discard what an earlier run left, finished or not.
    """

    reference: ReleaseRef
    data: Sequence[Path]
    out: Path
    ids: Sequence[str] | None = None
    prefix: str = ""
    engine: Wanted = "auto"
    restart: bool = False

    @property
    def kind(self) -> Kind:
        """What the output is."""
        return "file" if self.out.suffix.lower() == ".parquet" else "folder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A finished output.

    Attributes:
        manifest: What was scored by what.
        resumed_rows: Rows that an earlier run had finished.
        created: Whether this call finished it; false when it was there already.
    """

    manifest: ScoringManifest
    resumed_rows: int = 0
    created: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """What a run works with.

    Attributes:
        releases: Where the release is.
        runner: Who does the work.
        progress: Told of rows as they are scored.
    """

    releases: Releases
    runner: Runner
    progress: Progress


def predict(job: PredictJob, hooks: Hooks) -> Scored:
    """The output holds an answer for each row of the data, in the data's order, with its manifest beside it.

    Law: killed at any time, the same call goes on where it stopped, and ends in the same output; output and
    manifest appear by rename, when they are whole.

    Raises:
        UsageError: The data does not fit the model, or the output is of another task.
        IntegrityError: The release, an input or a finished part is not what it should be.
        LostRace: Another process writes this output.
        Unreachable: The store or the scheduler does not answer.
        ParityFailed: The engine that was asked for does not answer as the graph does.
    """
    manifest = hooks.releases.resolve(job.reference)
    task = _task(job, manifest)
    workspace = workspace_of(job.out)
    reference = ReleaseRef(name=manifest.model.name, version=manifest.model.version)
    with opened(workspace):
        if job.restart:
            _require_replaceable(workspace)
            workspace.discard()
        state = workspace.read_state()
        found = _existing(job, workspace, task) if state is None else _continued(workspace, state, task)
        if found is not None:
            return found
        if state is None:
            hooks.releases.verify(reference)
        hooks.releases.pull(reference, workspace.release)
        engine = likely(task.engine, manifest) if state is None else state.choice.name
        hooks.runner.begin(
            [partial(digest_input, file.path) for file in task.inputs],
            partial(kept_engine, engine, workspace.release, manifest),
        )
        if state is None:
            parts = cut(task, manifest.signature)
            choice = hooks.runner.do(partial(_choice, task, manifest, workspace.release, parts[:1]))
            state = State(task=task, choice=choice, parts=tuple(parts), replacing=job.restart)
            workspace.begin(state)
        return _finish(_Run(workspace=workspace, state=state, job=_job(workspace, state, manifest)), hooks)


def _continued(workspace: Workspace, state: State, task: Task) -> Scored | None:
    """What a run that was begun is now: its output, where only the last renames were missing, else `None`.

    Raises:
        UsageError: It was begun as something else, or somebody has put something in the place of its output.
    """
    if differences := state.task.differences(task):
        raise UsageError(
            f"{workspace.out} was begun as something else: {'; '.join(differences)}",
            hint="Give the same data and options to go on, or --restart to discard what was done.",
        )
    if (sealed := workspace.sealed()) is not None:
        workspace.move(task.kind)
        return Scored(manifest=sealed, resumed_rows=sealed.rows)
    if workspace.out.exists() and not state.replacing:
        raise UsageError(
            f"{workspace.out} was not there when this run was begun, and is no output of it",
            hint="Move it away to go on, or give --restart to replace it.",
        )
    return None


def _existing(job: PredictJob, workspace: Workspace, task: Task) -> Scored | None:
    """The finished output of an earlier run of `task`, or `None` where there is none or it is to be replaced.

    Raises:
        UsageError: There is another output.
    """
    if job.restart or not workspace.out.exists():
        return None
    manifest = workspace.finished()
    differences = ["it has no manifest"] if manifest is None else manifest.task.differences(task)
    if manifest is not None and not differences:
        if is_same_output(workspace.out, manifest):
            return Scored(manifest=manifest, created=False)
        differences = ["it was changed since it was written"]
    raise UsageError(
        f"{workspace.out} is there already and is no output of this: {'; '.join(differences)}",
        hint="Name another --out, or give --restart to replace it.",
    )


def _task(job: PredictJob, manifest: Manifest) -> Task:
    files = find_files(job.data)
    model = manifest.model
    return Task(
        release=ScoredRelease(name=model.name, version=model.version, digest=manifest.digest),
        inputs=tuple(files),
        ids=kept_columns(files[0], manifest.signature, job.ids, job.prefix),
        prefix=job.prefix,
        engine=job.engine,
        kind=job.kind,
    )


def _require_replaceable(workspace: Workspace) -> None:
    if workspace.out.is_dir() and workspace.finished() is None:
        raise UsageError(
            f"{workspace.out} is a folder that onnxport did not write; it is not replaced",
            hint="Name another --out, or remove the folder yourself.",
        )


def _choice(task: Task, manifest: Manifest, release: Path, first: Sequence[Part]) -> Choice:
    """The engine, proven where it will answer: by a worker, where there are any."""
    return choose(task.engine, release, manifest, _first_rows(task, manifest.signature, first))


def _first_rows(task: Task, signature: Signature, parts: Sequence[Part]) -> Rows:
    columns = columns_to_read(task.inputs[0], signature, task.ids)
    for part in parts:
        for batch in part.file.batches(part.span, columns, SAMPLE_ROWS):
            return rows_of(batch, signature, 0)
    return Rows(columns={})


def _job(workspace: Workspace, state: State, manifest: Manifest) -> Job:
    task = state.task
    return Job(
        manifest=manifest,
        release=workspace.release,
        engine=state.choice.name,
        columns=columns_to_read(task.inputs[0], manifest.signature, task.ids),
        ids=task.ids,
        prefix=task.prefix,
        kind=task.kind,
        parts=workspace.parts,
        temporary=workspace.temporary,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    workspace: Workspace
    state: State
    job: Job


def _finish(run: _Run, hooks: Hooks) -> Scored:
    """Every part is scored that was not, and the output is moved to its name."""
    workspace, state = run.workspace, run.state
    workspace.make_folders()
    found = {part.number: part_rows(run.job.target(part.number)) for part in state.parts}
    before = {number: rows for number, rows in found.items() if rows is not None}
    done = _score_parts(run, before, hooks)
    for file in state.task.inputs:
        file.require_unchanged()
    releases = hooks.releases
    stamp = (releases.clock().isoformat().replace("+00:00", "Z"), releases.actor)
    written = make_manifest(state, run.job, workspace, done, stamp=stamp)
    workspace.seal(written)
    workspace.move(state.task.kind)
    return Scored(manifest=written, resumed_rows=sum(before.values()))


def _score_parts(run: _Run, before: dict[int, int], hooks: Hooks) -> Progressed:
    done = Progressed(rows=dict(before), digests={})
    parts = run.state.parts
    calls = [partial(score_part, run.job, part) for part in parts if part.number not in before]
    sizes = [part.span.rows for part in parts]
    total = None if None in sizes else sum(size or 0 for size in sizes)
    with joining(run.job, run.workspace.joined) as join:
        for number in before:
            join(number)
        hooks.progress.step("rows", done.total, total)
        for result in hooks.runner(calls):
            match result:
                case Digested():
                    done.digests[result.path] = result.sha256
                case PartDone():
                    done.rows[result.number] = result.rows
                    join(result.number)
                    hooks.progress.step("rows", done.total, total)
    if len(done.rows) != len(parts):
        raise IntegrityError(
            f"{len(done.rows)} of {len(parts)} parts were finished", hint="Run it again to go on."
        )
    return done
