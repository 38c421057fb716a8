/** What tells recordings apart. @module */

/**
 * SHA-256 of a recording's samples at the model's rate, in hex: the same recording is known again in another container, and under
 * another file name.
 */
export function waveDigest(wave: Float32Array): Promise<string> {
  return digest(wave);
}

/** The same of an embedding, where the recording itself is not at hand because it was embedded elsewhere. */
export function embeddingDigest(embedding: Float32Array): Promise<string> {
  return digest(embedding);
}

async function digest(values: Float32Array): Promise<string> {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice();
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
