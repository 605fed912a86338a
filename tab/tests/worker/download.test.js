import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { gzipSync } from "node:zlib";
import { compile, newDownload } from "../../web/worker/download.js";

/** WebAssembly that does nothing, in a file that arrives in two parts. */
const WASM = Buffer.from("0061736d01000000", "hex"), PACKED = gzipSync(WASM);
let response;
globalThis.fetch = async () => response;
const parts = (bytes) => new ReadableStream({
  start(controller) {
    controller.enqueue(new Uint8Array(bytes.subarray(0, 5)));
    controller.enqueue(new Uint8Array(bytes.subarray(5)));
    controller.close();
  },
});
const reports = [];
const report = (...values) => reports.push(values);
beforeEach(() => reports.splice(0));

const download = (count = 1) => newDownload(count, report);

test("a packed program is unpacked, and its bytes are reported as they come", async () => {
  response = new Response(parts(PACKED), { headers: { "Content-Length": PACKED.length } });
  assert.ok(await compile(download(), "x.wasm.gz") instanceof WebAssembly.Module);
  assert.deepEqual(reports, [[5, PACKED.length], [PACKED.length, PACKED.length]]);
});

test("a program that the browser has unpacked is of unknown length", async () => {
  const headers = { "Content-Length": PACKED.length, "Content-Encoding": "gzip" };
  response = new Response(parts(WASM), { headers });
  assert.ok(await compile(download(), "x.wasm.gz") instanceof WebAssembly.Module);
  assert.deepEqual(reports, [[5, 0], [WASM.length, 0]]);
});

test("the total is that of all files, when the last of them has begun", async () => {
  const both = download(2);
  for (const name of ["x.wasm.gz", "library.zip"]) {
    response = new Response(parts(PACKED), { headers: { "Content-Length": PACKED.length } });
    const { length } = new Uint8Array(await (await both(name, "application/zip")).arrayBuffer());
    assert.equal(length, name === "library.zip" ? PACKED.length : WASM.length);
  }
  const size = PACKED.length;
  assert.deepEqual(reports, [[5, 0], [size, 0], [size + 5, 2 * size], [2 * size, 2 * size]]);
});

test("a program that is not there, or is cut, is an error", async () => {
  response = new Response("gone", { status: 404, statusText: "Not Found" });
  const message = "x.wasm.gz: 404 Not Found";
  await assert.rejects(compile(download(), "http://127.0.0.1/a/x.wasm.gz"), { message });
  response = new Response(parts(PACKED.subarray(0, 12)));
  await assert.rejects(compile(download(), "x.wasm.gz"));
});
