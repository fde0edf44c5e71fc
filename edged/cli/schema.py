"""``edged schema``: prints the JSON Schema of the configuration, or of one of the formats of messages."""

from __future__ import annotations

import argparse

from edged.cli.console import Commands, Paragraphs

__all__ = ["add_parser", "main"]

EPILOG = """\
An editor with the schema completes keys, explains them and underlines mistakes. Write it once:

  edged schema > edged.schema.json

For Visual Studio Code with the extension redhat.vscode-yaml (or any editor with yaml-language-server), begin the
configuration with this line:

  # yaml-language-server: $schema=./edged.schema.json

or name the files in settings.json:

  "yaml.schemas": {"/etc/edged/edged.schema.json": ["edged.yaml", "edged-*.yaml"]}
"""


def add_parser(commands: Commands) -> None:
    """Add the command to those of ``edged``."""
    parser = commands.add_parser(
        "schema",
        help="print the JSON Schema of the configuration, for editors, or of messages",
        description="Prints a JSON Schema (draft 2020-12): of the configuration, of the headers of published messages, "
        "of the messages of the control socket, or of those that a browser sends to the page.",
        epilog=EPILOG,
        formatter_class=Paragraphs,
    )
    parser.add_argument(
        "what",
        nargs="?",
        choices=("config", "wire", "control", "page"),
        default="config",
        help="config: the configuration (default); wire: headers of published messages; control: messages of the "
        "control socket; page: messages of a browser to the page",
    )
    parser.set_defaults(prints_utf8=True, main=main)


def main(args: argparse.Namespace) -> int:
    """Print the schema on stdout."""
    import json  # here, because other commands start without it

    from edged.cli.console import emit

    if args.what == "wire":
        from edged.wire.header_schema import header_schema as schema
    elif args.what == "control":
        from edged.wire.control_schema import control_schema as schema
    elif args.what == "page":
        from edged.page.protocol import browser_schema as schema
    else:
        from edged.config.schema import json_schema as schema
    emit(json.dumps(schema(), indent=2, ensure_ascii=False) + "\n")
    return 0
