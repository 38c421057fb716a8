/** The description of the API (OpenAPI 3.1), made from the routes themselves. @module */
import type { Route } from "./router.ts";

/** What a route's part of the description says. */
export interface Operation {
  readonly summary: string;
  /** What comes in: recordings or an embedding, with a name or without. */
  readonly takes?: { readonly name: "needed" | "none"; readonly canReplace?: true };
  /** Statuses of success, and the schema of the answer where it is JSON. */
  readonly gives: Readonly<
    Record<number, { readonly description: string; readonly schema?: SchemaName; readonly type?: string }>
  >;
  /** Statuses of refusals. */
  readonly refuses: readonly number[];
}

const text = { type: "string" }, number = { type: "number" }, count = { type: "integer", minimum: 0 };
const object = (properties: Record<string, unknown>, optional: readonly string[] = []) => ({
  type: "object",
  properties,
  required: Object.keys(properties).filter((key) => !optional.includes(key)),
});

/** Shapes of answers. */
export const schemas = {
  Error: object({ error: object({ code: text, message: text }) }),
  Enrolled: object({ name: text, added: count, repeated: count, recordings: count, seconds: number, model: text }),
  Verdict: object({
    name: text,
    score: number,
    llr: { type: ["number", "null"] },
    threshold: number,
    same: { type: "boolean" },
    model: text,
  }),
  Identification: object({
    best: { type: ["string", "null"], description: "null: nobody who is known" },
    threshold: number,
    ranking: { type: "array", items: object({ name: text, score: number }) },
    model: text,
  }),
  Speakers: object({
    speakers: { type: "array", items: object({ name: text, recordings: count, seconds: number, enrolled: text }) },
  }),
  Model: object({
    ...{ id: text, architecture: text, dim: count, sampleRate: count, featureSettings: { type: "object" } },
    ...{ scoring: text, threshold: number, eer: number, far: number, frr: number, isShared: { type: "boolean" } },
    ...{ oversize: number, maxSharedBytes: number },
    ...{ maxSeconds: number, maxBytes: count },
  }, ["eer", "far", "frr", "oversize", "maxSharedBytes"]),
  Health: object({ status: text }),
} as const;

/** The name of a shape. */
export type SchemaName = keyof typeof schemas;

const refusals: Readonly<Record<number, string>> = {
  400: "The request is malformed, or a name cannot be used",
  401: "A token is needed",
  403: "It comes from another site's page",
  404: "There is no such thing, or nobody of that name",
  408: "The body did not come in time",
  409: "Another model, or a recording that belongs to somebody else",
  413: "The body or the recording is too long",
  415: "The body's type is none that is read",
  422: "The recording cannot be used: no audio, damaged, silent, too short",
  429: "Too many requests",
  503: "The server is busy or stopping; try again",
  507: "The database is full",
};

const reference = (name: SchemaName) => ({ $ref: `#/components/schemas/${name}` });

/** The description of some routes. */
export function describeApi(routes: readonly Route[]): object {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, "{$1}");
    (paths[path] ??= {})[route.method.toLowerCase()] = operationOf(route);
  }
  const about = "Speaker verification: enrols people by their voices, verifies and identifies them.";
  return {
    openapi: "3.1.0",
    info: { title: "voxgrad", version: "1", description: about },
    paths,
    components: { schemas, securitySchemes: { token: { type: "http", scheme: "bearer" } } },
  };
}

function operationOf({ path, operation, isOpen }: Route): object {
  const { summary, takes, gives, refuses } = operation;
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({ name, in: "path", required: true, schema: text }));
  const good = Object.entries(gives).map(([status, { description, schema, type }]) => {
    const content = schema ? { "application/json": { schema: reference(schema) } } : type ? { [type]: {} } : undefined;
    return [status, { description, ...content && { content } }];
  });
  const bad = refuses.map((status) => [status, {
    description: refusals[status],
    content: { "application/json": { schema: reference("Error") } },
  }]);
  return {
    summary,
    parameters: [...inPath, ...takes ? queryOf(takes) : []],
    ...takes && { requestBody: bodyOf(takes) },
    responses: Object.fromEntries([...good, ...bad]),
    ...!isOpen && { security: [{}, { token: [] }] },
  };
}

type Takes = NonNullable<Operation["takes"]>;

/** What may stand beside the recordings. */
function factsOf({ name, canReplace }: Takes): Record<string, object> {
  const replace = { type: "boolean", description: "Forget the person's earlier recordings first" };
  return { ...name === "needed" && { name: text }, ...canReplace && { replace } };
}

function queryOf(takes: Takes): object[] {
  const description = "Where the body is plain audio";
  return Object.entries(factsOf(takes)).map(([name, schema]) => ({ name, in: "query", description, schema }));
}

function bodyOf(takes: Takes): object {
  const audio = { type: "string", contentMediaType: "application/octet-stream" }, facts = factsOf(takes);
  const vector = { embedding: { type: "array", items: number }, model: text, seconds: number };
  return {
    required: true,
    content: {
      "audio/*": { schema: audio },
      "application/octet-stream": { schema: audio },
      "multipart/form-data": { schema: object({ ...facts, audio: { type: "array", items: audio } }, ["replace"]) },
      "application/json": { schema: object({ ...facts, ...vector }, ["replace", "seconds"]) },
    },
  };
}
