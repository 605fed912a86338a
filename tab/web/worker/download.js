// Fetch files, and count what has arrived of all of them.

/**
 * Return a function that fetches a file, decompressed if its name ends with .gz, as a Response of a
 * media type. It fails with the file's name and the HTTP status of a response that is no file.
 * `report(loaded, total)` gets the bytes of all files that have been asked for; the total is 0
 * until it is known for `count` files, and where the server does not tell it.
 *
 * @param {number} count
 * @param {(loaded: number, total: number) => void} report
 */
export const newDownload = (count, report) => {
  let begun = 0, loaded = 0, total = 0;
  return async (/** @type {string} */ address, /** @type {string} */ type) => {
    const name = address.slice(address.lastIndexOf("/") + 1);
    const response = await fetch(address);
    if (!response.ok || !response.body) {
      throw new Error(`${name}: ${response.status} ${response.statusText}`.trim());
    }
    // With Content-Encoding, the browser has decompressed the file, whose length is another.
    const isPlain = response.headers.has("Content-Encoding");
    total += isPlain ? NaN : Number(response.headers.get("Content-Length") ?? NaN);
    begun += 1;
    const counted = response.body.pipeThrough(new TransformStream({
      transform(chunk, controller) {
        loaded += chunk.length;
        report(loaded, begun === count && total || 0);
        controller.enqueue(chunk);
      },
    }));
    const isPacked = name.endsWith(".gz") && !isPlain;
    const bytes = isPacked ? counted.pipeThrough(new DecompressionStream("gzip")) : counted;
    return new Response(bytes, { headers: { "Content-Type": type } });
  };
};

/**
 * Return the compiled program of a download, which is compiled while it arrives.
 *
 * @param {(address: string, type: string) => Promise<Response>} download
 * @param {string} address of a .wasm.gz
 */
export const compile = (download, address) =>
  WebAssembly.compileStreaming(download(address, "application/wasm"));
