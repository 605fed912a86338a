// Start the API server in a Worker or Node, with files in memory for Go; load wasm_exec.js first.
"use strict";

const DIRECTORY = 0o40000, FILE = 0o100000, TERMINAL = 0o20000;
const constants = {
  O_WRONLY: 1, O_RDWR: 2, O_CREAT: 64, O_EXCL: 128, O_TRUNC: 512, O_APPEND: 1024, O_DIRECTORY: 65536,
};

// The program reads `standard` from fd 0; `log` gets each text that it writes to fd 1 or 2.
const memory = (log) => {
  const files = new Map(), handles = new Map(), decoder = new TextDecoder();
  let last = 2;
  const made = (mode) => ({ mode, bytes: new Uint8Array(), time: Date.now() });
  const failed = (code) => Object.assign(new Error(code), { code });
  const found = (name) => {
    if (!files.has(name)) throw failed("ENOENT");
    return files.get(name);
  };
  const stat = ({ mode, bytes, time }) => ({
    mode, size: bytes.length, atimeMs: time, mtimeMs: time, ctimeMs: time, nlink: 1,
    dev: 0, ino: 0, uid: 0, gid: 0, rdev: 0, blksize: 4096, blocks: 0,
    isDirectory: () => Boolean(mode & DIRECTORY),
  });
  const standard = { ...made(TERMINAL | 0o600), at: 0 };
  standard.file = standard;
  const handle = (fd) => handles.get(fd) ?? standard;
  const writeSync = (_, bytes) => {
    log(decoder.decode(bytes));
    return bytes.length;
  };
  // All other calls fail: their stubs are those of wasm_exec.js.
  const calls = {
    open(name, flags, mode) {
      const known = files.get(name);
      if (!known && !(flags & constants.O_CREAT)) throw failed("ENOENT");
      if (known && flags & constants.O_EXCL) throw failed("EEXIST");
      const file = known && !(flags & constants.O_TRUNC) ? known : made(FILE | mode);
      files.set(name, file);
      handles.set(++last, { file, at: 0 });
      return last;
    },
    read(fd, buffer, offset, length, position) {
      const one = handle(fd), at = position ?? one.at;
      const bytes = one.file.bytes.subarray(at, at + length);
      buffer.set(bytes, offset);
      one.at = at + bytes.length;
      return bytes.length;
    },
    write(fd, buffer, offset, length, position) {
      const written = buffer.subarray(offset, offset + length);
      if (fd <= 2) return writeSync(fd, written);
      const one = handle(fd), at = position ?? one.at, { bytes } = one.file;
      one.file.bytes = new Uint8Array(Math.max(bytes.length, at + length));
      one.file.bytes.set(bytes);
      one.file.bytes.set(written, at);
      one.at = at + length;
      return length;
    },
    close: (fd) => handles.delete(fd),
    stat: (name) => stat(found(name)),
    lstat: (name) => stat(found(name)),
    fstat: (fd) => stat(handle(fd).file),
    mkdir(name, mode) {
      if (files.has(name)) throw failed("EEXIST");
      files.set(name, made(DIRECTORY | mode));
    },
    rename: (from, to) => files.set(to, found(from)) && files.delete(from),
    unlink: (name) => found(name) && files.delete(name),
    chmod: () => undefined,
  };
  for (const [name, call] of Object.entries(calls)) {
    calls[name] = (...given) => {
      const callback = given.pop();
      let done;
      try { done = [null, call(...given)]; } catch (error) { done = [error]; }
      callback(...done);
    };
  }
  files.set("/", made(DIRECTORY | 0o755));
  return { ...globalThis.fs, ...calls, writeSync, constants, standard };
};

// Wait until the server is ready: then `kubernetes` has its functions. If it ends, now or
// later, an uncaught error has its last log line, or its panic.
globalThis.startServer = async (module) => {
  let said = "";
  globalThis.fs = memory((text) => { said = /^(panic|fatal error): /.test(said) ? said + text : text; });
  // With it, Go would send the requests of `kubectl apply -f https://...` to other hosts.
  globalThis.fetch = undefined;
  const go = new Go();
  go.env = { GOGC: "300", HOME: "/root", KUBECTL_KUBERC: "false" };
  const instance = await WebAssembly.instantiate(module, go.importObject);
  const uncaught = (text) => queueMicrotask(() => { throw new Error(text.trim().split("\n")[0]); });
  go.run(instance).then(() => uncaught(said), ({ message }) => uncaught(message));
  while (!globalThis.kubernetes) await new Promise((done) => setTimeout(done, 50));
};
