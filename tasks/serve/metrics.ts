/** Numbers about the server in Prometheus' text format. @module */

const LATENCY_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const BATCH_BUCKETS = [1, 2, 4, 8, 16];

/** Values sorted into buckets. */
class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;
  #count = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    this.#bounds.forEach((bound, i) => value <= bound && this.#counts[i]++);
    this.#sum += value;
    this.#count++;
  }

  lines(name: string, labels = ""): string[] {
    const comma = labels === "" ? "" : ",", braced = labels === "" ? "" : `{${labels}}`;
    return [
      ...this.#bounds.map((bound, i) => `${name}_bucket{${labels}${comma}le="${bound}"} ${this.#counts[i]}`),
      `${name}_bucket{${labels}${comma}le="+Inf"} ${this.#count}`,
      `${name}_sum${braced} ${this.#sum}`,
      `${name}_count${braced} ${this.#count}`,
    ];
  }
}

/** A number that is looked up when somebody asks. */
export interface Gauge {
  readonly name: string;
  readonly help: string;
  readonly value: () => number;
}

/** What happened since the start. Labels are of our own making (a route's pattern, a status), so that their number is bounded. */
export class Metrics {
  readonly #requests = new Map<string, number>();
  readonly #latencies = new Map<string, Histogram>();
  readonly #batches = new Histogram(BATCH_BUCKETS);
  readonly #gauges: readonly Gauge[];

  constructor(gauges: readonly Gauge[]) {
    this.#gauges = gauges;
  }

  /** A request has been answered. */
  request(route: string, { status, seconds }: { readonly status: number; readonly seconds: number }): void {
    const labels = `route="${route}",status="${status}"`;
    this.#requests.set(labels, (this.#requests.get(labels) ?? 0) + 1);
    const latency = this.#latencies.get(route) ?? new Histogram(LATENCY_BUCKETS);
    this.#latencies.set(route, latency);
    latency.observe(seconds);
  }

  /** Recordings have gone through the model together. */
  batch(size: number): void {
    this.#batches.observe(size);
  }

  /** The text that Prometheus reads. */
  text(): string {
    const about = (name: string, help: string, type: string) => [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
    const lines = [
      ...about("voxgrad_http_requests_total", "Requests by route and status.", "counter"),
      ...[...this.#requests].map(([labels, count]) => `voxgrad_http_requests_total{${labels}} ${count}`),
      ...about("voxgrad_http_request_seconds", "Time from a request's headers to its answer.", "histogram"),
      ...[...this.#latencies].flatMap(([route, h]) => h.lines("voxgrad_http_request_seconds", `route="${route}"`)),
      ...about("voxgrad_batch_recordings", "Recordings that went through the model together.", "histogram"),
      ...this.#batches.lines("voxgrad_batch_recordings"),
      ...this.#gauges.flatMap(({ name, help, value }) => [...about(name, help, "gauge"), `${name} ${value()}`]),
    ];
    return lines.join("\n") + "\n";
  }
}
