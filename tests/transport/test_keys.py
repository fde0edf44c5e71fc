"""Key files: written, read, and refused whatever they hold."""

from __future__ import annotations

import os
import resource
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import zmq.auth
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edged.errors import ConfigError
from edged.transport.keys import Client, KeyPair, new_pair, read_authorized, read_pair, read_public, write_pair

PAIR = KeyPair(b"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID", b"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs")  # of RFC 26
PUBLIC = f'curve\n    public-key = "{PAIR.public.decode()}"\n'
SECRET = f'{PUBLIC}    secret-key = "{PAIR.secret.decode()}"\n'

Put = Callable[..., Path]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Function that writes a file with a text and a mode."""

    def write(text: str | bytes, mode: int = 0o600, name: str = "key") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        path.chmod(mode)
        return path

    return write


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


# -- what is written --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_a_pair_is_written_for_its_owner_and_its_public_half_for_all(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        pair, secret, public = new_pair(), tmp_path / "a.secret", tmp_path / "a.public"
        write_pair(pair, secret, public)
    finally:
        os.umask(before)
    assert (mode(secret), mode(public)) == (0o600, 0o644)
    assert read_pair(secret) == pair
    assert read_public(public) == pair.public
    assert pair.secret not in public.read_bytes()


@pytest.mark.parametrize("taken", ["a.secret", "a.public"])
def test_a_file_that_is_there_is_never_overwritten_and_none_is_left_half_made(tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).write_text("mine")
    with pytest.raises(FileExistsError):
        write_pair(new_pair(), tmp_path / "a.secret", tmp_path / "a.public")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(taken, "mine")]


def test_a_full_disk_is_left_without_files(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, before[1]))  # as if the disk were full after 16 bytes
    try:
        with pytest.raises(OSError, match="File too large"):
            write_pair(new_pair(), tmp_path / "a.secret", tmp_path / "a.public")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_a_dangling_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "a.secret").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        write_pair(new_pair(), tmp_path / "a.secret", tmp_path / "a.public")
    assert not (tmp_path / "elsewhere").exists()


def test_two_new_pairs_differ() -> None:
    assert new_pair() != new_pair()


def test_printing_a_pair_does_not_show_its_secret() -> None:
    assert PAIR.secret.decode() not in f"{PAIR} {PAIR!r} {[PAIR]}"


# -- other programs ---------------------------------------------------------------------------------------------------


def test_pyzmq_reads_what_we_write(tmp_path: Path) -> None:
    pair = new_pair()
    write_pair(pair, tmp_path / "a.secret", tmp_path / "a.public")
    assert zmq.auth.load_certificate(tmp_path / "a.secret") == (pair.public, pair.secret)
    assert zmq.auth.load_certificate(tmp_path / "a.public") == (pair.public, None)


def test_we_read_what_pyzmq_writes_once_it_is_kept_from_others(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        public, secret = map(Path, zmq.auth.create_certificates(tmp_path, "a"))
    finally:
        os.umask(before)
    with pytest.raises(ConfigError, match=r"others than its owner have access to it \(mode 0644\): run 'chmod 600"):
        read_pair(secret)
    secret.chmod(0o600)
    assert read_public(public) == read_pair(secret).public
    assert read_authorized(tmp_path) == {read_public(public): Client("a")}


# -- who may read a secret --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [0o640, 0o604, 0o660, 0o606, 0o620, 0o602, 0o610, 0o601, 0o777])
def test_a_secret_that_others_have_access_to_is_refused_with_a_remedy(put: Put, bits: int) -> None:
    path = put(SECRET, bits)
    with pytest.raises(ConfigError) as refused:
        read_pair(path)
    assert f"{path}: a secret key, and others than its owner" in str(refused.value)
    assert f"(mode {bits:04o}): run 'chmod 600 {path}'" in str(refused.value)


@pytest.mark.parametrize("bits", [0o600, 0o400, 0o700])
def test_a_secret_of_the_owner_alone_is_read(put: Put, bits: int) -> None:
    assert read_pair(put(SECRET, bits)) == PAIR


ME = os.geteuid()
OWNER, USER, GROUP, NAMED_GROUP, MASK, OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20


@pytest.mark.parametrize(
    ("entries", "fine"),
    [
        # As systemd hands a credential to a service that runs as another user: 0440 to look at.
        ([(OWNER, 4, 0), (USER, 4, ME), (GROUP, 0, 0), (MASK, 4, 0), (OTHER, 0, 0)], True),
        ([(OWNER, 4, 0), (USER, 4, 54321), (GROUP, 0, 0), (MASK, 4, 0), (OTHER, 0, 0)], False),
        ([(OWNER, 4, 0), (USER, 4, ME), (GROUP, 4, 0), (MASK, 4, 0), (OTHER, 0, 0)], False),
        ([(OWNER, 4, 0), (GROUP, 0, 0), (NAMED_GROUP, 4, 54321), (MASK, 4, 0), (OTHER, 0, 0)], False),
        ([(OWNER, 4, 0), (USER, 4, ME), (GROUP, 0, 0), (MASK, 4, 0), (OTHER, 4, 0)], False),
    ],
)
def test_an_access_list_is_read(put: Put, entries: list[tuple[int, int, int]], fine: bool) -> None:
    path = put(SECRET)
    ids = [(tag, permissions, who if tag in (USER, NAMED_GROUP) else 0xFFFFFFFF) for tag, permissions, who in entries]
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in ids)
    try:
        os.setxattr(path, "system.posix_acl_access", acl)
    except OSError as exc:
        pytest.skip(f"no access lists on this file system: {exc.strerror}")
    assert mode(path) & 0o070 == 0o040  # the mask, which looks like the group
    if fine:
        assert read_pair(path) == PAIR
    else:
        with pytest.raises(ConfigError, match="others than its owner have access"):
            read_pair(path)


def test_a_public_key_that_every_user_may_write_is_refused(put: Put) -> None:
    with pytest.raises(ConfigError, match=r"every user may write it.*run 'chmod o-w"):
        read_public(put(PUBLIC, 0o646))


# -- what a file says -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        SECRET.replace("\n", "\r\n"),
        SECRET.replace("    ", "\t"),
        SECRET.replace(" = ", "="),
        f'# a comment\n\nmetadata\n    name = "public-key = x"\n{SECRET}\nother\n    secret-key = 1\n',
        f'curve\n  secret-key = "{PAIR.secret.decode()}"',
    ],
)
def test_several_layouts_of_a_file_are_read(put: Put, text: str) -> None:
    assert read_pair(put(text)) == PAIR


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "holds no CURVE key; 'edged keygen' makes files that do"),
        ("hello", "holds no CURVE key"),
        (PUBLIC.replace("curve", "curves"), "holds no CURVE key"),
        (PUBLIC.replace("    ", ""), "holds no CURVE key"),
        (PUBLIC.replace("public", "pubic"), ':2: must be public-key = "…" or secret-key = "…"'),
        (PUBLIC.replace('"', ""), ":2: must be public-key"),
        (PUBLIC.replace('hID"', 'hID" # no'), ":2: must be public-key"),
        (f"{PUBLIC}{PUBLIC}", ":4: must be public-key"),
        (PUBLIC.replace("Yne", "Yn"), ":2: public-key must be 40 characters of Z85"),
        (PUBLIC.replace("Yne", "Ynee"), ":2: public-key must be 40 characters of Z85"),
        (PUBLIC.replace("Yne", "Yn~"), ":2: public-key must be 40 characters of Z85"),
        (PUBLIC.replace("Yne@$", "#####"), ":2: public-key must be 40 characters of Z85"),
        (PUBLIC.replace("Yne@$w-vo<", "Yne@$w-vö"), ":2: public-key must be 40 characters of Z85"),
        (SECRET, "holds a secret key, and the .public file is meant"),
    ],
)
def test_a_file_without_a_public_key_is_refused_with_the_rule(put: Put, text: str, rule: str) -> None:
    path = put(text)
    with pytest.raises(ConfigError) as refused:
        read_public(path)
    assert str(refused.value).startswith(f"{path}{rule if rule[0] == ':' else ': ' + rule}")


def test_the_public_half_is_not_a_pair(put: Put) -> None:
    with pytest.raises(ConfigError, match=r"holds no secret key; this is the public half, and the \.secret file"):
        read_pair(put(PUBLIC))


def test_halves_of_two_pairs_are_not_a_pair(put: Put) -> None:
    other = new_pair().public.decode().replace("\\", "")
    with pytest.raises(ConfigError, match="does not belong to its secret-key"):
        read_pair(put(SECRET.replace(PAIR.public.decode(), other)))


def test_a_wrong_character_in_a_secret_is_reported_without_the_secret(put: Put) -> None:
    with pytest.raises(ConfigError) as refused:
        read_pair(put(SECRET.replace(PAIR.secret.decode(), PAIR.secret.decode()[:-1])))
    assert str(refused.value).endswith(":3: secret-key must be 40 characters of Z85")


# -- what is no file --------------------------------------------------------------------------------------------------


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file or directory"):
        read_pair(tmp_path / "gone")


def test_a_folder_a_pipe_and_a_device_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(ConfigError, match="must be a file that holds a key"):
            read_public(path)


def test_a_file_that_is_too_large_is_refused(put: Put) -> None:
    with pytest.raises(ConfigError, match="is too large for a key: more than 16 KiB"):
        read_public(put(PUBLIC + "#" * 20_000))


# -- the folder of those who may in -----------------------------------------------------------------------------------


def test_every_public_key_in_the_folder_counts_under_its_name(tmp_path: Path) -> None:
    pairs = {name: new_pair() for name in ("phone", "kitchen-pi", "hub.example")}
    for name, pair in pairs.items():
        write_pair(pair, tmp_path / f"{name}.secret", tmp_path / f"{name}.public")
    assert read_authorized(tmp_path) == {pair.public: Client(name) for name, pair in pairs.items()}


def test_only_files_with_the_suffix_count(put: Put, tmp_path: Path) -> None:
    for name in ("phone.public.off", "phone.public~", ".phone.public", "README", "phone.secret"):
        put("whatever", name=name)
    (tmp_path / "old").mkdir()
    assert read_authorized(tmp_path) == {}
    put(PUBLIC, name="phone.public")
    put(PUBLIC, name="a-second-name.public")
    assert read_authorized(str(tmp_path)) == {PAIR.public: Client("a-second-name")}


@pytest.mark.parametrize(
    ("metadata", "topics"),
    [
        ('    topics = "edged/1/event/ edged/1/status/porch/"\n', (b"edged/1/event/", b"edged/1/status/porch/")),
        ('    topics="edged/1/event/"\n', (b"edged/1/event/",)),
        ('    topics = ""\n', ()),
        ('    name = "Phone of the kitchen"\n', None),
    ],
)
def test_a_file_lists_the_topics_of_its_client(
    metadata: str, topics: tuple[bytes, ...] | None, put: Put, tmp_path: Path
) -> None:
    put(f"metadata\n{metadata}{PUBLIC}", name="phone.public")
    assert read_authorized(tmp_path) == {PAIR.public: Client("phone", topics)}


@pytest.mark.parametrize(
    "value", ["edged/1/event/", '"edged/1/event/', '"vec/porch/"', '"edged/1/event/, status/"', ""]
)
def test_topics_that_cannot_be_meant_are_refused(value: str, put: Put, tmp_path: Path) -> None:
    put(f"metadata\n    topics = {value}\n{PUBLIC}", name="phone.public")
    with pytest.raises(ConfigError, match=r"phone\.public:2: topics must be prefixes of topics in quotes"):
        read_authorized(tmp_path)


def test_one_wrong_file_makes_the_folder_wrong(put: Put, tmp_path: Path) -> None:
    put(PUBLIC, name="good.public")
    put(SECRET, name="bad.public")
    with pytest.raises(ConfigError, match=r"bad\.public: holds a secret key"):
        read_authorized(tmp_path)


def test_a_folder_that_is_missing_or_that_every_user_may_write_is_refused(put: Put, tmp_path: Path) -> None:
    for path in (put(PUBLIC), tmp_path / "gone"):
        with pytest.raises(ConfigError, match="must be a folder of public keys"):
            read_authorized(path)
    tmp_path.chmod(0o777)
    with pytest.raises(ConfigError, match="every user may write it, and so decide which keys are let in"):
        read_authorized(tmp_path)


# -- whatever a file holds --------------------------------------------------------------------------------------------

WORDS = ["curve", "\n", "    ", "public-key", "secret-key", " = ", '"', "#", "metadata", "\0", "\xff", "\r"]
KEYS = [PAIR.public.decode(), PAIR.secret.decode(), "x" * 40, "#" * 40, ""]

each = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=2000)


def outcome(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o600)
    for read in (read_pair, read_public):
        told = f"{path}:"
        try:
            read(path)
        except ConfigError as refused:
            told = str(refused)
        assert told.startswith(f"{path}:"), "an error says of which file it is"
        told = told.removeprefix(f"{path}:")
        assert PAIR.secret.decode()[:8] not in told
        assert len(told) < 200


@each
@given(st.binary(max_size=400))
def test_any_bytes_are_a_key_or_a_config_error(tmp_path: Path, content: bytes) -> None:
    outcome(tmp_path / "any", content)


@each
@given(st.lists(st.sampled_from(WORDS + KEYS), max_size=40))
def test_any_mixture_of_parts_of_key_files_is_a_key_or_a_config_error(tmp_path: Path, parts: list[str]) -> None:
    outcome(tmp_path / "any", "".join(parts).encode("latin-1"))


@each
@given(cuts=st.lists(st.tuples(st.integers(0, 160), st.integers(0, 40), st.binary(max_size=4)), max_size=3))
def test_a_good_file_with_changed_pieces_is_a_key_or_a_config_error(
    tmp_path: Path, cuts: list[tuple[int, int, bytes]]
) -> None:
    content = SECRET.encode()
    for at, length, put_in in cuts:
        content = content[:at] + put_in + content[at + length :]
    outcome(tmp_path / "any", content)


@each
@given(st.binary(min_size=40, max_size=40), st.booleans())
def test_any_forty_bytes_are_a_key_or_a_config_error(tmp_path: Path, key: bytes, secret: bool) -> None:
    outcome(tmp_path / "any", b'curve\n  %s-key = "%s"\n' % (b"secret" if secret else b"public", key))
