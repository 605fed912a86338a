// node same_files.js FILES DIRECTORY SEED COUNT: make the same random calls of files.js and of the
// file system, in an empty directory; print those whose results differ, as JSON.
"use strict";
const fs = require("fs"), path = require("path");
const [script, directory, seed, count] = process.argv.slice(2);
require(path.resolve(script));

let state = Number(seed) + 1;
const random = (size) => {
  state = (state * 48271) % 2147483647;
  return state % size;
};
const pick = (values) => values[random(values.length)];
const middles = ["", "", "", "", "/", "/./", "/../", "/a/", "/b/../"];
// The names of the call that is made.
let args = [];
const name = () => {
  const middle = pick(middles), last = middle && pick(["a", "b", "c"]);
  const made = `${inner}/${pick(["a", "b", "c"])}${middle}${last}`;
  args.push(made);
  return made;
};
const tree = fileTree(() => {});
// Links lead up, but not out.
const inner = "/p".repeat(12);
for (let above = "/p"; above.length <= inner.length; above += "/p") {
  tree.now("mkdir", above, 0o755);
  fs.mkdirSync(directory + above);
}
const here = (text) => directory + text;
const flags = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_EXCL", "O_TRUNC", "O_APPEND", "O_DIRECTORY"];
// Handles of open files: those of the tree, and of the file system.
const open = [[999, 999]];
const bytes = () => new TextEncoder().encode("abcdefghij".slice(0, random(10)));
const position = () => pick([null, null, 0, 3, 20]);
const plain = (stat) => {
  const { mode, size, nlink } = stat;
  const isFile = (mode & 0o170000) === 0o100000;
  return isFile ? [mode, size, nlink] : mode & 0o170000;
};
const both = (call, ...values) =>
  [() => tree.now(call, ...values), () => [null, fs[`${call}Sync`](...values.map(toReal))]];
const toReal = (value) => (String(value).startsWith("/p") ? here(value) : value);
const calls = {
  mkdir: () => both("mkdir", name(), 0o755),
  rmdir: () => both("rmdir", name()),
  unlink: () => both("unlink", name()),
  rename: () => both("rename", name(), name()),
  link: () => both("link", name(), name()),
  readdir: () => both("readdir", name()),
  readlink: () => both("readlink", name()),
  stat: () => both("stat", name()),
  lstat: () => both("lstat", name()),
  truncate: () => both("truncate", name(), random(20)),
  chmod: () => both("chmod", name(), pick([0o600, 0o755, 0o700])),
  symlink() {
    const at = name(), target = pick(["a", "b/a", "../a", "c/..", "./b", "..", "x"]);
    return both("symlink", target, at);
  },
  open() {
    const at = name(), wanted = flags.filter(() => random(3) === 0);
    // Linux takes neither all of a pair.
    const excluded = { O_RDWR: "O_WRONLY", O_DIRECTORY: "O_CREAT" };
    const sum = wanted.filter((flag) => !wanted.includes(excluded[flag]));
    args.push(...sum);
    const total = (constants) => sum.reduce((all, flag) => all | constants[flag], 0);
    const handle = [];
    open.push(handle);
    return [
      () => {
        const [error, fd] = tree.now("open", at, total(tree.constants), 0o644);
        handle[0] = fd ?? 999;
        return [error, undefined];
      },
      () => {
        handle[1] = 999;
        handle[1] = fs.openSync(here(at), total(fs.constants), 0o644);
        return [null, undefined];
      },
    ];
  },
  close() {
    const [ours, real] = open.length > 1 ? open.splice(1 + random(open.length - 1), 1)[0] : open[0];
    return [() => tree.now("close", ours), () => [null, fs.closeSync(real)]];
  },
  read() {
    const [ours, real] = pick(open), at = position();
    const read = (call) => {
      const buffer = new Uint8Array(8);
      const [error, length] = call(buffer);
      return [error, [length, [...buffer]]];
    };
    return [
      () => read((buffer) => tree.now("read", ours, buffer, 1, 5, at)),
      () => read((buffer) => [null, fs.readSync(real, buffer, 1, 5, at)]),
    ];
  },
  write() {
    const [ours, real] = pick(open), at = position(), text = bytes();
    return [
      () => tree.now("write", ours, text, 0, text.length, at),
      () => [null, fs.writeSync(real, text, 0, text.length, at)],
    ];
  },
  ftruncate() {
    const [ours, real] = pick(open), size = random(20);
    return [() => tree.now("ftruncate", ours, size), () => [null, fs.ftruncateSync(real, size)]];
  },
  fstat() {
    const [ours, real] = pick(open);
    return [() => tree.now("fstat", ours), () => [null, fs.fstatSync(real)]];
  },
};
const result = (call, action) => {
  try {
    const [error, value] = action();
    if (error) return error.code;
    if (/stat$/.test(call)) return plain(value);
    return call === "readdir" ? value.sort() : value ?? null;
  } catch (error) {
    if (!error.code) throw error;
    return error.code;
  }
};
const seen = {}, differences = [];
for (let i = 0; i < Number(count); i++) {
  const call = pick(Object.keys(calls));
  args = [];
  const [ours, real] = calls[call]().map((action) => JSON.stringify(result(call, action)));
  seen[call] = (seen[call] ?? 0) + (/^"E/.test(real) ? 0 : 1);
  if (ours !== real) differences.push({ number: i, call, args, ours, real });
  if (differences.length > 5) break;
}
console.log(JSON.stringify({ differences, seen }));
