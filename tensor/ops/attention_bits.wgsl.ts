/**
 * Masks and dropout of attention as bits, 32 keys a word, written before the fused kernels: those test a bit where they would
 * load a mask element or run Philox for every weight, and backward tests it in two kernels.
 * @module
 */
import type { Dispatch } from "../device/kernel.ts";
import { PHILOX_WGSL } from "../expr/philox.wgsl.ts";
import type { AttentionArgs } from "./attention_kernel.ts";
import { foldGrid, uniformLets, uniformWords } from "./wgsl.ts";

/** Names of the words a fused kernel adds to its uniform to find its bits. */
export const BIT_NAMES = ["maskWordBatch", "maskWordHead", "maskWordQuery", "keepWord0", "rowWords"];

/** The dispatches that write the bits, their bytes, and the uniform's words in the order of {@linkcode BIT_NAMES}. */
export interface AttentionBits {
  readonly dispatches: readonly Dispatch[];
  readonly bytes: number;
  readonly words: readonly number[];
}

/** Plans the bits of `args` into binding `bits`, from the bindings of mask and random state. */
export function attentionBits(
  args: AttentionArgs,
  { mask, state, bits }: { mask: number; state: number; bits: number },
): AttentionBits {
  const rowWords = Math.ceil(args.keys / 32);
  const dispatches: Dispatch[] = [];
  let strides = [0, 0, 0];
  let keepWord0 = 0;
  if (args.mask) {
    const sizes = [args.batch, args.heads, args.queries].map((size, i) => args.mask?.strides[i] === 0 ? 1 : size);
    const [, heads, queries] = sizes;
    strides = [heads * queries, queries, 1].map((rows, i) => sizes[i] === 1 ? 0 : rows * rowWords);
    keepWord0 = sizes[0] * heads * queries * rowWords;
    dispatches.push(maskDispatch(args, { sizes, rowWords, bindings: [mask, bits] }));
  }
  const rows = args.batch * args.heads * args.queries;
  if (args.dropout) dispatches.push(keepDispatch(args, { rows, rowWords, keepWord0, bindings: [state, bits] }));
  return {
    dispatches,
    bytes: (keepWord0 + (args.dropout ? rows * rowWords : 0)) * 4,
    words: [...strides, keepWord0, rowWords],
  };
}

function maskDispatch(
  { mask, keys }: AttentionArgs,
  { sizes, rowWords, bindings }: { sizes: readonly number[]; rowWords: number; bindings: readonly number[] },
): Dispatch {
  const count = sizes[0] * sizes[1] * sizes[2] * rowWords;
  return {
    label: `attention mask bits ${sizes.join("x")}x${keys}`,
    source: MASK_SOURCE,
    bindings,
    uniform: uniformWords([count, rowWords, sizes[1], sizes[2], keys, mask?.offset ?? 0, ...(mask?.strides ?? [])]),
    grid: foldGrid(Math.ceil(count / 64)),
  };
}

const MASK_SOURCE = `
@group(0) @binding(0) var<storage, read> mask: array<i32>;
@group(0) @binding(1) var<storage, read_write> bits: array<u32>;
@group(0) @binding(2) var<uniform> P: array<vec4<u32>, 3>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>) {
${uniformLets("count rowWords heads queries keys mask0 maskBatch maskHead maskQuery maskKey".split(" "))}
  let index = id.y * grid.x * 64u + id.x;
  if (index >= count) { return; }
  let first = (index % rowWords) * 32u;
  let row = index / rowWords;
  let i = row % queries;
  let z = row / queries;
  let at = mask0 + (z / heads) * maskBatch + (z % heads) * maskHead + i * maskQuery + first * maskKey;
  var word = 0u;
  for (var j = 0u; j < min(32u, keys - first); j++) {
    word |= select(0u, 1u << j, mask[at + j * maskKey] != 0);
  }
  bits[index] = word;
}
`;

function keepDispatch(
  args: AttentionArgs,
  { rows, rowWords, keepWord0, bindings }: {
    rows: number;
    rowWords: number;
    keepWord0: number;
    bindings: readonly number[];
  },
): Dispatch {
  const count = rows * rowWords;
  const threshold = Math.ceil(Math.fround(args.dropout) * 2 ** 24);
  return {
    label: `attention dropout bits ${rows}x${args.keys}`,
    source: KEEP_SOURCE,
    bindings,
    uniform: uniformWords([count, rowWords, Math.ceil(args.keys / 16), keepWord0, args.counter, threshold]),
    grid: foldGrid(Math.ceil(count / 64)),
  };
}

/** Bit j is set where the random number of key j, a multiple of 2^-24, is at least the probability (\`threshold\` of these). */
const KEEP_SOURCE = `
@group(0) @binding(0) var<storage, read> state: array<i32>;
@group(0) @binding(1) var<storage, read_write> bits: array<u32>;
@group(0) @binding(2) var<uniform> P: array<vec4<u32>, 2>;
${PHILOX_WGSL}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>) {
${uniformLets("count rowWords rowBlocks keepWord0 counter threshold".split(" "))}
  let index = id.y * grid.x * 64u + id.x;
  if (index >= count) { return; }
  let key0 = bitcast<u32>(state[0]);
  let key1 = bitcast<u32>(state[1]);
  let c1 = bitcast<u32>(state[2]) + counter;
  let c2 = bitcast<u32>(state[3]);
  let c0 = ((index / rowWords) * rowBlocks + (index % rowWords) * 2u) * 4u;
  var word = 0u;
  for (var t = 0u; t < 8u; t++) {
    let kept = (philox(c0 + t, c1, c2, key0, key1) >> vec4<u32>(8u)) >= vec4<u32>(threshold);
    let four = select(vec4<u32>(0u), vec4<u32>(0x1u, 0x10u, 0x100u, 0x1000u), kept);
    word |= (four.x | four.y | four.z | four.w) << ((t & 3u) + (t >> 2u) * 16u);
  }
  bits[keepWord0 + index] = word;
}
`;
