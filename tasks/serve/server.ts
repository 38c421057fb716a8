/** The server: every request passes here, and every answer. @module */
import type { LoadedModel } from "../../train/model_from_bytes.ts";
import type { Embedder } from "../../train/verification/embedder.ts";
import type { Judge } from "../../train/verification/judge.ts";
import type { SpeakerService } from "../../train/verification/speaker_service.ts";
import { errorAnswer } from "./answers.ts";
import { ApiError, apiErrorOf } from "./api_error.ts";
import { EmbeddingQueue } from "./embedding_queue.ts";
import { defaultLimits, type Limits } from "./limits.ts";
import { type Gauge, Metrics } from "./metrics.ts";
import { clientOf, RateLimiter } from "./rate_limit.ts";
import { Uploads } from "./read_body.ts";
import { Router } from "./router.ts";
import { makeRoutes } from "./routes.ts";
import { checkOrigin, HostCheck, securityHeaders, TokenCheck } from "./security.ts";
import { VoiceReader } from "./voice_input.ts";

/** Files for browsers. */
export interface StaticFiles {
  /** The answer to GET or HEAD of one of them, else null. */
  respond(request: Request): Response | null;
}

/** What to serve, and to whom. */
export interface ServerOptions {
  readonly service: SpeakerService;
  readonly embedder: Embedder;
  readonly loaded: LoadedModel;
  readonly judge: Judge;
  /** The model's file, where clients may have it. */
  readonly weights: Uint8Array<ArrayBuffer> | null;
  /** Bytes of the model's file, where clients might have it if it were smaller; default null. */
  readonly oversize?: number | null;
  readonly statics: StaticFiles | null;
  /** Where to listen. */
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Names by which the server is reached besides its address. */
  readonly names?: readonly string[];
  /** What clients have to know; null where everybody may ask. */
  readonly token: string | null;
  readonly limits?: Partial<Limits>;
  /** Is told of faults of ours. */
  readonly onFault: (error: unknown) => void;
}

/** Milliseconds that requests under way have when the server stops; bodies that are still coming are given up at once. */
const GRACE_MS = 10_000;
/** Milliseconds for the last answers to leave. */
const FLUSH_MS = 500;

/** A server that listens until it is stopped. */
export class SpeakerServer {
  readonly #options: ServerOptions;
  readonly #limits: Limits;
  readonly #queue: EmbeddingQueue;
  readonly #metrics: Metrics;
  readonly #router: Router;
  readonly #hosts: HostCheck;
  readonly #token: TokenCheck | null;
  readonly #rate: RateLimiter;
  readonly #stopping = new AbortController();
  /** Requests without an answer. */
  #underWay = 0;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  /** Starts to listen. */
  constructor(options: ServerOptions) {
    const { service, embedder, loaded, host, names, token } = this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#hosts = new HostCheck(host, names);
    this.#token = token === null ? null : new TokenCheck(token);
    this.#rate = new RateLimiter(this.#limits);
    const uploads = new Uploads(this.#limits, this.#stopping.signal);
    this.#metrics = new Metrics(this.#gauges(uploads));
    this.#queue = new EmbeddingQueue((all) => embedder.embedFeatures(all), {
      capacity: this.#limits.maxQueued,
      onBatch: (size) => this.#metrics.batch(size),
    });
    const reader = new VoiceReader({ embedder, modelId: loaded.id, queue: this.#queue, uploads, limits: this.#limits });
    const isStopping = () => this.#stopping.signal.aborted, { sampleRate } = embedder;
    const parts = { ...options, service, reader, metrics: this.#metrics, limits: this.#limits, sampleRate, isStopping };
    this.#router = new Router(makeRoutes(parts));
    this.#server = Deno.serve(
      { hostname: host, port: options.port, onListen: () => {}, onError: (error) => this.#fault(error) },
      (request, { remoteAddr }) => this.#handle(request, (remoteAddr as Deno.NetAddr).hostname),
    );
  }

  /** The port it listens on. */
  get port(): number {
    return this.#server.addr.port;
  }

  /** Takes no more requests, finishes those under way, and closes. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const closed = new AbortController();
    const closing = this.#server.shutdown().finally(() => closed.abort());
    await Promise.race([closing, this.#answered(closed.signal)]);
    await this.#queue.idle();
  }

  /**
   * Waits until every request has its answer, and a moment for the answers to leave. A client that was refused in the middle of its body
   * may hold its connection open for ever: that is not waited for.
   */
  async #answered(closed: AbortSignal): Promise<void> {
    const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)), end = performance.now() + GRACE_MS;
    while (!closed.aborted && this.#underWay > 0 && performance.now() < end) await sleep(20);
    for (let waited = 0; !closed.aborted && waited < FLUSH_MS; waited += 20) await sleep(20);
  }

  async #handle(request: Request, address: string): Promise<Response> {
    const start = performance.now();
    this.#underWay++;
    const { route, response } = await this.#answer(request, address).finally(() => this.#underWay--);
    for (const [name, value] of Object.entries(securityHeaders)) response.headers.set(name, value);
    // The rest of a body that was given up shall not be waited for.
    if (this.#stopping.signal.aborted || [408, 413].includes(response.status)) {
      response.headers.set("connection", "close");
    }
    this.#metrics.request(route, { status: response.status, seconds: (performance.now() - start) / 1000 });
    return request.method === "HEAD" && response.body !== null ? await headOf(response) : response;
  }

  /** The answer, and the route's pattern for the metrics. */
  async #answer(request: Request, address: string): Promise<{ route: string; response: Response }> {
    let route = "none";
    try {
      this.#hosts.check(request.headers.get("host"));
      const file = this.#options.statics?.respond(request);
      if (file) return { route: "static", response: file };
      const match = this.#router.match(request.method, pathOf(request));
      route = `${match.route.method} ${match.route.path}`;
      if (!match.route.isOpen) {
        this.#rate.count(clientOf(address)); // before the token, so that tokens cannot be tried without end
        this.#token?.check(request.headers.get("authorization"));
      }
      if (match.route.method !== "GET") checkOrigin(request.headers);
      return { route, response: await match.route.answer({ request, params: match.params }) };
    } catch (error) {
      return { route, response: request.signal.aborted ? gone() : this.#refusal(error) };
    }
  }

  #refusal(error: unknown): Response {
    const known = apiErrorOf(error);
    return known === null ? this.#fault(error) : errorAnswer(known);
  }

  /** A fault of ours: the log has it, the client only learns that there was one. */
  #fault(error: unknown): Response {
    this.#options.onFault(error);
    return errorAnswer(
      new ApiError(500, "internal", "Cannot answer: something went wrong in the server; its log says what"),
    );
  }

  #gauges(uploads: Uploads): Gauge[] {
    const { service } = this.#options, total = () => service.speakers().reduce((sum, one) => sum + one.recordings, 0);
    return [
      { name: "voxgrad_queue_length", help: "Recordings that wait for the model.", value: () => this.#queue.length },
      { name: "voxgrad_upload_bytes", help: "Bytes of bodies in memory.", value: () => uploads.held },
      { name: "voxgrad_speakers", help: "People who are enrolled.", value: () => service.speakers().length },
      { name: "voxgrad_recordings", help: "Recordings that are enrolled.", value: total },
      { name: "process_resident_memory_bytes", help: "Memory of the process.", value: () => Deno.memoryUsage().rss },
    ];
  }
}

/** An answer without its body, whose length it tells all the same. */
async function headOf(response: Response): Promise<Response> {
  if (response.headers.has("content-length")) await response.body?.cancel();
  else response.headers.set("content-length", String((await response.arrayBuffer()).byteLength));
  return new Response(null, response);
}

function pathOf(request: Request): string {
  return URL.parse(request.url)?.pathname ?? "";
}

/** For the metrics alone: nobody is there to read it. */
function gone(): Response {
  return new Response(null, { status: 499 });
}
