import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import protobuf from 'protobufjs';
import { until } from '../until.ts';

/** A span as the collector has received it. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the root of a trace. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly isError: boolean;
}

/** A receiver of OTLP over HTTP that decodes everything. */
export interface Collector extends AsyncDisposable {
  readonly url: string;
  readonly spans: CollectedSpan[];
  /** Names of all metrics so far. */
  readonly metrics: Set<string>;
  /** `service.name` of all senders. */
  readonly services: Set<unknown>;
  /** All request bodies so far, as text. */
  readonly bodies: string[];
  readonly headers: Record<string, unknown>[];
  /** Resolves to the first span with this name, once it has arrived. */
  span(name: string): Promise<CollectedSpan>;
}

// The parts of opentelemetry-proto that the tests read.
const { root } = protobuf.parse(`
syntax = "proto3";
message Any { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; } }
message KeyValue { string key = 1; Any value = 2; }
message Resource { repeated KeyValue attributes = 1; }
message Link { bytes trace_id = 1; bytes span_id = 2; }
message Status { string message = 2; int32 code = 3; }
message Span {
  bytes trace_id = 1; bytes span_id = 2; bytes parent_span_id = 4; string name = 5; int32 kind = 6;
  repeated KeyValue attributes = 9; repeated Link links = 13; Status status = 15;
}
message ScopeSpans { repeated Span spans = 2; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
message Traces { repeated ResourceSpans resource_spans = 1; }
message Metric { string name = 1; }
message ScopeMetrics { repeated Metric metrics = 2; }
message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scope_metrics = 2; }
message Metrics { repeated ResourceMetrics resource_metrics = 1; }
`);

type KeyValues = readonly { key: string; value: Record<string, unknown> | null }[];
interface WireSpan {
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
  readonly parentSpanId: Uint8Array;
  readonly name: string;
  readonly attributes: KeyValues;
  readonly links: readonly { traceId: Uint8Array; spanId: Uint8Array }[];
  readonly status: { readonly code: number } | null;
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

const attributesOf = (pairs: KeyValues) =>
  Object.fromEntries(
    pairs.map(({ key, value }) => {
      const [first] = Object.values(value ?? {});
      return [key, typeof first === 'object' ? Number(first) : first];
    }),
  );

const toSpan = ({ traceId, spanId, parentSpanId, name, attributes, links, status }: WireSpan): CollectedSpan => ({
  traceId: hex(traceId),
  spanId: hex(spanId),
  parentSpanId: hex(parentSpanId),
  name,
  attributes: attributesOf(attributes),
  links: links.map((link) => ({ traceId: hex(link.traceId), spanId: hex(link.spanId) })),
  isError: status?.code === 2,
});

export async function startCollector(port = 0): Promise<Collector> {
  const spans: CollectedSpan[] = [];
  const metrics = new Set<string>();
  const services = new Set<unknown>();
  const bodies: string[] = [];
  const headers: Record<string, unknown>[] = [];

  function receive(path: string | undefined, body: Buffer) {
    bodies.push(body.toString('latin1'));
    if (path === '/v1/traces') {
      const { resourceSpans } = root.lookupType('Traces').decode(body) as unknown as {
        resourceSpans: { resource: { attributes: KeyValues }; scopeSpans: { spans: WireSpan[] }[] }[];
      };
      for (const { resource, scopeSpans } of resourceSpans) {
        services.add(attributesOf(resource.attributes)['service.name']);
        spans.push(...scopeSpans.flatMap((scope) => scope.spans.map(toSpan)));
      }
    } else if (path === '/v1/metrics') {
      const { resourceMetrics } = root.lookupType('Metrics').decode(body) as unknown as {
        resourceMetrics: { scopeMetrics: { metrics: { name: string }[] }[] }[];
      };
      for (const { scopeMetrics } of resourceMetrics) {
        for (const { name } of scopeMetrics.flatMap((scope) => scope.metrics)) metrics.add(name);
      }
    } else throw new Error(`The collector has no ${path}.`);
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      headers.push(request.headers);
      receive(request.url, Buffer.concat(chunks));
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    metrics,
    services,
    bodies,
    headers,
    async span(name) {
      const find = () => spans.find((span) => span.name === name);
      await until(() => find() !== undefined);
      return find() as CollectedSpan; // It is there.
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
