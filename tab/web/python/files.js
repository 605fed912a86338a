// A file system of Emscripten's, for Pyodide, on the tree of files that Go uses: both see the
// same files. `now(name, ...values)` is the tree's: it returns [error, value].

const WRITE_ONLY = 1;
// Bits of `open` that both sides have: the access, O_TRUNC and O_APPEND.
const KEPT = 3 | 0o1000 | 0o2000;
// Calls that change the files they name, and directories in which Python may not: the cluster runs
// with them. Its shell has the same, in node/files.go.
const CHANGES = ["chmod", "mkdir", "rename", "rmdir", "truncate", "unlink", "utimes"];
const FIXED = /^\/(etc\/kubernetes|var\/lib\/(containers|kubelet)|var\/log\/pods)(\/|$)/;

// Return the file system; mount it with {root}, a directory of the tree.
export const treeFileSystem = (FS, numbers, { now, constants }) => {
  const call = (name, ...values) => {
    const changes = CHANGES.includes(name) || (name === "open" && values[1] & 3);
    if (changes && values.some((value) => FIXED.test(value))) {
      throw new FS.ErrnoError(numbers.EROFS);
    }
    const [error, value] = now(name, ...values);
    if (error) throw new FS.ErrnoError(numbers[error.code] ?? numbers.EIO);
    return value;
  };
  const pathOf = (node) => {
    const parts = [];
    for (; node.parent !== node; node = node.parent) parts.unshift(node.name);
    return [node.mount.opts.root, ...parts].join("/").replace(/\/+/g, "/");
  };
  const child = (parent, name) => `${pathOf(parent)}/${name}`;
  // Not in Emscripten's table of names: Go may remove or replace what a name means.
  const newNode = (parent, name, mode) => {
    const node = Object.assign(FS.createNode(parent, name, mode, 0), { node_ops, stream_ops });
    FS.hashRemoveNode(node);
    return node;
  };
  const attributes = (stat) => {
    const time = new Date(stat.mtimeMs);
    return { ...stat, atime: time, mtime: time, ctime: time };
  };
  const view = (buffer) => new Uint8Array(buffer.buffer ?? buffer, buffer.byteOffset ?? 0);

  const node_ops = {
    getattr: (node) => attributes(call("lstat", pathOf(node))),
    setattr(node, { mode, size, mtime }) {
      const path = pathOf(node);
      if (mode !== undefined) {
        call("chmod", path, mode & 0o7777);
        node.mode = call("lstat", path).mode;
      }
      if (size !== undefined) call("truncate", path, size);
      if (mtime !== undefined) call("utimes", path, mtime / 1000, mtime / 1000);
    },
    lookup: (parent, name) => newNode(parent, name, call("lstat", child(parent, name)).mode),
    mknod(parent, name, mode) {
      const path = child(parent, name);
      if (FS.isDir(mode)) call("mkdir", path, mode & 0o7777);
      else {
        const { O_CREAT, O_EXCL } = constants;
        call("close", call("open", path, O_CREAT | O_EXCL | WRITE_ONLY, mode & 0o7777));
      }
      return newNode(parent, name, mode);
    },
    rename(node, parent, name) {
      call("rename", pathOf(node), child(parent, name));
      // Emscripten puts it into the table again.
      queueMicrotask(() => FS.hashRemoveNode(node));
    },
    unlink: (parent, name) => call("unlink", child(parent, name)),
    rmdir: (parent, name) => call("rmdir", child(parent, name)),
    readdir: (node) => [".", "..", ...call("readdir", pathOf(node))],
    symlink(parent, name, target) {
      call("symlink", target, child(parent, name));
      return newNode(parent, name, 0o120777);
    },
    readlink: (node) => call("readlink", pathOf(node)),
  };
  const stream_ops = {
    open(stream) {
      if (!FS.isFile(stream.node.mode)) return;
      stream.handle = call("open", pathOf(stream.node), stream.flags & KEPT, 0);
    },
    close: ({ handle }) => void (handle && call("close", handle)),
    // Also of a file whose name is gone.
    getattr: ({ handle, node }) =>
      attributes(handle ? call("fstat", handle) : call("stat", pathOf(node))),
    setattr({ handle, node }, change) {
      if (change.size !== undefined && handle) call("ftruncate", handle, change.size);
      else node_ops.setattr(node, change);
    },
    read: ({ handle }, buffer, offset, length, position) =>
      call("read", handle, view(buffer), offset, length, position),
    write: ({ handle }, buffer, offset, length, position) =>
      call("write", handle, view(buffer), offset, length, position),
    llseek({ handle, position }, offset, whence) {
      const start = [0, position, handle && whence === 2 ? call("fstat", handle).size : 0];
      const target = start[whence] + offset;
      if (!(target >= 0)) throw new FS.ErrnoError(numbers.EINVAL);
      return target;
    },
  };
  const mount = ({ opts: { root } }) => newNode(null, "/", call("stat", root).mode);
  return { mount };
};
