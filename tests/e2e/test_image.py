# SPDX-License-Identifier: Apache-2.0
"""The Dockerfile, really built (by buildah, on a Debian root made by debootstrap once), and the image really started:
as its own user, on a read-only root."""

import json
import os
import subprocess
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
CACHE = REPO / ".cache/image"
COMPILED = Path(os.environ.get("CCACHE_DIR") or Path.home() / ".cache/ccache")
BASE = "docker.io/library/debian:trixie-slim"
AS_ROOT = [] if os.getuid() == 0 else ["sudo", "-n", "--preserve-env=STORAGE_DRIVER,BUILDAH_ISOLATION"]
BUILDAH = [*AS_ROOT, "buildah", "--root", CACHE / "storage", "--runroot", CACHE / "run"]
os.environ.update(STORAGE_DRIVER="vfs", BUILDAH_ISOLATION="chroot")


def run(*argv, **more):
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, **more)
    assert done.returncode == 0, f"{' '.join(map(str, argv))}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout.strip()


def debian_root():
    """A minimal Debian 13, with this machine's apt settings: a proxy or a mirror of its own keeps working."""
    root = CACHE / "trixie"
    if not (CACHE / "trixie.done").exists():
        run(*AS_ROOT, "rm", "-rf", root)
        run(*AS_ROOT, "debootstrap", "--variant=minbase", "trixie", root)
        run(*AS_ROOT, "sh", "-c", f"cp -a /etc/apt/apt.conf.d/. {root}/etc/apt/apt.conf.d/; apt-get --version >/dev/null; "
            f"rm -rf {root}/var/cache/apt/archives/*.deb {root}/var/lib/apt/lists/*")
        (CACHE / "trixie.done").touch()
    return root


@pytest.fixture(scope="module")
def image():
    """The path of the built image's file system."""
    CACHE.mkdir(parents=True, exist_ok=True)
    if subprocess.run([*map(str, BUILDAH), "inspect", "--type=image", BASE], capture_output=True).returncode:
        container = run(*BUILDAH, "from", "scratch")
        run(*BUILDAH, "add", "-q", container, debian_root(), "/")
        run(*BUILDAH, "commit", "-q", "--rm", container, BASE)
    # --layers keeps the stage with the packages, and the compiler's cache is this machine's: a second build is a short one.
    COMPILED.mkdir(parents=True, exist_ok=True)
    run(*BUILDAH, "build", "--pull=never", "--network=host", "--layers", "--volume", f"{COMPILED}:/var/cache/ccache",
        "--build-arg", "CCACHE_DIR=/var/cache/ccache", "-f", "Dockerfile", "-t", "tailgate", ".", cwd=REPO)
    container = run(*BUILDAH, "from", "--pull=never", "localhost/tailgate")
    yield Path(run(*BUILDAH, "mount", container))
    run(*BUILDAH, "umount", container)
    run(*BUILDAH, "rm", container)


def start(image, *arguments, stdin="", writable=()):
    """What a container engine does for `docker run --read-only`: its user, its root read-only, /dev and /proc."""
    mounts = "".join(f"mount -t tmpfs -o uid=65532,mode=0700 none {image}{path}; " for path in writable)
    script = (f"set -e; mount --bind {image} {image}; mkdir -p {image}/dev {image}/proc; mount --rbind /dev {image}/dev; "
              f"mount -t proc none {image}/proc; {mounts}mount -o remount,bind,ro {image}; "
              f'exec chroot --userspec=65532:65532 {image} /usr/bin/tailgate "$@"')
    return subprocess.run([*AS_ROOT, "unshare", "--mount", "--propagation", "private", "sh", "-c", script, "tailgate",
                           *arguments], input=stdin, capture_output=True, text=True, timeout=60)


def test_the_image_says_its_version(image):
    done = start(image, "version")
    assert done.returncode == 0 and done.stdout.startswith("tailgate "), done


def test_a_pipe_runs_as_nobody_on_a_read_only_root(image):
    done = start(image, "pipe", "--unflatten", ".", "--drop-nulls", stdin='{"http.method":"GET","http.referer":null}\n')
    assert done.returncode == 0, done
    assert json.loads(done.stdout) == {"http": {"method": "GET"}}


def test_its_root_is_really_read_only_and_its_data_folder_its_own(image):
    settings = ("version: 1\ndata_dir: /var/lib/tailgate\nsources: {log: {type: stdin}}\nsinks: {out: {type: stdout}}\n")
    done = start(image, "run", "--once", "-c", "/dev/fd/3", stdin=settings)
    assert done.returncode == 2, done  # no such file: but it got as far as reading its settings
    assert "Read-only" not in done.stderr


def test_the_image_names_its_user_and_entry_point(image):
    config = json.loads(run(*BUILDAH, "inspect", "--type=image", "localhost/tailgate"))["OCIv1"]["config"]
    assert config["User"] == "65532:65532"
    assert config["Entrypoint"] == ["/usr/bin/tailgate"]


def test_the_image_is_small_and_holds_no_shell(image):
    files = [f for f in image.rglob("*") if f.is_file() and not f.is_symlink()]
    size = sum(f.stat().st_size for f in files)
    print(f"\nimage: {size / 2**20:.1f} MiB in {len(files)} files, binary {(image / 'usr/bin/tailgate').stat().st_size / 2**20:.1f} MiB")
    assert [f.name for f in (image / "usr/bin").iterdir()] == ["tailgate"]
    assert size < 80 * 2**20
