/** What a request is refused with. @module */
import { DatabaseError } from "../../data/speakers/database.ts";
import { ModelMismatch, RecordingTaken } from "../../data/speakers/speaker_store.ts";
import { UnreadableRecording } from "../../data/audio/mod.ts";
import { UnusableWave } from "../../train/verification/embedder.ts";
import { UnknownSpeaker } from "../../train/verification/speaker_service.ts";

/** An answer other than success: for the client's eyes, so that it says nothing about the machine. */
export class ApiError extends Error {
  override name = "ApiError";
  readonly status: number;
  /** For programs, such as "too_large". */
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/** The server has no room at the moment. */
export function overloaded(what: string): ApiError {
  return new ApiError(503, "overloaded", `Cannot take the request: ${what}; try again in a second`, {
    "retry-after": "1",
  });
}

/** The answer that an error means; null where it is a fault of ours, of which a client is told nothing. */
export function apiErrorOf(error: unknown): ApiError | null {
  if (error instanceof ApiError) return error;
  if (error instanceof UnusableWave) {
    return new ApiError(422, `recording_${error.reason.replace(" ", "_")}`, error.message);
  }
  if (error instanceof UnreadableRecording) return unreadable(error);
  if (error instanceof UnknownSpeaker) return new ApiError(404, "unknown_speaker", error.message);
  if (error instanceof RecordingTaken) return new ApiError(409, "recording_taken", error.message);
  if (error instanceof ModelMismatch) { // its message has paths
    return new ApiError(409, "model_mismatch", "Cannot use the database: its voices were enrolled with another model");
  }
  return error instanceof DatabaseError ? databaseError(error) : null;
}

function unreadable({ kind, message }: UnreadableRecording): ApiError | null {
  if (kind === "no decoder") return null;
  return kind === "too long"
    ? new ApiError(413, "recording_too_long", message.replace(/; raise \w+$/, ""))
    : new ApiError(422, "not_a_recording", message);
}

function databaseError({ problem }: DatabaseError): ApiError | null {
  if (problem === "full") {
    return new ApiError(507, "storage_full", "Cannot change the database: it is full, or its disk");
  }
  return problem === "busy" ? overloaded("another program is at work on the database") : null;
}
