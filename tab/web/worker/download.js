// Fetch the program and compile it while it arrives.

/**
 * Return the compiled program; `report(loaded, total)` gets bytes, with 0 for an unknown total, and
 * no values when all is compiled. Fail with the HTTP status of a response that is no program.
 *
 * @param {string} address of a .wasm.gz
 * @param {(loaded?: number, total?: number) => void} report
 * @returns {Promise<WebAssembly.Module>}
 */
export const download = async (address, report) => {
  const response = await fetch(address);
  if (!response.ok || !response.body) {
    throw new Error(`${response.status} ${response.statusText}`.trim());
  }
  // With Content-Encoding, the browser has decompressed the file, whose length is another.
  const isPlain = response.headers.has("Content-Encoding");
  const total = isPlain ? 0 : Number(response.headers.get("Content-Length"));
  let loaded = 0;
  const counted = response.body.pipeThrough(new TransformStream({
    transform(chunk, controller) {
      report(loaded += chunk.length, total);
      controller.enqueue(chunk);
    },
  }));
  const bytes = isPlain ? counted : counted.pipeThrough(new DecompressionStream("gzip"));
  const headers = { "Content-Type": "application/wasm" };
  const module = await WebAssembly.compileStreaming(new Response(bytes, { headers }));
  report();
  return module;
};
