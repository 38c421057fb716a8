/** Matrix products. @module */
import { capture, type Device, rand } from "../../tensor/mod.ts";
import { median } from "./training_step.ts";

/** GFLOP/s of an n × n by n × n product on the current device: median of `runs`. */
export async function benchMatmul(n: number, device: Device, runs = 7): Promise<{ gflops: number; ms: number }> {
  const [a, b] = [rand([n, n]), rand([n, n])];
  const product = capture(() => a.matmul(b));
  product();
  await device.synchronize();
  const repeat = device.type === "cpu"
    ? 1
    : device.description.includes("software")
    ? 1
    : Math.max(1, Math.round(4096 ** 3 / n ** 3 / 8));
  const times: number[] = [];
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    const count = Math.min(repeat, 64);
    for (let k = 0; k < count; k++) product();
    await device.synchronize();
    times.push((performance.now() - start) / count);
  }
  product.dispose();
  const ms = median(times);
  return { ms, gflops: 2 * n ** 3 / ms / 1e6 };
}
