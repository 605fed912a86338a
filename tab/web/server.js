// Start the API server in a Worker or Node, with files in memory for Go; load wasm_exec.js first.
"use strict";

// Milliseconds for a start, which takes a slow machine a minute.
const LIMIT = 600_000;
const DIRECTORY = 0o40000, FILE = 0o100000, TERMINAL = 0o20000;
const constants = {
  O_WRONLY: 1, O_RDWR: 2, O_CREAT: 64, O_EXCL: 128, O_TRUNC: 512, O_APPEND: 1024,
  O_DIRECTORY: 65536,
};

// The program reads `standard` from fd 0; `log` gets each text that it writes to fd 1 or 2.
const memory = (log) => {
  const files = new Map(), handles = new Map(), decoder = new TextDecoder();
  let last = 2;
  const newFile = (mode) => ({ mode, bytes: new Uint8Array(), time: Date.now() });
  const fileError = (code) => Object.assign(new Error(code), { code });
  const find = (name) => {
    if (!files.has(name)) throw fileError("ENOENT");
    return files.get(name);
  };
  const stat = ({ mode, bytes, time }) => ({
    mode, size: bytes.length, atimeMs: time, mtimeMs: time, ctimeMs: time, nlink: 1,
    dev: 0, ino: 0, uid: 0, gid: 0, rdev: 0, blksize: 4096, blocks: 0,
    isDirectory: () => Boolean(mode & DIRECTORY),
  });
  const standard = { ...newFile(TERMINAL | 0o600), at: 0 };
  standard.file = standard;
  const handle = (fd) => handles.get(fd) ?? standard;
  const writeSync = (_, bytes) => {
    log(decoder.decode(bytes));
    return bytes.length;
  };
  // All other calls fail: their stubs are those of wasm_exec.js.
  const calls = {
    open(name, flags, mode) {
      const existing = files.get(name);
      if (!existing && !(flags & constants.O_CREAT)) throw fileError("ENOENT");
      if (existing && flags & constants.O_EXCL) throw fileError("EEXIST");
      const file = existing && !(flags & constants.O_TRUNC) ? existing : newFile(FILE | mode);
      files.set(name, file);
      handles.set(++last, { file, at: 0 });
      return last;
    },
    read(fd, buffer, offset, length, position) {
      const opened = handle(fd), at = position ?? opened.at;
      const bytes = opened.file.bytes.subarray(at, at + length);
      buffer.set(bytes, offset);
      opened.at = at + bytes.length;
      return bytes.length;
    },
    write(fd, buffer, offset, length, position) {
      const written = buffer.subarray(offset, offset + length);
      if (fd <= 2) return writeSync(fd, written);
      const opened = handle(fd), at = position ?? opened.at, { bytes } = opened.file;
      opened.file.bytes = new Uint8Array(Math.max(bytes.length, at + length));
      opened.file.bytes.set(bytes);
      opened.file.bytes.set(written, at);
      opened.at = at + length;
      return length;
    },
    close: (fd) => handles.delete(fd),
    stat: (name) => stat(find(name)),
    lstat: (name) => stat(find(name)),
    fstat: (fd) => stat(handle(fd).file),
    mkdir(name, mode) {
      if (files.has(name)) throw fileError("EEXIST");
      files.set(name, newFile(DIRECTORY | mode));
    },
    rename: (from, to) => files.set(to, find(from)) && files.delete(from),
    unlink: (name) => find(name) && files.delete(name),
    chmod: () => undefined,
  };
  for (const [name, call] of Object.entries(calls)) {
    calls[name] = (...values) => {
      const callback = values.pop();
      let done;
      try { done = [null, call(...values)]; } catch (error) { done = [error]; }
      callback(...done);
    };
  }
  files.set("/", newFile(DIRECTORY | 0o755));
  return { ...globalThis.fs, ...calls, writeSync, constants, standard };
};

// Wait until the server is ready: then `kubernetes` has its functions. Fail if it is not after
// `limit` milliseconds. If it ends, now or later, an uncaught error has its last log line, or
// its panic, or what JavaScript says if it has said nothing.
globalThis.startServer = async (module, limit = LIMIT) => {
  let last = "";
  globalThis.fs = memory((text) => {
    last = /^(panic|fatal error): /.test(last) ? last + text : text;
  });
  // With it, Go would send the requests of `kubectl apply -f https://...` to other hosts.
  globalThis.fetch = undefined;
  const go = new Go();
  go.env = { GOGC: "300", HOME: "/root", KUBECTL_KUBERC: "false" };
  const instance = await WebAssembly.instantiate(module, go.importObject);
  const uncaught = (text) => queueMicrotask(() => { throw new Error(text.trim().split("\n")[0]); });
  // After its end, a call of Go's script fails with words that say nothing of the reason.
  go.run(instance).then(() => uncaught(last), ({ message }) => uncaught(last || message));
  for (const end = Date.now() + limit; !globalThis.kubernetes;) {
    if (Date.now() > end) throw new Error(`the API server is not ready after ${limit / 1000} s`);
    await new Promise((done) => setTimeout(done, 50));
  }
};
