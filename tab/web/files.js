// A tree of files in memory, with the calls that Go makes of a file system. Each works at once:
// `now(name, ...values)` returns [error, value], and edits.toml has Go's syscall package call it.
"use strict";

const DIRECTORY = 0o40000, FILE = 0o100000, TERMINAL = 0o20000, LINK = 0o120000, KIND = 0o170000;
const constants = {
  O_WRONLY: 1, O_RDWR: 2, O_CREAT: 64, O_EXCL: 128, O_TRUNC: 512, O_APPEND: 1024,
  O_DIRECTORY: 65536,
};
// How many links a name may have, and how many characters a part of it, as on Linux.
const LINKS = 40, NAME = 255;
// How many bytes all files may take: they are in the memory of the page.
const ROOM = 256 * 2 ** 20;

const is = (node, kind) => (node.mode & KIND) === kind;
const fileError = (code) => Object.assign(new Error(code), { code });

// Return a tree whose relative names are below `home`. `log` gets each text that the
// program writes to fd 1 or 2; fd 0 is empty.
globalThis.fileTree = (log, home = "/") => {
  const handles = new Map(), decoder = new TextDecoder();
  let lastHandle = 2, lastInode = 0, used = 0;

  const newNode = (mode, more) => ({
    mode, uid: 0, gid: 0, inode: ++lastInode, links: 1, opened: 0, time: Date.now(), ...more,
  });
  const newFile = (mode) => newNode(FILE | mode, { bytes: new Uint8Array(0), size: 0 });
  const newDirectory = (mode, parent) => newNode(DIRECTORY | mode, { names: new Map(), parent });
  const root = newDirectory(0o755);
  root.parent = root;

  // Return where a name leads: the directory, the last part, and what is there, if anything. A
  // name that ends in . or .. has no last part.
  const walk = (path, follow = true, from = root, links = 0) => {
    if (path === "") throw fileError("ENOENT");
    let directory = path.startsWith("/") ? root : from;
    const parts = path.split("/").filter((part) => part && part !== ".");
    const endsInDots = /(^|\/)\.\.?\/*$/.test(path);
    const isDirectory = endsInDots || path.endsWith("/");
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i], isLast = i === parts.length - 1;
      if (part === "..") {
        directory = directory.parent;
        continue;
      }
      if (part.length > NAME) throw fileError("ENAMETOOLONG");
      const node = directory.names.get(part);
      if (!node) {
        if (!isLast || endsInDots) throw fileError("ENOENT");
        return { directory, name: part, needsDirectory: isDirectory };
      }
      if (is(node, LINK) && (!isLast || follow || isDirectory)) {
        if (links === LINKS) throw fileError("ELOOP");
        const rest = parts.slice(i + 1).join("/");
        const end = rest ? `/${rest}` : "";
        const last = endsInDots ? "/." : isDirectory ? "/" : "";
        return walk(`${node.target}${end}${last}`, follow, directory, links + 1);
      }
      if (isLast && !isDirectory) return { directory, name: part, node };
      if (!node.names) throw fileError("ENOTDIR");
      if (isLast && !endsInDots) return { directory, name: part, node };
      directory = node;
    }
    return { directory: directory.parent, node: directory };
  };
  const place = (path, follow) => walk(path, follow, path.startsWith("/") ? root : homeNode());
  const homeNode = () => walk(home).node ?? root;
  const find = (path, follow) => {
    const { node } = place(path, follow);
    if (!node) throw fileError("ENOENT");
    return node;
  };
  const add = ({ directory, name }, node) => {
    if (!directory.links) throw fileError("ENOENT");
    directory.names.set(name, node);
    directory.time = Date.now();
    if (node.names) node.parent = directory;
  };
  const isBelow = (directory, node) =>
    directory === node || (directory !== root && isBelow(directory.parent, node));
  const remove = ({ directory, name }) => {
    directory.names.delete(name);
    directory.time = Date.now();
  };

  // Give a file room for so many bytes.
  const setRoom = (file, length) => {
    used += length - file.bytes.length;
    const bytes = new Uint8Array(length);
    bytes.set(file.bytes.subarray(0, Math.min(file.size, length)));
    file.bytes = bytes;
  };
  const resize = (file, size) => {
    if (!is(file, FILE)) throw fileError(file.names ? "EISDIR" : "EINVAL");
    const length = file.bytes.length, free = ROOM - used + length;
    if (size > length) {
      if (size > free) throw fileError("ENOSPC");
      setRoom(file, Math.min(Math.max(size, length * 2), free));
    } else if (size === 0) setRoom(file, 0);
    else if (size < file.size) file.bytes.fill(0, size, file.size);
    Object.assign(file, { size, time: Date.now() });
  };
  // Free the bytes of a file that has neither a name nor a handle any more.
  const release = (node) => {
    if (!node.links && !node.opened && is(node, FILE)) setRoom(node, 0);
  };
  const stat = (node) => {
    const size = is(node, LINK) ? new TextEncoder().encode(node.target).length : node.size ?? 0;
    const { mode, uid, gid, time } = node;
    return {
      mode, uid, gid, size, dev: 1, ino: node.inode, rdev: 0, nlink: node.links,
      atimeMs: time, mtimeMs: time, ctimeMs: time, blksize: 4096, blocks: Math.ceil(size / 512),
      isDirectory: () => is(node, DIRECTORY),
    };
  };
  const standard = newNode(TERMINAL | 0o600, { bytes: new Uint8Array(0) });
  const handleOf = (fd) => {
    const handle = fd <= 2 ? { node: standard, position: 0 } : handles.get(fd);
    if (!handle) throw fileError("EBADF");
    return handle;
  };
  const writeSync = (_, bytes) => {
    log(decoder.decode(bytes));
    return bytes.length;
  };
  const change = (node, values) => Object.assign(node, values, { time: node.time });
  const own = (node, uid, gid) =>
    change(node, { ...(uid >= 0 && { uid }), ...(gid >= 0 && { gid }) });
  const allow = (node, mode) => change(node, { mode: (node.mode & KIND) | (mode & 0o7777) });

  const calls = {
    open(path, flags, mode) {
      const creates = flags & constants.O_CREAT, isNew = creates && flags & constants.O_EXCL;
      const found = place(path, !isNew);
      let { node } = found;
      if (node && isNew) throw fileError("EEXIST");
      if (!node && !creates) throw fileError("ENOENT");
      if (!node && found.needsDirectory) throw fileError("EISDIR");
      if (node?.names && (creates || flags & 3)) throw fileError("EISDIR");
      if (node && flags & constants.O_DIRECTORY && !node.names) throw fileError("ENOTDIR");
      if (!node) add(found, node = newFile(mode & 0o7777));
      else if (flags & constants.O_TRUNC) resize(node, 0);
      node.opened++;
      handles.set(++lastHandle, { node, position: 0, flags });
      return lastHandle;
    },
    read(fd, buffer, offset, length, position) {
      const handle = handleOf(fd), { node } = handle;
      if (node.names) throw fileError("EISDIR");
      if (handle.flags & constants.O_WRONLY) throw fileError("EBADF");
      const at = position ?? handle.position, end = node.size ?? node.bytes.length;
      const bytes = node.bytes.subarray(at, Math.max(at, Math.min(at + length, end)));
      buffer.set(bytes, offset);
      if (position == null) handle.position = at + bytes.length;
      return bytes.length;
    },
    write(fd, buffer, offset, length, position) {
      const bytes = buffer.subarray(offset, offset + length);
      if (fd <= 2) return writeSync(fd, bytes);
      const handle = handleOf(fd), { node, flags } = handle;
      if (!(flags & 3)) throw fileError("EBADF");
      if (!length) return 0;
      const at = flags & constants.O_APPEND ? node.size : position ?? handle.position;
      if (at + length > node.size) resize(node, at + length);
      node.bytes.set(bytes, at);
      node.time = Date.now();
      if (position == null) handle.position = at + length;
      return length;
    },
    close(fd) {
      const node = handles.get(fd)?.node;
      if (!handles.delete(fd)) throw fileError("EBADF");
      node.opened--;
      release(node);
    },
    fsync: (fd) => void handleOf(fd),
    stat: (path) => stat(find(path)),
    lstat: (path) => stat(find(path, false)),
    fstat: (fd) => stat(handleOf(fd).node),
    // A directory that stays is as one on which something is mounted.
    mkdir(path, mode, stays) {
      const found = place(path, false);
      if (found.node) throw fileError("EEXIST");
      add(found, Object.assign(newDirectory(mode & 0o7777), { stays }));
    },
    readdir(path) {
      const { names } = find(path);
      if (!names) throw fileError("ENOTDIR");
      return [...names.keys()];
    },
    rename(from, to) {
      const source = place(from, false), target = place(to, false);
      if (!source.node) throw fileError("ENOENT");
      if (!source.name || (target.node && !target.name)) throw fileError("EBUSY");
      if (target.needsDirectory && !source.node.names) throw fileError("ENOTDIR");
      if (source.node === target.node) return;
      if (source.node.stays || target.node?.stays) throw fileError("EBUSY");
      if (isBelow(target.directory, source.node)) throw fileError("EINVAL");
      if (isBelow(source.directory, target.node)) throw fileError("ENOTEMPTY");
      if (target.node) {
        if (source.node.names && !target.node.names) throw fileError("ENOTDIR");
        if (!source.node.names && target.node.names) throw fileError("EISDIR");
        if (target.node.names?.size) throw fileError("ENOTEMPTY");
        target.node.links = target.node.names ? 0 : target.node.links - 1;
        release(target.node);
      }
      remove(source);
      add(target, source.node);
    },
    unlink(path) {
      const found = place(path, false);
      if (!found.node) throw fileError("ENOENT");
      if (found.node.names) throw fileError("EISDIR");
      remove(found);
      found.node.links--;
      release(found.node);
    },
    rmdir(path) {
      const found = place(path, false);
      if (!found.node) throw fileError("ENOENT");
      if (!found.node.names) throw fileError("ENOTDIR");
      if (!found.name) throw fileError("EINVAL");
      if (found.node.stays) throw fileError("EBUSY");
      if (found.node.names.size) throw fileError("ENOTEMPTY");
      remove(found);
      found.node.links = 0;
    },
    symlink(target, path) {
      if (target === "") throw fileError("ENOENT");
      const found = place(path, false);
      if (found.node) throw fileError("EEXIST");
      if (found.needsDirectory) throw fileError("ENOENT");
      add(found, newNode(LINK | 0o777, { target }));
    },
    link(from, to) {
      const node = find(from, false), found = place(to, false);
      if (found.node) throw fileError("EEXIST");
      if (node.names) throw fileError("EPERM");
      if (found.needsDirectory) throw fileError("ENOENT");
      add(found, node);
      node.links++;
    },
    readlink(path) {
      const node = find(path, false);
      if (!is(node, LINK)) throw fileError("EINVAL");
      return node.target;
    },
    truncate: (path, size) => resize(find(path), size),
    ftruncate(fd, size) {
      const { node, flags } = handleOf(fd);
      if (!(flags & 3)) throw fileError("EINVAL");
      resize(node, size);
    },
    chmod: (path, mode) => void allow(find(path), mode),
    fchmod: (fd, mode) => void allow(handleOf(fd).node, mode),
    chown: (path, uid, gid) => void own(find(path), uid, gid),
    lchown: (path, uid, gid) => void own(find(path, false), uid, gid),
    fchown: (fd, uid, gid) => void own(handleOf(fd).node, uid, gid),
    utimes(path, _, seconds) {
      find(path).time = seconds * 1000;
    },
  };
  const now = (name, ...values) => {
    try {
      return [null, calls[name](...values)];
    } catch (error) {
      if (!error.code) throw error;
      return [error, undefined];
    }
  };
  return { constants, writeSync, now };
};
