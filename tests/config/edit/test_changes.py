"""Changes of a configuration's text: what a person sees of them, in the file itself."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from edged.config import ConfigFileError
from edged.config.edit.changes import Changes, changed_text
from edged.config.edit.paths import parse_path

BAY = {"left": 0.2, "top": 0.1, "right": 0.5, "bottom": 0.9}


def changed(text: str, to_set: dict[str, object] | None = None, unset: tuple[str, ...] = ()) -> str:
    changes = Changes([(parse_path(path), value) for path, value in (to_set or {}).items()], [*map(parse_path, unset)])
    return changed_text(textwrap.dedent(text), changes, "edged.yaml")


def refused(text: str, to_set: dict[str, object] | None = None, unset: tuple[str, ...] = ()) -> str:
    with pytest.raises(ConfigFileError) as caught:
        changed(text, to_set, unset)
    return str(caught.value)


def is_text(text: str, expected: str) -> bool:
    assert text == textwrap.dedent(expected)
    return True


def test_a_new_region_stands_as_its_neighbours_do() -> None:
    flow = "cameras:\n  s:\n    regions:\n      a: {left: 0.5}  # drawn\n    # end\n"
    assert changed(flow, {"cameras.s.regions.bay": BAY}) == flow.replace(
        "    # end", "      bay: {left: 0.2, top: 0.1, right: 0.5, bottom: 0.9}\n    # end"
    )
    block = "cameras:\n    s:\n        regions:\n            a:\n                left: 0.5\n"
    assert (
        changed(block, {"cameras.s.regions.bay.left": 0.2}) == f"{block}            bay:\n                left: 0.2\n"
    )


def test_only_the_number_that_differs_changes() -> None:
    text = "a: {left: 0.10, top: 0.20,   right: 0.9}   # mine\nb: [1, 0x2]\n"
    assert changed(text, {"a": {"left": 0.1, "top": 0.3, "right": 0.9}}) == text.replace("0.20", "0.3")


def test_quotes_line_ends_and_a_byte_order_mark_stay() -> None:
    text = "\ufeffa: 'x'  # c\r\nb: \"y\"\r\nc: 1"
    assert changed(text, {"a": "z", "b": "q", "d": 2}) == "\ufeffa: 'z'  # c\r\nb: \"q\"\r\nc: 1\r\nd: 2"


def test_mappings_on_the_way_are_made() -> None:
    assert is_text(
        changed("version: 2\nlog:  # later\n", {"log.level": "debug", "publish.top_k": 3}),
        """\
        version: 2
        log: {level: debug}  # later
        publish: {top_k: 3}
        """,
    )


def test_a_block_becomes_a_scalar_and_a_scalar_a_block() -> None:
    text = "a:  # why\n  # inside\n  b: 1\n  # also inside\n# next\nc: 1  # one\n"
    long = {"k" * 60: "v" * 40, "l": {"m": 1}}
    assert is_text(
        changed(text, {"a": 5, "c": long}),
        f"""\
        a: 5  # why
        # next
        c:  # one
          {"k" * 60}: {"v" * 40}
          l: {{m: 1}}
        """,
    )


def test_a_block_of_text_becomes_a_word() -> None:
    assert changed("a: |  # c\n  x\n\n  y\n\nb: 1\n", {"a": "z"}) == "a: z  # c\n\nb: 1\n"


def test_a_key_goes_with_its_own_comments_and_no_others() -> None:
    text = """\
        # about the file
        a: 1

        # about b
        # and more
        b:
          c: 1
            # deep in b

        # about d
        d: 2
        """
    assert is_text(changed(text, unset=("b",)), "# about the file\na: 1\n\n\n# about d\nd: 2\n")
    assert changed("# about the file\na: 1\nb: 2\n", unset=("a",)) == "# about the file\nb: 2\n"


def test_the_last_of_several_takes_the_line_end_that_there_was_not() -> None:
    assert changed("a: 1\nb: 2", unset=("b",)) == "a: 1"
    assert changed("{a: 1, b: 2, c: 3}", unset=("c", "a")) == "{b: 2}"
    assert changed("x: {a: 1}", unset=("x.a",)) == "x: {}"
    assert changed("x:\n  a: 1\ny: 1\n", unset=("x.a",)) == "x: {}\ny: 1\n"


def test_what_is_not_there_is_removed_without_a_change() -> None:
    text = "a: {b: 1}\n"
    assert changed(text, unset=("c", "a.c", "a.b.c", "a[0]")) == text


def test_items_of_lists_are_set_added_and_removed() -> None:
    text = "mask:\n# door\n- [[0, 0], [1, 0], [0, 1]]\n# road\n- [[0, 0], [1, 0], [0, 0.5]]\n"
    assert changed(text, {"mask[1][2][1]": 0.7}) == text.replace("0.5", "0.7")
    assert changed(text, {"mask[2]": [[1, 1]]}) == f"{text}- [[1, 1]]\n"
    assert changed(text, unset=("mask[0]",)) == "mask:\n# road\n- [[0, 0], [1, 0], [0, 0.5]]\n"
    assert refused(text, {"mask[3]": 1}).endswith("mask: has no item 3, because it has 2")


def test_an_alias_is_replaced_and_what_it_repeats_stays() -> None:
    text = "a: &x {b: 1}\nc: *x  # same\n"
    assert changed(text, {"c": {"b": 2}}) == "a: &x {b: 1}\nc: {b: 2}  # same\n"
    assert changed(text, unset=("c",)) == "a: &x {b: 1}\n"


def test_what_is_repeated_elsewhere_is_not_changed() -> None:
    text = "a: &x {b: &y 1}\nc: *x\nd: *y\n"
    assert refused(text, {"c.b": 2}) == (
        "edged.yaml:2:4: c: repeats what stands in line 1 (*x), which would change too; set c as a whole"
    )
    assert "c: repeats what stands in line 1" in refused(text, unset=("c.b",))
    assert refused(text, {"a.b": 2}) == (
        "edged.yaml:1:4: a: is repeated in line 2 (*x), which would change too; write it out there first"
    )
    assert "holds what is repeated in line" in refused(text, unset=("a",))
    assert "a.b" in refused("a: {b: &y 1}\nd: *y\n", {"a.b": 2})
    assert "a" in refused("a: {b: &y 1}\nd: *y\n", {"a": 3})


def test_an_anchor_that_nothing_repeats_stays() -> None:
    assert changed("a: &x 1\nb: &y\n  c: 1\nd: &z\n", {"a": 2, "b": 3, "d": 4}) == "a: &x 2\nb: &y 3\nd: &z 4\n"


def test_a_variable_is_replaced_where_it_stands_and_has_nothing_in_it() -> None:
    text = "a: ${A_MAPPING}\nb: ${A_NUMBER}\n"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("A_MAPPING", "x")
        patch.setenv("A_NUMBER", "5")
        assert changed(text, {"b": 6}) == "a: ${A_MAPPING}\nb: 6\n"
        assert changed(text, {"b": "${A_MAPPING}"}) == "a: ${A_MAPPING}\nb: ${A_MAPPING}\n"
        assert "a: must be a mapping, to have c in it (got ${A_MAPPING})" in refused(text, {"a.c": 1})


def test_text_that_looks_like_something_else_is_put_in_quotes() -> None:
    for text in ("1", "true", "a: b", "# no", "", "~", "1e3", "- x", "x\ny", "é\u2029"):
        assert changed("a: 1\n", {"a": {"b": [text]}, "c": text}).count("\n") == 3


def test_unusual_ways_to_write_keys_are_refused() -> None:
    assert "must be written as 'key: value'" in refused("a:\n  ? b\n  : 1\n", {"a.c": 1})
    assert "begins in the line of what is around it" in refused("a:\n- b: 1\n  c: 2\n", unset=("a[0].b",))


def test_a_text_that_is_no_yaml_is_refused_with_its_place() -> None:
    assert refused("a: [1\n", {"b": 1}).startswith("edged.yaml:2:1: is not YAML")


@pytest.mark.parametrize("path", ["", ".", "a.", "a..b", "a[x]", "[0]", "a b", "a[0]b", "a" * 2000])
def test_a_wrong_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="must be a path such as"):
        parse_path(path)


def test_a_key_with_dots_is_in_quotes() -> None:
    assert parse_path('model.options."a.b"[2]') == ("model", "options", "a.b", 2)


def test_a_mask_of_many_points_is_replaced_at_once() -> None:
    old = [[[round(0.0001 * x, 4), 0.5] for x in range(256)] for _ in range(8)]
    new = [[[x, 0.6] for x, _ in polygon] for polygon in old]
    text = changed("cameras: {s: {source: x}}\n", {"cameras.s.mask": old})
    assert changed(text, {"cameras.s.mask": new}).count("0.6]") == 8 * 256
    assert changed(text, {"cameras.s.mask": new[:1]}).count("0.6]") == 256


def test_the_manual_is_changed_in_one_line_only() -> None:
    manual = (Path(__file__).parents[3] / "config" / "edged.yaml").read_text()
    after = changed(manual, {"cameras.street.rotation": 90}) if "\n  street:\n" in manual else ""
    lines = zip(manual.splitlines(), after.splitlines(), strict=True)
    assert [(old, new) for old, new in lines if old != new] == [("    rotation: 0", "    rotation: 90")]
