"""Hooks of the documentation site (`make docs`): pages that are made from commands, schemas and repository files.

Made at each build, so they cannot drift; https://www.mkdocs.org/user-guide/configuration/#hooks says when.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer.main
from mkdocs.structure.files import File, Files
from onnxport.cli.failures import EXIT_CODES
from onnxport.cli.main import app
from onnxport.cli.schema import documents as known_documents

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
OUTSIDE = re.compile(r"\[([^]]+)\]\(\.\./[^)]*\)")  # a link to a file of the repository that is no page


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """The made pages stand among the files of `docs/`."""
    pages = {
        "reference/commands.md": "\n".join(commands()),
        "reference/documents.md": "\n".join(documents()),
        "adr/index.md": "\n".join(decisions()),
        "changelog.md": (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"),
        "contributing.md": re.sub(r"\]\(docs/", "](", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")),
    }
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links that leave `docs/` are plain text on the site: the repository is not part of it."""
    del config, files
    depth = page.file.src_uri.count("/")
    return OUTSIDE.sub(r"\1", markdown) if depth == 0 else markdown


def commands() -> Iterator[str]:
    """One section a command: what its help says."""
    yield "# Commands\n"
    yield "Made from the commands themselves: it is what `onnxport COMMAND --help` says.\n"
    yield "## Exit codes\n\n| code | means |\n|---:|---|"
    yield from (f"| {number} | {meaning} |" for number, meaning in EXIT_CODES.values())
    yield from _group(typer.main.get_command(app), "onnxport")


def _group(group: Any, path: str) -> Iterator[str]:  # ruff: ignore[ANN401] - Typer's own class is private
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _group(command, f"{path} {name}")
        else:
            yield from _command(command, f"{path} {name}")


def _command(command: Any, path: str) -> Iterator[str]:  # ruff: ignore[ANN401] - Typer's own class is private
    context = command.make_context(path, [], resilient_parsing=True)
    arguments = [one.metavar or one.name.upper() for one in command.params if one.param_type_name == "argument"]
    yield f"\n## {path.removeprefix('onnxport ')}\n"
    yield f"`{' '.join([path, *arguments, '[OPTIONS]'])}`\n"
    yield f"{(command.help or '').strip()}\n"
    yield "| takes | what it is |\n|---|---|"
    for one in command.params:
        record = one.get_help_record(context)
        if record is not None:
            yield f"| `{record[0].replace('|', ' or ')}` | {_cell(record[1])} |"


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|").replace("<", "&lt;")


def documents() -> Iterator[str]:
    """One section a document that onnxport writes: its fields, from its JSON Schema."""
    yield "# Documents and their schemas\n"
    yield "Made from the JSON Schemas that `onnxport schema DOCUMENT` prints.\n"
    for name, document in known_documents().items():
        schema = document.model_json_schema()
        yield f"\n## {name}\n\n[{name}.schema.json](../schemas/{name}.schema.json)\n"
        yield from _object(schema)
        for part, inner in schema.get("$defs", {}).items():
            if "properties" in inner:
                yield f"\n### {name}: {part}\n"
                yield from _object(inner)


def _object(schema: dict[str, Any]) -> Iterator[str]:
    yield f"{schema.get('description', '').split('Attributes:')[0].strip()}\n"
    yield "| field | type | required |\n|---|---|---|"
    required = schema.get("required", [])
    for name, field in schema.get("properties", {}).items():
        yield f"| `{name}` | {_cell(_type(field))} | {'yes' if name in required else ''} |"


def _type(field: dict[str, Any]) -> str:
    match field:
        case {"$ref": str(reference)}:
            return reference.rpartition("/")[2]
        case {"anyOf": list(choices)}:
            return " or ".join(_type(one) for one in choices)
        case {"enum": list(values)}:
            return " or ".join(repr(value) for value in values)
        case {"const": value}:
            return repr(value)
        case {"type": "array", "items": dict(items)}:
            return f"list of {_type(items)}"
        case {"type": "object", "additionalProperties": dict(values)}:
            return f"map to {_type(values)}"
        case {"type": str(name)}:
            return name
        case _:
            return "any"


def decisions() -> Iterator[str]:
    """The list of decisions, by number."""
    yield "# Decisions\n\nOne page each: what was decided, why, and what was not taken.\n"
    for page in sorted((ROOT / "docs" / "adr").glob("*.md")):
        title = page.read_text(encoding="utf-8").splitlines()[0].lstrip("# ")
        yield f"* [{title}]({page.name})"
