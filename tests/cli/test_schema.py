"""``edged schema``: the schema for editors accepts what the code accepts."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edged.cli.schema import add_parser
from edged.config.reader.compose import compose

Schema = dict[str, Any]

TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}
SAYS_NOTHING = {"$schema", "$defs", "title", "description", "default", "examples"}


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser(prog="edged")
    add_parser(parser.add_subparsers())
    args = parser.parse_args(["schema", *arguments])
    status: int = args.main(args)
    return status


@pytest.fixture
def schema(capsys: pytest.CaptureFixture[str]) -> Schema:
    assert run() == 0
    printed: Schema = json.loads(capsys.readouterr().out)
    return printed


def faults(value: Any, rule: Schema, root: Schema, path: str = "") -> Iterator[str]:
    """As much of JSON Schema as the printed one uses; a keyword that is not known here fails."""
    for keyword, limit in rule.items():
        match keyword:
            case "$ref":
                yield from faults(value, root["$defs"][limit.removeprefix("#/$defs/")], root, path)
            case "anyOf" | "oneOf":
                if all(list(faults(value, form, root, path)) for form in limit):
                    yield f"{path}: fits no form"
            case "allOf":
                for part in limit:
                    yield from faults(value, part, root, path)
            case "type":
                names = [limit] if isinstance(limit, str) else limit
                if not any(is_of(value, name) for name in names):
                    yield f"{path}: is no {' or '.join(names)}"
            case "enum":
                if value not in limit:
                    yield f"{path}: is not in {limit}"
            case "const":
                if value != limit:
                    yield f"{path}: is not {limit}"
            case "required":
                if isinstance(value, dict):
                    yield from (f"{path}.{key}: is missing" for key in limit if key not in value)
            case "properties" | "patternProperties" | "additionalProperties":
                if isinstance(value, dict):
                    yield from members(value, rule, keyword, root, path)
            case "items":
                if isinstance(value, list):
                    for index, item in enumerate(value):
                        yield from faults(item, limit, root, f"{path}[{index}]")
            case "prefixItems":
                if isinstance(value, list):
                    for index, (item, form) in enumerate(zip(value, limit, strict=False)):
                        yield from faults(item, form, root, f"{path}[{index}]")
            case "maxItems" | "maxProperties":
                if isinstance(value, list | dict) and len(value) > limit:
                    yield f"{path}: {keyword} is {limit}"
            case "maxLength":
                if isinstance(value, str) and len(value) > limit:
                    yield f"{path}: maxLength is {limit}"
            case "pattern":
                if isinstance(value, str) and not re.search(limit, value):
                    yield f"{path}: does not fit {limit}"
            case "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" if isinstance(value, int | float):
                if not {
                    "minimum": value >= limit,
                    "maximum": value <= limit,
                    "exclusiveMinimum": value > limit,
                    "exclusiveMaximum": value < limit,
                }[keyword]:
                    yield f"{path}: {keyword} is {limit}"
            case "minItems" | "minProperties" | "minLength" if isinstance(value, list | dict | str):
                if len(value) < limit:
                    yield f"{path}: {keyword} is {limit}"
            case "maxProperties" if isinstance(value, dict):
                if len(value) > limit:
                    yield f"{path}: {keyword} is {limit}"
            case (
                "minimum"
                | "maximum"
                | "exclusiveMinimum"
                | "exclusiveMaximum"
                | "minItems"
                | "minProperties"
                | "minLength"
                | "maxProperties"
            ):
                pass  # says nothing of a value of another type
            case _:
                assert keyword in SAYS_NOTHING, f"this test does not know {keyword}"


def is_of(value: object, name: str) -> bool:
    return isinstance(value, TYPES[name]) and (name == "boolean") == isinstance(value, bool)


def members(value: dict[str, Any], rule: Schema, keyword: str, root: Schema, path: str) -> Iterator[str]:
    named, patterns = rule.get("properties", {}), rule.get("patternProperties", {})
    for key, item in value.items():
        fitting = [pattern for pattern in patterns if re.search(pattern, key)]
        if keyword == "properties" and key in named:
            yield from faults(item, named[key], root, f"{path}.{key}")
        elif keyword == "patternProperties":
            for pattern in fitting:
                yield from faults(item, patterns[pattern], root, f"{path}.{key}")
        elif keyword == "additionalProperties" and key not in named and not fitting:
            if rule[keyword] is False:
                yield f"{path}.{key}: unknown key"
            else:
                yield from faults(item, rule[keyword], root, f"{path}.{key}")


def test_the_examples_fit_the_schema(schema: Schema, demo: Path) -> None:
    for path in (demo / "edged.yaml", demo.parent / "edged.yaml"):
        values = compose(path.read_text(), str(path)).root.plain
        assert list(faults(values, schema, schema)) == []


def test_sections_that_are_left_empty_fit_too(schema: Schema) -> None:
    text = "cameras: {a: {source: 'file:a', regions: }}\nmodel:\nreferences:\nstates:\npublish:\nlog:\n"
    assert list(faults(compose(text, "edged.yaml").root.plain, schema, schema)) == []
    assert list(faults({"cameras": None}, schema, schema)) == [".cameras: is no object"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("node: a", ".cameras: is missing"),
        ("cameras: {}", ".cameras: minProperties is 1"),
        (
            f"cameras: {{{', '.join(f'c{n}: ' for n in range(1001))}}}",
            ".cameras: maxProperties is 1000",
        ),
        ("cameras: {a: {}}", ".cameras.a.source: is missing"),
        ("cameras: {A: {source: 'file:a'}}", ".cameras.A: unknown key"),
        ("cameras: {a: {source: rtsp}}", ".cameras.a.source: does not fit ^(file:.|"),
        ("cameras: {a: {source: 'file:a', rotation: 45}}", ".cameras.a.rotation: fits no form"),
        ("cameras: {a: {source: 'file:a', regions: {b: {left: 2}}}}", ".cameras.a.regions.b.left: maximum is 1"),
        (
            "cameras: {a: {source: 'picamera:0', controls: {white_balance: [1, 2, 3]}}}",
            ".cameras.a.controls.white_balance: fits no form",
        ),
        ("cameras: {a: {source: 'file:a'}}\nlog: {lovel: info}", ".log.lovel: unknown key"),
        ("cameras: {a: {source: 'file:a'}}\nmodel: {delegate: {}}", ".model.delegate: fits no form"),
        ("cameras: {a: {source: 'file:a'}}\npublish: {endpoints: []}", ".publish.endpoints: minItems is 1"),
        ("cameras: {a: {source: 'file:a'}}\nreferences: {r: {images: [a], for: a}}", ".references.r.for: fits no form"),
        ("cameras: {a: {source: 'file:a'}}\nstates: {s: {of: [b]}}", ".states.s.of: fits no form"),
        ("cameras: {a: {source: 'file:a'}}\nstates: {s: {of: {b: r}}}", ".states.s.of: fits no form"),
        ("cameras: {a: {source: 'file:a'}}\nstates: {s: {of: {b: r, C: r}}}", ".states.s.of: fits no form"),
        ("cameras: {a: {source: 'file:a'}}\nstates: {s: {images: {}}}", ".states.s.of: is missing"),
        (
            "cameras: {a: {source: 'file:a'}}\nstates: {s: {of: [b, c], unknown_below: 0.5}}",
            ".states.s.unknown_below: exclusiveMinimum is 0.5",
        ),
    ],
)
def test_a_mistake_does_not_fit(schema: Schema, text: str, fault: str) -> None:
    found = list(faults(compose(text, "edged.yaml").root.plain, schema, schema))
    assert [each for each in found if each.startswith(fault)], found


def test_a_variable_fits_wherever_a_value_does(schema: Schema) -> None:
    lines = """
node: "${NODE}"
cameras:
  a:
    source: "${URL}"
    fps: "${FPS}"
    rotation: "${ROTATION:-90}"
    loop: "${LOOP}"
    regions: {b: {left: "${LEFT}"}}
states: {s: {of: {b: "${R}", c: "${R}"}, unknown_below: "${U}", images: }}
model: {delegate: "${DELEGATE}", mean: ["${MEAN}"], head: "${HEAD}"}
log: {level: "${LEVEL:-info}"}
"""
    values = compose(lines.replace("${", "$${"), "edged.yaml").root.plain  # an editor sees them as they are written
    assert "${URL}" in str(values)
    assert list(faults(values, schema, schema)) == []
    wrong = compose("cameras: {a: {source: 'file:a', fps: ten, loop: 'yes', rotation: 9}}", "edged.yaml").root.plain
    assert len(list(faults(wrong, schema, schema))) == 3


def described(rule: Schema, root: Schema) -> bool:
    target = root["$defs"][rule["$ref"].removeprefix("#/$defs/")] if "$ref" in rule else rule
    return bool(target.get("description"))


def test_every_option_is_explained(schema: Schema) -> None:
    sections = {"": schema, **schema["$defs"]}
    options = {
        f"{name}.{key}": rule for name, section in sections.items() for key, rule in section["properties"].items()
    }
    assert len(options) > 30
    assert [option for option, rule in options.items() if not described(rule, schema)] == []
    assert options["CameraConfig.rotation"]["default"] == 0
    assert options["ModelConfig.delegate"]["default"] == "auto"
    assert "default" not in options["CameraConfig.policy"], "it follows from the source"
    assert "num_threads" not in json.dumps(schema["properties"]["model"]), "it follows from the machine"


def test_the_help_explains_how_an_editor_uses_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run("--help")
    assert caught.value.code == 0
    printed = capsys.readouterr().out
    assert "# yaml-language-server: $schema=" in printed
    assert '"yaml.schemas"' in printed
