/** What the API can do, a route an entry. @module */
import type { LoadedModel } from "../../train/model_from_bytes.ts";
import type { Judge } from "../../train/verification/judge.ts";
import type { SpeakerService } from "../../train/verification/speaker_service.ts";
import { json } from "./answers.ts";
import { ApiError } from "./api_error.ts";
import { type Limits, MAX_SHARED_BYTES } from "./limits.ts";
import type { Metrics } from "./metrics.ts";
import { describeApi } from "./openapi.ts";
import type { Route } from "./router.ts";
import { nameFrom, type VoiceReader } from "./voice_input.ts";

/** What routes work with. */
export interface RouteParts {
  readonly service: SpeakerService;
  readonly reader: VoiceReader;
  readonly loaded: Pick<LoadedModel, "id" | "architecture" | "featureSettings">;
  readonly judge: Judge;
  readonly limits: Limits;
  readonly metrics: Metrics;
  /** The model's file, where it is shared; beyond {@linkcode MAX_SHARED_BYTES} it is not all the same. */
  readonly weights: Uint8Array<ArrayBuffer> | null;
  /** Bytes of the model's file, where it would be shared and is too large; default null. */
  readonly oversize?: number | null;
  readonly sampleRate: number;
  readonly isStopping: () => boolean;
}

/** Refusals that every request may meet. */
const always = [400, 401, 429] as const;
const refusesVoices = [...always, 403, 408, 409, 413, 415, 422, 503];

/** All routes; the last describes the others. */
export function makeRoutes(given: RouteParts): Route[] {
  const { weights, oversize } = given, isTooLarge = weights !== null && weights.length > MAX_SHARED_BYTES;
  const parts = isTooLarge ? { ...given, weights: null, oversize: oversize ?? weights.length } : given;
  const voices = [enrollRoute, verifyRoute, identifyRoute], people = [listRoute, forgetRoute];
  const rest = [modelRoute, weightsRoute, healthRoute, metricsRoute];
  const routes = [...voices, ...people, ...rest].map((make) => make(parts));
  const description: Route = {
    method: "GET",
    path: "/openapi.json",
    isOpen: true,
    operation: {
      summary: "This description",
      gives: { 200: { description: "OpenAPI 3.1", type: "application/json" } },
      refuses: [],
    },
    answer: () => json(describeApi([...routes, description])),
  };
  return [...routes, description];
}

function enrollRoute({ service, reader }: RouteParts): Route {
  return {
    method: "POST",
    path: "/api/enroll",
    isOpen: false,
    operation: {
      summary: "Add recordings to a person, who is new or known",
      takes: { name: "needed", canReplace: true },
      gives: {
        200: { description: "All of them were enrolled already", schema: "Enrolled" },
        201: { description: "Enrolled", schema: "Enrolled" },
      },
      refuses: [...refusesVoices, 507],
    },
    answer: async ({ request }) => {
      const { name, voices, replace } = await reader.read(request, "name");
      const enrolled = service.enroll(name, voices, { replace });
      return json({ ...enrolled, model: service.model.id }, { status: enrolled.added > 0 ? 201 : 200 });
    },
  };
}

function verifyRoute({ service, reader }: RouteParts): Route {
  return {
    method: "POST",
    path: "/api/verify",
    isOpen: false,
    operation: {
      summary: "Whether recordings are of the person who is named",
      takes: { name: "needed" },
      gives: { 200: { description: "The verdict", schema: "Verdict" } },
      refuses: [...refusesVoices, 404],
    },
    answer: async ({ request }) => {
      const { name, voices } = await reader.read(request, "name");
      const verdict = service.verify(name, voices);
      return json({ ...verdict, model: service.model.id });
    },
  };
}

/** People of an identification's ranking, at most. */
const MOST_RANKED = 100;

function identifyRoute({ service, reader }: RouteParts): Route {
  return {
    method: "POST",
    path: "/api/identify",
    isOpen: false,
    operation: {
      summary: "Who recordings are of; all of one person",
      takes: { name: "none" },
      gives: { 200: { description: `The ${MOST_RANKED} likeliest, in order`, schema: "Identification" } },
      refuses: refusesVoices,
    },
    answer: async ({ request }) => {
      const { voices } = await reader.read(request, "no name");
      const { ranking, ...found } = service.identify(voices);
      return json({ ...found, ranking: ranking.slice(0, MOST_RANKED), model: service.model.id });
    },
  };
}

function listRoute({ service }: RouteParts): Route {
  return {
    method: "GET",
    path: "/api/speakers",
    isOpen: false,
    operation: {
      summary: "Who is enrolled",
      gives: { 200: { description: "Everybody, by name", schema: "Speakers" } },
      refuses: always,
    },
    answer: () => json({ speakers: service.speakers() }),
  };
}

function forgetRoute({ service }: RouteParts): Route {
  return {
    method: "DELETE",
    path: "/api/speakers/:name",
    isOpen: false,
    operation: {
      summary: "Forget a person completely",
      gives: { 204: { description: "Forgotten" } },
      refuses: [...always, 403, 404, 503, 507],
    },
    answer: ({ params }) => {
      if (service.forget(nameFrom(params.name)) > 0) return new Response(null, { status: 204 });
      throw new ApiError(404, "unknown_speaker", "Cannot forget: nobody of that name is enrolled");
    },
  };
}

function modelRoute({ service, loaded, judge, weights, oversize = null, limits, sampleRate }: RouteParts): Route {
  const { id, architecture, featureSettings } = loaded, { scoring, threshold, calibration } = judge;
  const measured = calibration && { eer: calibration.eer, far: calibration.far, frr: calibration.frr };
  const facts = {
    ...{ id, architecture, dim: service.model.dim, sampleRate, featureSettings, scoring, threshold, ...measured },
    ...oversize !== null && { oversize, maxSharedBytes: MAX_SHARED_BYTES },
    ...{ isShared: weights !== null, maxSeconds: limits.maxSeconds, maxBytes: limits.maxBytes },
  };
  return {
    method: "GET",
    path: "/api/model",
    isOpen: false,
    operation: {
      summary: "The model, how it judges, and how long recordings may be",
      gives: { 200: { description: "The model", schema: "Model" } },
      refuses: always,
    },
    answer: () => json(facts),
  };
}

function weightsRoute({ loaded: { id }, weights }: RouteParts): Route {
  return {
    method: "GET",
    path: "/api/model/weights",
    isOpen: false,
    operation: {
      summary: "The model's file, for embedding in a browser",
      gives: { 200: { description: "A safetensors file", type: "application/octet-stream" } },
      refuses: [...always, 404],
    },
    answer: ({ request }) => {
      if (weights === null) throw new ApiError(404, "not_shared", "Cannot answer: the model is not shared");
      const headers = {
        etag: `"${id}"`,
        "cache-control": "private, no-cache",
        "content-type": "application/octet-stream",
      };
      const isKnown = request.headers.get("if-none-match") === headers.etag;
      if (isKnown) return new Response(null, { status: 304, headers });
      return new Response(weights, { headers: { ...headers, "content-length": String(weights.length) } });
    },
  };
}

function healthRoute({ isStopping, service }: RouteParts): Route {
  return {
    method: "GET",
    path: "/healthz",
    isOpen: true,
    operation: {
      summary: "Whether the server works",
      gives: { 200: { description: "It does", schema: "Health" } },
      refuses: [503],
    },
    answer: () => {
      if (isStopping()) throw new ApiError(503, "stopping", "Cannot take requests: the server is stopping");
      service.speakers(); // which reads the database
      return json({ status: "ok" });
    },
  };
}

function metricsRoute({ metrics }: RouteParts): Route {
  return {
    method: "GET",
    path: "/metrics",
    isOpen: false,
    operation: {
      summary: "Numbers for Prometheus",
      gives: { 200: { description: "Prometheus' text format", type: "text/plain" } },
      refuses: always,
    },
    answer: () => {
      const headers = { "content-type": "text/plain; version=0.0.4; charset=utf-8", "cache-control": "no-store" };
      return new Response(metrics.text(), { headers });
    },
  };
}
