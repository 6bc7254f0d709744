"""Throw-away distributions, built and installed as real ones are."""

import base64
import hashlib
import zipfile
from textwrap import dedent


def digest(content):
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def build(folder, distribution, files, plugins, version="1.0", requires=()):
    """A wheel; ``files`` maps names to sources, ``plugins`` names to what they refer to.

    ``requires`` are further lines of its metadata.
    """
    name = distribution.replace("-", "_")
    metadata = f"{name}-{version}.dist-info"
    entries = "".join(f"{plugin} = {value}\n" for plugin, value in plugins.items())
    contents = {path: dedent(source).encode() for path, source in files.items()} | {
        f"{metadata}/METADATA": (
            "\n".join(
                ("Metadata-Version: 2.1", f"Name: {distribution}", f"Version: {version}", *requires)
            ).encode()
            + b"\n"
        ),
        f"{metadata}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{metadata}/entry_points.txt": f"[fillbridge]\n{entries}".encode(),
    }
    record = "".join(
        f"{path},sha256={digest(content)},{len(content)}\n" for path, content in contents.items()
    )
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, content in contents.items():
            archive.writestr(path, content)
        archive.writestr(f"{metadata}/RECORD", f"{record}{metadata}/RECORD,,\n")
    return wheel


def unpack(wheel, site):
    """Install a wheel of plain Python, which is to unpack it."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)


def rewrite_record(site, distribution, path):
    """Make RECORD agree with a file again, as one who changed both would."""
    (record,) = site.glob(f"{distribution.replace('-', '_')}-*.dist-info/RECORD")
    content = (site / path).read_bytes()
    lines = [
        f"{path},sha256={digest(content)},{len(content)}" if line.startswith(f"{path},") else line
        for line in record.read_text().splitlines()
    ]
    record.write_text("\n".join(lines) + "\n")
