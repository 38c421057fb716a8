/**
 * The worker's side of {@linkcode WavePool}.
 */
import { answerJobs } from "../threads/answer_jobs.ts";
import { waveJobs } from "./wave_jobs.ts";

answerJobs(waveJobs, (reply) => reply.kind === "features" ? [reply.data.buffer] : []);
