/// <reference lib="dom" />
/** The engine in a thread of its own, so that the page answers while it computes. @module */
import type { DeviceChoice } from "../../../tensor/mod.ts";
import { Engine, type EngineFacts } from "./engine.ts";
import { messageOf } from "./message.ts";

/** What the page asks. */
export type Question =
  | { readonly id: number; readonly weights: Uint8Array<ArrayBuffer>; readonly device: DeviceChoice }
  | { readonly id: number; readonly samples: Float32Array; readonly sampleRate: number };

/** What it is answered. */
export type Answer =
  | { readonly id: number; readonly facts: EngineFacts; readonly embedding?: Float32Array }
  | { readonly id: number; readonly error: string };

let engine: Engine | null = null;

addEventListener("message", async ({ data }: MessageEvent<Question>) => {
  postMessage(await answer(data));
});

async function answer(question: Question): Promise<Answer> {
  const { id } = question;
  try {
    if ("weights" in question) {
      engine = await Engine.open(question.weights, question.device);
      return { id, facts: engine.facts };
    }
    if (engine === null) throw new Error("internal: the engine is asked before it has a model");
    const embedding = await engine.embed(question.samples, question.sampleRate);
    return { id, facts: engine.facts, embedding };
  } catch (error) {
    return { id, error: messageOf(error) };
  }
}
