"""The plan for a difference between two configurations: no threads, no files."""

from __future__ import annotations

import pytest

from edged.config import CameraConfig, Config, StateSetConfig, load_text
from edged.service.reload.plan import LIVE, PARTS, ReloadPlan, compare, compare_trial

CONFIG = """\
node: porch
model: {{name: efficientnet-lite0-int8{model}}}
cameras:
  front: {{source: "rtsp://camera/1"{front}}}
  back: {{source: "{back}"{more}}}
references: {{door: {{images: [door.jpg]{door}}}}}
publish: {{endpoints: ["pub+bind:ipc:///tmp/{socket}.sock"]}}
log: {{level: {level}}}
"""


def config(**parts: str) -> Config:
    usual = {"model": "", "front": "", "back": "file:a.mp4", "more": "", "door": "", "socket": "a", "level": "info"}
    return load_text(CONFIG.format(**{**usual, **parts}), "/etc/edged.yaml").config


def plan(**parts: str) -> ReloadPlan:
    return compare(config(), config(**parts))


def decoded_small(config: Config) -> Config:
    """Return *config* with another way to decode, whatever its cameras are."""
    return config.model_copy(update={"model": config.model.model_copy(update={"decode": "reduced"})})


def test_equal_configurations_change_nothing() -> None:
    assert plan() == ReloadPlan()
    assert plan().changes() == ()


@pytest.mark.parametrize(
    "setting",
    [
        "fps: 3",
        "rotation: 90",
        "regions: {left: {right: 0.5}}",
        "stall_seconds: 9",
        "retry_seconds: 1",
        "max_reopens: 2",
    ],
)
def test_live_settings_restart_nothing(setting: str) -> None:
    changed = plan(front=f", {setting}")
    assert changed == ReloadPlan(live=(("front", setting.partition(":")[0]),))
    assert changed.captured_anew == ()


@pytest.mark.parametrize(
    "setting", ["fps: 3", "loop: true", "policy: latest", "mirror: both", "mask: [[[0, 0], [1, 0], [0, 1]]]"]
)
def test_a_setting_of_the_source_restarts_that_camera_alone(setting: str) -> None:
    assert plan(more=f", {setting}") == ReloadPlan(restarts=(("back", setting.partition(":")[0]),))


def test_another_source_restarts_a_camera_and_whatever_else_differs_goes_with_it() -> None:
    assert plan(back="file:b.mp4", more=", rotation: 90").restarts == (("back", "source"),)


@pytest.mark.parametrize("source", ["usb:/dev/video0", "picamera:0", "pattern:"])
def test_a_lower_rate_is_a_cap_and_a_higher_one_is_asked_of_the_camera(source: str) -> None:
    def rate(old: str, new: str) -> ReloadPlan:
        return compare(config(back=source, more=old), config(back=source, more=new))

    assert rate("", ", fps: 12").live == (("back", "fps"),)
    assert rate(", fps: 15", ", fps: 12").live == (("back", "fps"),)
    assert rate(", fps: 12", ", fps: 15").restarts == (("back", "fps"),)
    assert rate(", fps: 12", "").restarts == (("back", "fps"),)


def test_a_trial_restarts_no_camera_whatever_it_changes() -> None:
    changes = ", rotation: 90, regions: {left: {right: 0.5}}"
    old, new = config(back="picamera:0"), config(back="picamera:0", more=changes)
    assert compare(old, new).restarts == (("back", "rotation, regions"),)
    assert compare_trial(old, new) == ReloadPlan(live=(("back", "rotation, regions"),))


def test_a_camera_that_delivers_what_its_regions_need_is_restarted_for_them() -> None:
    regions = ", regions: {left: {right: 0.5}}"
    assert compare(config(back="picamera:0"), config(back="picamera:0", more=regions)).restarts == (
        ("back", "regions"),
    )
    sized = ", width: 640, height: 480"
    fixed = compare(config(back="picamera:0", more=sized), config(back="picamera:0", more=sized + regions))
    assert fixed.live == (("back", "regions"),)


@pytest.mark.parametrize("source", ["rtsp://camera/2", "rtsps://camera/2", "http://camera/2", "https://camera/2"])
def test_any_rate_of_a_network_camera_is_a_cap(source: str) -> None:
    slow, fast = (config(back=source, more=f", fps: {fps}") for fps in (5, 50))
    assert compare(slow, fast).live == compare(fast, slow).live == (("back", "fps"),)


def test_the_usual_rate_is_a_cap_and_more_is_not() -> None:
    usual = config(back="pattern:")
    assert compare(usual, config(back="pattern:", more=", fps: 30")).live == (("back", "fps"),)
    assert compare(usual, config(back="pattern:", more=", fps: 31")).restarts == (("back", "fps"),)


def test_every_setting_that_needs_a_restart_is_named() -> None:
    old, new = config(back="file:a.mp4"), config(back="file:a.mp4", more=", loop: true, fps: 3, rotation: 90")
    assert compare(old, new).restarts == (("back", "loop, fps"),)
    assert compare(config(), config(front=", fps: 3, rotation: 90")).live == (("front", "fps, rotation"),)


def test_another_way_to_decode_restarts_every_camera_that_stays() -> None:
    reduced = decoded_small(config())
    for old, new in ((config(), reduced), (reduced, config())):
        assert compare(old, new).restarts == (("front", "for the model"), ("back", "for the model"))
        assert compare(old, new).model == "decode"


def test_with_reduced_decoding_every_camera_depends_on_its_regions() -> None:
    old, turned = decoded_small(config()), decoded_small(config(front=", rotation: 90"))
    assert compare(old, turned).restarts == (("front", "rotation"),)
    assert [name for name, _ in compare(old, old, model_input=True).restarts] == ["front", "back"]


def test_a_camera_that_delivers_whole_frames_goes_on_with_another_input() -> None:
    sized = config(back="picamera:0", more=", width: 640, height: 480")
    assert compare(sized, sized, model_input=True) == ReloadPlan()


def test_a_sensor_that_crops_delivers_what_its_regions_need() -> None:
    settings = ", width: 640, height: 480, scaler_crop: true"
    cropped = config(back="picamera:0", more=settings)
    other = config(back="picamera:0", more=settings + ", regions: {left: {right: 0.5}}")
    assert compare(cropped, other).restarts == (("back", "regions"),)


def test_another_name_of_the_node_is_a_part_of_its_own() -> None:
    renamed = compare(config(), config().model_copy(update={"node": "shed"}))
    assert renamed == ReloadPlan(node=True)
    assert renamed.changes() == ("node: changed",)


def test_changes_of_cameras_keys_and_the_log_have_their_lines() -> None:
    plan = ReloadPlan(added=("new",), removed=("old",), restarts=(("back", "source"),), keys=True, log_level=True)
    assert plan.captured_anew == ("new", "back")
    assert plan.changes() == (
        "camera old: removed",
        "camera new: added",
        "camera back: restarted (source)",
        "keys: changed",
        "log: level changed",
    )


def test_cameras_come_and_go() -> None:
    one = config(back="pattern:").model_copy(update={"cameras": {"back": config(back="pattern:").cameras["back"]}})
    gone = compare(config(back="pattern:"), one)
    assert (gone.removed, gone.added, gone.restarts, gone.captured_anew) == (("front",), (), (), ())
    back = compare(one, config(back="pattern:"))
    assert (back.removed, back.added, back.captured_anew) == ((), ("front",), ("front",))


def test_thresholds_and_pictures_are_references() -> None:
    assert plan(door=", enter: 0.8") == ReloadPlan(references=True)


def test_a_set_of_states_changes_while_all_cameras_run() -> None:
    bay = StateSetConfig.model_validate({"of": ["empty", "truck"]})
    more = config().model_copy(update={"states": {"bay": bay}})
    assert compare(config(), more) == ReloadPlan(states=True)
    assert compare(more, more) == ReloadPlan()
    assert compare(more, more.model_copy(update={"background": (0, 0, 255)})) == ReloadPlan(
        references=True, states=True
    )
    assert compare(more, config()).changes() == ("states: changed",)


def test_the_model_is_opened_anew_for_its_settings_and_for_its_file() -> None:
    assert plan(model=", num_threads: 3").model == "num_threads"
    same_name = compare(config(), config(), model_file=True)
    assert same_name.model == "its file"
    assert same_name.captured_anew == ()


def test_another_input_of_the_model_restarts_the_cameras_that_deliver_for_it() -> None:
    cameras = config(back="picamera:0")
    assert compare(cameras, cameras, model_file=True, model_input=True).restarts == (("back", "for the model"),)


def test_endpoints_and_the_level_of_the_log_are_parts_of_their_own() -> None:
    assert plan(socket="b") == ReloadPlan(publish=True)
    assert plan(level="debug") == ReloadPlan(log_level=True)


def test_another_limit_on_pixels_restarts_every_camera() -> None:
    less = config().model_copy(update={"max_pixels": 1 << 20})
    assert compare(config(), less) == ReloadPlan(restarts=tuple((name, "max_pixels") for name in config().cameras))


def test_another_background_changes_references_and_restarts_folders_of_pictures() -> None:
    before = config(back="dir:pictures")
    blue = before.model_copy(update={"background": (0, 0, 255)})
    assert compare(before, blue) == ReloadPlan(restarts=(("back", "background"),), references=True)


def test_a_section_that_is_read_at_the_start_only_is_listed_as_later() -> None:
    later = config().model_copy(update={"control": config().control.model_copy(update={"endpoint": None})})
    other = config().model_copy(update={"control": object()})
    assert compare(other, later).later == ("control",)
    assert compare(other, later).changes() == ()


def test_a_version_that_changes_the_model_changes_nothing_else() -> None:
    camera = "cameras: {front: {source: 'file:a'}}"
    first, second = (load_text(f"version: {version}\n{camera}", "edged.yaml").config for version in (1, 2))
    assert compare(first, second).changes() == ("model: opened anew (name)",)
    assert compare(first, second).later == ()
    named = "model: {name: efficientnet-lite0-int8}"
    same = load_text(f"{named}\n{camera}", "edged.yaml").config
    assert compare(same, second) == compare(second, second)


def test_every_setting_that_is_live_exists() -> None:
    assert CameraConfig.model_fields.keys() >= LIVE
    assert Config.model_fields.keys() >= PARTS


def test_every_change_has_its_line() -> None:
    told = plan(model=", num_threads: 3", back="pattern:", front=", fps: 2", door=", enter: 0.8", socket="b").changes()
    assert told == (
        "model: opened anew (num_threads)",
        "camera back: restarted (source)",
        "camera front: fps",
        "references: changed",
        "publish: changed",
    )
