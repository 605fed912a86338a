// Read an archive of tar, in the form ustar, with only files.

const BLOCK = 512;

// Yield the name and the bytes of each file.
export function* entries(archive) {
  const decoder = new TextDecoder();
  const field = (at, length) => {
    const bytes = archive.subarray(at, at + length), end = bytes.indexOf(0);
    return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
  };
  for (let at = 0; archive[at]; ) {
    const prefix = field(at + 345, 155), size = parseInt(field(at + 124, 12), 8);
    const name = (prefix && `${prefix}/`) + field(at, 100);
    at += BLOCK;
    yield { name, bytes: archive.subarray(at, at + size) };
    at += Math.ceil(size / BLOCK) * BLOCK;
  }
}
