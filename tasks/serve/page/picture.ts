/// <reference lib="dom" />
/** The two pictures of a recording: its waveform, and the features that a model sees. @module */
import type { FeatureFrames } from "../../../data/features/mod.ts";

/** Colours from silence to loud, each red, green, blue. */
const ramps: Readonly<Record<string, readonly (readonly [number, number, number])[]>> = {
  light: [[240, 243, 241], [188, 224, 214], [86, 176, 158], [11, 107, 93], [4, 38, 33]],
  dark: [[16, 22, 21], [16, 66, 58], [31, 143, 122], [216, 211, 106], [255, 248, 220]],
};

/** A canvas as large as it is shown, cleared, measured in CSS pixels. */
function prepared(canvas: HTMLCanvasElement): { context: CanvasRenderingContext2D; width: number; height: number } {
  const { clientWidth: width, clientHeight: height } = canvas;
  const scale = devicePixelRatio;
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d")!;
  context.scale(scale, scale);
  return { context, width, height };
}

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name);
}

/**
 * Draws a waveform over the whole width: for each pixel the range of its samples.
 *
 * @param samples may be empty: then there is a line of silence
 */
export function drawWaveform(canvas: HTMLCanvasElement, samples: Float32Array): void {
  const { context, width, height } = prepared(canvas);
  const middle = height / 2, peak = samples.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const reach = (middle - 3) / Math.max(peak, 0.05); // hardly any sound does not fill the picture
  context.fillStyle = colour("--line");
  context.fillRect(0, middle - 0.5, width, 1);
  context.fillStyle = colour("--accent");
  for (let x = 0; samples.length > 0 && x < width; x++) {
    const from = Math.floor(x * samples.length / width);
    const to = Math.max(from + 1, Math.floor((x + 1) * samples.length / width));
    let low = Infinity, high = -Infinity;
    for (let i = from; i < to; i++) {
      low = Math.min(low, samples[i]);
      high = Math.max(high, samples[i]);
    }
    context.fillRect(x, middle - high * reach - 0.5, 1, (high - low) * reach + 1);
  }
}

/** Draws features with time to the right and the channel upwards; the hundredth that is quietest and loudest is cut off. */
export function drawFeatures(canvas: HTMLCanvasElement, features: FeatureFrames | null): void {
  const { context, width, height } = prepared(canvas);
  if (features === null || features.frames === 0) return;
  const picture = new OffscreenCanvas(features.frames, features.channels);
  picture.getContext("2d")!.putImageData(pixels(features), 0, 0);
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, width, height);
}

function pixels({ data, frames, channels }: FeatureFrames): ImageData {
  const [low, high] = range(data);
  const image = new ImageData(frames, channels);
  const ramp = ramps[document.documentElement.dataset.theme ?? "light"];
  for (let t = 0; t < frames; t++) {
    for (let c = 0; c < channels; c++) {
      const share = (data[t * channels + c] - low) / (high - low);
      const at = 4 * ((channels - 1 - c) * frames + t);
      image.data.set(mixed(ramp, Math.max(0, Math.min(1, share))), at);
    }
  }
  return image;
}

/** Values between which nearly all lie, found from some thousand of them. */
function range(data: Float32Array): [low: number, high: number] {
  const step = Math.max(1, Math.floor(data.length / 8192));
  const some = Float32Array.from({ length: Math.floor(data.length / step) }, (_, i) => data[i * step]).sort();
  const [low, high] = [0.02, 0.995].map((share) => some[Math.floor(share * (some.length - 1))]);
  return [low, high > low ? high : low + 1];
}

function mixed(ramp: readonly (readonly number[])[], share: number): number[] {
  const place = share * (ramp.length - 1), i = Math.min(Math.floor(place), ramp.length - 2), part = place - i;
  return [0, 1, 2].map((k) => ramp[i][k] + part * (ramp[i + 1][k] - ramp[i][k])).concat(255);
}
