// Start the API server, with files in memory: what Go asks Node's fs for. For a Worker
// and for Node; wasm_exec.js comes first.
"use strict";

const failed = (code) => Object.assign(new Error(code), { code });
const DIRECTORY = 0o40000;
const CREATE = 64, EXCLUSIVE = 128, TRUNCATE = 512;

// What the program reads from fd 0 is `input`; what it writes to fd 2, `log` gets.
globalThis.memory = (log) => {
  const files = new Map(), handles = new Map(), decoder = new TextDecoder();
  let last = 2;
  const place = (name) => "/" + name.split("/").filter((part) => part && part !== ".").join("/");
  const made = (mode) => ({ mode, bytes: new Uint8Array(), time: Date.now() });
  const found = (name) => {
    const file = files.get(place(name));
    if (!file) throw failed("ENOENT");
    return file;
  };
  const resized = (file, size) => {
    const bytes = new Uint8Array(size);
    bytes.set(file.bytes.subarray(0, size));
    return bytes;
  };
  const stat = ({ mode, bytes, time }) => ({
    mode, size: bytes.length, atimeMs: time, mtimeMs: time, ctimeMs: time, nlink: 1,
    dev: 0, ino: 0, uid: 0, gid: 0, rdev: 0, blksize: 4096, blocks: 0,
    isDirectory: () => Boolean(mode & DIRECTORY),
  });
  const standard = { file: made(0o20600), at: 0 };
  const handle = (fd) => handles.get(fd) ?? standard;
  const calls = {
    open(name, flags, mode) {
      const known = files.get(place(name));
      if (!known && !(flags & CREATE)) throw failed("ENOENT");
      if (known && flags & CREATE && flags & EXCLUSIVE) throw failed("EEXIST");
      const file = known ?? made(0o100000 | mode);
      if (flags & TRUNCATE) file.bytes = new Uint8Array();
      files.set(place(name), file);
      handles.set(++last, { file, at: 0 });
      return last;
    },
    read(fd, buffer, offset, length, position) {
      const { file, at } = handle(fd);
      const bytes = file.bytes.subarray(position ?? at).subarray(0, length);
      buffer.set(bytes, offset);
      if (position === null) handle(fd).at += bytes.length;
      return bytes.length;
    },
    write(fd, buffer, offset, length, position) {
      const bytes = buffer.subarray(offset, offset + length);
      if (fd <= 2) return fs.writeSync(fd, bytes);
      const { file, at } = handle(fd);
      const end = (position ?? at) + length;
      if (end > file.bytes.length) file.bytes = resized(file, end);
      file.bytes.set(bytes, position ?? at);
      if (position === null) handle(fd).at = end;
      return length;
    },
    close: (fd) => handles.delete(fd),
    stat: (name) => stat(found(name)),
    lstat: (name) => stat(found(name)),
    fstat: (fd) => stat(handle(fd).file),
    mkdir(name, mode) {
      if (files.has(place(name))) throw failed("EEXIST");
      files.set(place(name), made(DIRECTORY | mode));
    },
    rename(from, to) {
      files.set(place(to), found(from));
      files.delete(place(from));
    },
    unlink: (name) => void (found(name) && files.delete(place(name))),
    ftruncate: (fd, size) => void (handle(fd).file.bytes = resized(handle(fd).file, size)),
    chmod: () => undefined, fchmod: () => undefined, fsync: () => undefined,
  };
  const fs = {
    ...globalThis.fs,
    constants: {
      O_WRONLY: 1, O_RDWR: 2, O_CREAT: CREATE, O_EXCL: EXCLUSIVE, O_TRUNC: TRUNCATE,
      O_APPEND: 1024, O_DIRECTORY: 65536,
    },
    writeSync(_, bytes) {
      log(decoder.decode(bytes));
      return bytes.length;
    },
    set input(text) {
      standard.file.bytes = new TextEncoder().encode(text);
      standard.at = 0;
    },
  };
  for (const [name, call] of Object.entries(calls)) {
    fs[name] = (...given) => {
      const callback = given.pop();
      try { callback(null, call(...given)); } catch (error) { callback(error); }
    };
  }
  calls.mkdir("/", 0o755);
  return fs;
};

// Return {request, kubectl} of a server that is ready; fail with what it said last.
globalThis.startServer = async (module) => {
  let said = "";
  globalThis.fs = memory((text) => { said = text; });
  globalThis.path = { resolve: (name) => name };
  globalThis.process = { pid: 1, ppid: 0, cwd: () => "/", getuid: () => 0, geteuid: () => 0,
    getgid: () => 0, getegid: () => 0, getgroups: () => [0], umask: () => 0o22 };
  const go = new Go();
  go.env = { GOGC: "300", HOME: "/root", ETCD_CLIENT_DEBUG: "error" };
  const instance = await WebAssembly.instantiate(module, go.importObject);
  let ended = false;
  go.run(instance).finally(() => { ended = true; });
  while (!globalThis.kubernetes) {
    if (ended) throw new Error(said);
    await new Promise((done) => setTimeout(done, 50));
  }
  const { request, kubectl } = globalThis.kubernetes;
  return {
    memory: () => instance.exports.mem.buffer.byteLength,
    request: (asked, onHead, onChunk) => request(JSON.stringify(asked), onHead, onChunk),
    kubectl(words, input, onText) {
      globalThis.fs.input = input;
      return kubectl(words, onText);
    },
  };
};
