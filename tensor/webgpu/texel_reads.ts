/**
 * Reading storage as textures, for software adapters. llvmpipe reads a storage buffer in a loop over lanes, with a branch and a trip through
 * memory for each number; a texel of four numbers comes to all eight lanes without either. Products of matrices, which mostly wait for
 * loads, are several times as fast so. A kernel's read-only arrays are copied into textures, which is a plain copy of memory, and
 * `a[i]` in its source becomes a `textureLoad` (of a storage texture: a sampled one has levels of detail, which llvmpipe works out for
 * every lane). The kernels do not know: they are written for buffers, which is what real GPUs want, and tests run them both ways.
 * @module
 */

/** Formats of the textures that stand for arrays. */
export type TexelFormat = "rgba32float" | "r32float" | "r32sint" | "r32uint";

/** A binding that is read as a texture. */
export interface TexelRead {
  /** Index of the binding. */
  readonly binding: number;
  readonly format: TexelFormat;
}

/** A kernel's source with read-only arrays as textures, and which bindings they are. */
export interface TexelSource {
  readonly source: string;
  readonly reads: readonly TexelRead[];
}

/** Bytes of a row of texels: as WebGPU wants it for copies, a multiple of 256, and high enough for 128 MB in 8,192 rows. */
export const ROW_BYTES = 1 << 14;

/** What WGSL calls an array's elements, and what they are as a texture. */
const formats: Readonly<Record<string, { format: TexelFormat; bytes: number; part: string }>> = {
  "vec4<f32>": { format: "rgba32float", bytes: 16, part: "" },
  f32: { format: "r32float", bytes: 4, part: ".x" },
  i32: { format: "r32sint", bytes: 4, part: ".x" },
  u32: { format: "r32uint", bytes: 4, part: ".x" },
};

const DECLARATION = /@group\(0\) @binding\((\d+)\) var<storage, read> (\w+): array<([\w<>]+)>;/g;

const WRITTEN = /@group\(0\) @binding\((\d+)\) var<storage, read_write> (\w+): array<vec4<f32>>;/g;

/** Bindings that a kernel reads only, or writes only, as arrays of vec4: what lies there can as well be a texture all along. */
export function textureBindings(source: string): { reads: number[]; writes: number[] } {
  const reads = Array.from(source.matchAll(DECLARATION)).filter(([, , , type]) => type === "vec4<f32>");
  const writes = Array.from(source.matchAll(WRITTEN)).filter(([, , name]) =>
    usesOf(source, name).every(({ after }) => /^\s*=[^=]/.test(source.slice(after)))
  );
  return { reads: reads.map(([, binding]) => Number(binding)), writes: writes.map(([, binding]) => Number(binding)) };
}

/** Rewrites arrays of vec4 that a kernel only writes as textures. */
export function withTexelStores(source: string, wanted: (binding: number) => boolean): string {
  const columns = ROW_BYTES / texelBytes("rgba32float");
  const names: string[] = [];
  const declared = source.replace(WRITTEN, (text, binding: string, name: string) => {
    if (!wanted(Number(binding))) return text;
    names.push(name);
    return `@group(0) @binding(${binding}) var ${name}_texels: texture_storage_2d<rgba32float, write>;
fn ${name}_put(i: u32, value: vec4<f32>) {
  textureStore(${name}_texels, vec2<u32>(i & ${columns - 1}u, i >> ${Math.log2(columns)}u), value);
}`;
  });
  return names.reduce((text, name) => {
    let out = "", from = 0;
    for (const { start, open, after } of usesOf(text, name)) {
      const equals = text.indexOf("=", after), end = text.indexOf(";", equals);
      out += `${text.slice(from, start)}${name}_put(u32(${text.slice(open, after - 1)}),${
        text.slice(equals + 1, end)
      })`;
      from = end;
    }
    return out + text.slice(from);
  }, declared);
}

/** Every `name[index]`: where it starts, where its index does, and what is after the bracket. */
function usesOf(source: string, name: string): { start: number; open: number; after: number }[] {
  return Array.from(source.matchAll(new RegExp(`(?<![\\w.])${name}\\[`, "g")), ({ index, 0: { length } }) => {
    const open = index + length;
    return { start: index, open, after: closingBracket(source, open) + 1 };
  });
}

/** Bindings that a kernel writes. */
export function writesOf(source: string): number[] {
  return Array.from(source.matchAll(/@binding\((\d+)\) var<storage, read_write>/g), ([, binding]) => Number(binding));
}

/** Bytes of a texel. */
export function texelBytes(format: TexelFormat): number {
  return format === "rgba32float" ? 16 : 4;
}

/** Rewrites those read-only arrays of a kernel for which `wanted` says so. */
export function withTexelReads(source: string, wanted: (binding: number) => boolean): TexelSource {
  const reads: TexelRead[] = [];
  const names: string[] = [];
  const declared = source.replace(DECLARATION, (text, binding: string, name: string, type: string) => {
    if (!Object.hasOwn(formats, type) || !wanted(Number(binding))) return text;
    const { format, bytes, part } = formats[type];
    const columns = ROW_BYTES / bytes;
    reads.push({ binding: Number(binding), format });
    names.push(name);
    return `@group(0) @binding(${binding}) var ${name}_texels: texture_storage_2d<${format}, read>;
fn ${name}_at(i: u32) -> ${type} {
  return textureLoad(${name}_texels, vec2<u32>(i & ${columns - 1}u, i >> ${Math.log2(columns)}u))${part};
}`;
  });
  return { source: names.reduce(readThroughFunction, declared), reads };
}

/** Turns every `name[index]` into `name_at(u32(index))`. */
function readThroughFunction(source: string, name: string): string {
  const use = new RegExp(`(?<![\\w.])${name}\\[`, "g");
  let out = "", from = 0;
  for (let found = use.exec(source); found !== null; found = use.exec(source)) {
    const start = found.index + found[0].length, end = closingBracket(source, start);
    // an index may itself read the same array
    const index = readThroughFunction(source.slice(start, end), name);
    out += `${source.slice(from, found.index)}${name}_at(u32(${index}))`;
    from = use.lastIndex = end + 1;
  }
  return out + source.slice(from);
}

/** Place of the bracket that closes the one before `start`. */
function closingBracket(source: string, start: number): number {
  for (let at = start, open = 1; at < source.length; at++) {
    if (source[at] === "[") open++;
    else if (source[at] === "]" && --open === 0) return at;
  }
  throw new Error("internal: a bracket in a kernel's source is not closed");
}
