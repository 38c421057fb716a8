/// <reference lib="dom" />
/** Recording from the microphone: raw samples, nothing compressed, no filter of the browser's. @module */
import { joinParts } from "../../../data/audio/recording.ts";

/** A recording under way. */
export interface Take {
  /** Samples a second. */
  readonly sampleRate: number;
  /** Ends it: all samples so far. The microphone is off afterwards. */
  stop(): Promise<Float32Array>;
}

/**
 * Starts recording; the browser asks its user first.
 *
 * @param onSamples is told of samples as they come
 * @throws Error in plain words, where there is no microphone or it may not be used.
 */
export async function record(onSamples: (samples: Float32Array) => void): Promise<Take> {
  if (!globalThis.isSecureContext || navigator.mediaDevices === undefined) {
    throw new Error(
      "The browser gives the microphone only to pages from https:// or from this machine; choose a file instead",
    );
  }
  const stream = await openMicrophone();
  const context = new AudioContext();
  const parts: Float32Array[] = [];
  try {
    await context.audioWorklet.addModule(new URL("./microphone_worklet.ts", import.meta.url).href);
    const mono = { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" } as const;
    const node = new AudioWorkletNode(context, "microphone", mono);
    node.port.onmessage = ({ data }: MessageEvent<Float32Array>) => {
      parts.push(data);
      onSamples(data);
    };
    context.createMediaStreamSource(stream).connect(node);
  } catch (error) {
    await close(stream, context);
    throw error;
  }
  return {
    sampleRate: context.sampleRate,
    async stop() {
      await close(stream, context);
      return joinParts(parts);
    },
  };
}

async function close(stream: MediaStream, context: AudioContext): Promise<void> {
  for (const track of stream.getTracks()) track.stop();
  await context.close();
}

/** What a call for a loud and clear voice on the other side adds would only change the voice. */
async function openMicrophone(): Promise<MediaStream> {
  const audio = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio });
  } catch (error) {
    throw new Error(whyNot(error instanceof DOMException ? error.name : ""), { cause: error });
  }
}

function whyNot(name: string): string {
  switch (name) {
    case "NotAllowedError":
      return "The browser was not allowed to use the microphone: allow it in the address bar, or choose a file";
    case "NotFoundError":
      return "There is no microphone; choose a file instead";
    case "NotReadableError":
      return "The microphone is in use by another program";
    default:
      return "The microphone cannot be opened; choose a file instead";
  }
}
