"""Which file system a path lies on."""

from __future__ import annotations

from pathlib import Path

import pytest

from ballotscan.store.disks import kind_of_mount, network_drive

MOUNTED = r"""
22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
40 22 0:35 / /srv rw - ext4 /dev/vdb rw
41 40 0:36 / /srv/share rw,relatime master:2 - nfs4 server:/x rw
42 22 0:37 / /mnt/b\303\240n\040l\303\240m rw - cifs //pc/scan rw
43 40 0:38 / /srv/share/local rw - xfs /dev/vdc rw
44 22 0:39 / /twice rw - ext4 /dev/vdd rw
45 44 0:40 / /twice rw - nfs other:/y rw
""".strip()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/a.sqlite", "ext4"),
        ("/srv/shared/a.sqlite", "ext4"),
        ("/srv/share", "nfs4"),
        ("/srv/share/a/b", "nfs4"),
        ("/srv/share/local/b", "xfs"),
        ("/mnt/bà\xa0n", "ext4"),
        ("/twice/a", "nfs"),
    ],
)
def test_the_deepest_and_last_mount_counts(path: str, kind: str) -> None:
    assert kind_of_mount(MOUNTED, Path(path)) == kind


def test_a_local_folder(tmp_path: Path) -> None:
    assert network_drive(tmp_path) == ""
