import gzip
import io
import subprocess
import tarfile
import tracemalloc

import pytest

from skillway_sync.archive import member_header, read_archive, write_archive
from skillway_sync.errors import RefusedError
from skillway_sync.manifest import PLUGIN_FILE, FileEntry, make_manifest

FILES = {
    PLUGIN_FILE: (b'{"name": "probe", "version": "1.0.0"}', "0644"),
    "bin/tool": (b"#!/bin/sh\n", "0755"),
    "skills/a/SKILL.md": (b"x" * 1000, "0644"),
    "skills/" + "n" * 90 + "/" + "m" * 70: (b"", "0644"),
    "umlaut-ü.md": (b"\xc3\xbc", "0644"),
}


@pytest.fixture
def probe():
    manifest, stamped = make_manifest("probe", "1.0.0", FILES)
    installed = {path: data for path, (data, _) in FILES.items()} | {PLUGIN_FILE: stamped}
    return manifest, installed, write_archive(manifest, installed.__getitem__)


def unpack(data, manifest):
    return {entry.path: content for entry, content in read_archive(io.BytesIO(data), manifest, where="a.tgz")}


def test_archive_gives_back_every_file(probe):
    manifest, installed, data = probe
    assert unpack(data, manifest) == installed


def test_any_tar_program_lists_the_archive(probe, tmp_path):
    manifest, installed, data = probe
    (tmp_path / "a.tgz").write_bytes(data)
    listed = subprocess.run(
        ["tar", "tzf", tmp_path / "a.tgz", "--quoting-style=literal"], capture_output=True, text=True, check=True
    )
    assert listed.stdout.splitlines() == [entry.path for entry in manifest.installed_files]
    with tarfile.open(tmp_path / "a.tgz") as tar:
        assert {m.name: (m.mode, m.uid, m.mtime) for m in tar} == {
            e.path: (int(e.mode, 8), 0, 0) for e in manifest.installed_files
        }


def test_same_files_make_the_same_bytes(probe):
    manifest, installed, data = probe
    assert write_archive(manifest, installed.__getitem__) == data


def test_packing_notices_a_file_that_changed_meanwhile(probe):
    manifest, installed, _ = probe
    with pytest.raises(ValueError, match="bin/tool changed"):
        write_archive(manifest, (installed | {"bin/tool": b"#!/bin/false\n"}).__getitem__)


def hostile_tar(*members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=tarfile.GNU_FORMAT) as tar:
        for name, kind, link in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, link
            tar.addfile(info, io.BytesIO(b""))
    return out.getvalue()


REGULAR, SYMLINK, HARDLINK, DEVICE, FIFO, FOLDER = (
    tarfile.REGTYPE,
    tarfile.SYMTYPE,
    tarfile.LNKTYPE,
    tarfile.CHRTYPE,
    tarfile.FIFOTYPE,
    tarfile.DIRTYPE,
)
HOSTILE = [
    *[
        (name, REGULAR, "")
        for name in ("/etc/passwd", "../../up", "a/../../b", "C:\\x", PLUGIN_FILE, "a" * 300, "x\\..\\y")
    ],
    *[(PLUGIN_FILE, SYMLINK, target) for target in ("/etc/passwd", "../../x", "bin/tool")],
    *[(PLUGIN_FILE, HARDLINK, target) for target in ("/etc/shadow", "bin/tool")],
    *[(PLUGIN_FILE, kind, "") for kind in (DEVICE, FIFO, FOLDER, tarfile.CONTTYPE, tarfile.BLKTYPE)],
]


@pytest.mark.parametrize("member", HOSTILE, ids=lambda member: f"{member[1].decode()}-{member[0][:12]}")
def test_foreign_member_is_refused_before_anything_is_given(member, probe):
    manifest, _, _ = probe
    with pytest.raises(RefusedError, match="where its manifest puts it"):
        unpack(hostile_tar(member), manifest)


def edit(data, change):
    return gzip.compress(change(bytearray(gzip.decompress(data))))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda tar: tar[:512] + b"!" + tar[513:], "other bytes"),
        (lambda tar: tar[:-1024], "does not end"),
        (lambda tar: tar[:-1024] + tar[:1024] + tar[-1024:], "does not end"),
        (lambda tar: tar + b"\0", "does not end"),
        (lambda tar: tar[:700], "manifest"),
        (lambda tar: tar[:100] + b"0004755\0" + tar[108:], "manifest puts it"),
        (lambda tar: tar[:1000] + b"hidden" + tar[1006:], "no manifest lists"),
    ],
)
def test_altered_archive_is_refused(change, words, probe):
    manifest, _, data = probe
    with pytest.raises(RefusedError, match=words):
        unpack(edit(data, change), manifest)


@pytest.mark.parametrize("cut", [0, 5, 20, -8, -1])
def test_truncated_archive_is_refused(cut, probe):
    manifest, _, data = probe
    with pytest.raises(RefusedError):
        unpack(data[:cut], manifest)


def test_bomb_costs_no_more_memory_than_the_manifest_says(probe):
    manifest, _, _ = probe
    bomb = gzip.compress(bytes(200_000_000), 1)
    tracemalloc.start()
    with pytest.raises(RefusedError):
        unpack(bomb, manifest)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


def test_path_that_no_tar_can_hold_is_an_error():
    with pytest.raises(ValueError, match="too long"):
        member_header(FileEntry("x" * 101, "0" * 64, 0, "0644"))
