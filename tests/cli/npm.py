"""Files of packages that npm has and Debian has not: schemas, fetched once into the build folder.

Nothing of a package is run. Where npm or its registry is missing there is no file, and what needs
it is skipped.
"""

import io
import os
import shutil
import sys
import tarfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "core")]
import realcore
import tap


def file(package, version, path):
    """Bytes of that file of the package, or None."""
    folder = os.path.join(tap.BUILD, "npm", package.replace("/", "-") + "-" + version)
    kept = os.path.join(folder, os.path.basename(path))
    os.makedirs(folder, exist_ok=True)
    with realcore.locked(os.path.join(folder, "lock")):
        if not os.path.exists(kept):
            data = _fetch(package, version, path, folder)
            if data is None:
                return None
            with open(kept, "wb") as out:
                out.write(data)
    with open(kept, "rb") as kept_file:
        return kept_file.read()


def _fetch(package, version, path, folder):
    if not shutil.which("npm"):
        return None
    code, out, _ = tap.run(["npm", "pack", "--silent", package + "@" + version],
                           timeout=60, cwd=folder)
    if code != 0 or not out.strip():
        return None
    archive = os.path.join(folder, out.strip().splitlines()[-1])
    with open(archive, "rb") as packed:
        data = packed.read()
    os.unlink(archive)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        member = tar.extractfile("package/" + path)
        return member.read() if member else None
