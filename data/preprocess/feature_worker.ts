/**
 * The worker's side of {@linkcode FeaturePool}: recordings in, features out.
 */
import { answerJobs } from "../threads/answer_jobs.ts";
import { featureJob } from "./feature_job.ts";

answerJobs(featureJob, (reply) => "data" in reply ? [reply.data.buffer] : []);
