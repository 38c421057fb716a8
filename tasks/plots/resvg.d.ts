/** What is used of npm's @resvg/resvg-wasm 2. */

export function initWasm(module: BufferSource): Promise<void>;

export class Resvg {
  constructor(svg: string, options: {
    background?: string;
    fitTo?: { mode: "zoom"; value: number };
    font: { fontBuffers: readonly Uint8Array[]; defaultFontFamily: string; sansSerifFamily: string };
  });
  render(): { asPng(): Uint8Array<ArrayBuffer>; readonly width: number; readonly height: number; free(): void };
  free(): void;
}
