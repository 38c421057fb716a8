/** The values in a buffer that holds nothing else, so that it can be handed to another thread; a copy only where it has to be one. */
export function ownBuffer(data: Float32Array): Float32Array<ArrayBuffer> {
  const { buffer } = data;
  const owns = buffer instanceof ArrayBuffer && buffer.byteLength === data.byteLength;
  return owns ? data as Float32Array<ArrayBuffer> : new Float32Array(data);
}
