"""Image archives as others write them: `docker save`, and OCI layouts."""

import hashlib
import io
import json
import tarfile

from cluster.image.archive import Entry, Image, write_archive, write_layer


def docker(folder, *names, architecture="amd64"):
    """Write an archive as `docker save` does, of an image with these names."""
    layer = write_layer({"bin/app": Entry(content=b"app")}, folder / "layer.tar")
    write_archive([Image(names, (layer,))], architecture, folder / "docker.tar")
    return folder / "docker.tar"


class Layout:
    """An OCI layout that grows; `save` writes it as `podman save` does."""

    def __init__(self):
        self.files = {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}'}

    def blob(self, document, kind, **more):
        content = json.dumps(document).encode()
        digest = hashlib.sha256(content).hexdigest()
        self.files[f"blobs/sha256/{digest}"] = content
        return {
            "mediaType": f"application/vnd.oci.image.{kind}.v1+json",
            "digest": f"sha256:{digest}",
            "size": len(content),
        } | more

    def image(self, name, architecture="amd64", author=""):
        """Add an image; return what the index says of it."""
        config = {
            "os": "linux",
            "architecture": architecture,
            # Two images that differ in the name alone would be one to containerd.
            "author": name + author,
            "rootfs": {"type": "layers", "diff_ids": []},
        }
        config = self.blob(config, "config")
        manifest = {"schemaVersion": 2, "config": config, "layers": []}
        note = {"org.opencontainers.image.ref.name": name}
        return self.blob(manifest, "manifest", annotations=note)

    def save(self, path, *manifests):
        index = {"schemaVersion": 2, "manifests": manifests}
        return write_tar(path, self.files | {"index.json": json.dumps(index).encode()})


def write_tar(path, files):
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path
