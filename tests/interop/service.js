// A service instrumented with OpenTelemetry's own SDK, and what it made of the headers it got.
//
// usage: node service.js front GATEWAY ORDERS AT_ONCE   places orders at the shop's gateway, each in a trace of its own, and ends
//        node service.js bank PAYMENT                   hands requests on to the shop's service payment, until SIGTERM
//
// OTEL_PROPAGATORS and OTEL_TRACES_SAMPLER (with its _ARG) are read as the shop's services read them. At the end each span, each
// set of headers and each order is a line of JSON.
"use strict";
const {context, propagation, trace, baggageEntryMetadataFromString} = require("@opentelemetry/api");
const {AsyncLocalStorageContextManager} = require("@opentelemetry/context-async-hooks");
const {CompositePropagator, TraceState, W3CBaggagePropagator, W3CTraceContextPropagator} = require("@opentelemetry/core");
const {B3InjectEncoding, B3Propagator} = require("@opentelemetry/propagator-b3");
const sampling = require("@opentelemetry/sampler-composite");
const {AlwaysOffSampler, AlwaysOnSampler, BasicTracerProvider, InMemorySpanExporter, ParentBasedSampler, SimpleSpanProcessor,
       TraceIdRatioBasedSampler} = require("@opentelemetry/sdk-trace-base");
const {HttpInstrumentation} = require("@opentelemetry/instrumentation-http");

const [role, neighbour, count, atOnce] = process.argv.slice(2);
const PRODUCTS = ["apple", "bread", "cheese", "coffee", "lamp", "teapot"];
const CARRIERS = ["traceparent", "tracestate", "baggage", "b3", "x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "x-b3-flags",
                  "x-b3-parentspanid"];

const said = [];
const say = what => said.push(JSON.stringify(what));
const carried = get => Object.fromEntries(CARRIERS.map(name => [name, get(name)]).filter(([, value]) => value !== undefined));
const baggageOf = c => (propagation.getBaggage(c)?.getAllEntries() ?? [])
    .map(([key, {value, metadata}]) => [key, value, metadata?.toString() ?? null]);

// --- the SDK, as its manual has it --------------------------------------------------------------------------------------

const propagators = {
    tracecontext: () => new W3CTraceContextPropagator(),
    baggage: () => new W3CBaggagePropagator(),
    b3: () => new B3Propagator(),
    b3multi: () => new B3Propagator({injectEncoding: B3InjectEncoding.MULTI_HEADER}),
};

const share = Number(process.env.OTEL_TRACES_SAMPLER_ARG);
const samplers = {
    parentbased_always_on: () => new ParentBasedSampler({root: new AlwaysOnSampler()}),
    parentbased_always_off: () => new ParentBasedSampler({root: new AlwaysOffSampler()}),
    parentbased_traceidratio: () => new ParentBasedSampler({root: new TraceIdRatioBasedSampler(share)}),
    parentbased_probability: () => sampling.createCompositeSampler(
        sampling.createComposableParentThresholdSampler(sampling.createComposableProbabilitySampler(share))),
};

// A vendor's sampler: as another, and with two members of tracestate where a trace begins, one of which no other trace has.
class Vendor {
    constructor(other) { this.other = other; }
    shouldSample(parent, traceId, ...rest) {
        const result = this.other.shouldSample(parent, traceId, ...rest);
        if (trace.getSpanContext(parent)) return result;
        const state = (result.traceState ?? new TraceState()).set("congo", "t61rcWkgMzE").set("rojo@shop", traceId.slice(16));
        return {...result, traceState: state};
    }
    toString() { return `Vendor{${this.other}}`; }
}

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator(
    new CompositePropagator({propagators: process.env.OTEL_PROPAGATORS.split(",").map(name => propagators[name]())}));
const exporter = new InMemorySpanExporter();
const sampler = samplers[process.env.OTEL_TRACES_SAMPLER]();
const provider = new BasicTracerProvider({sampler: role === "front" ? new Vendor(sampler) : sampler,
                                          spanProcessors: [new SimpleSpanProcessor(exporter)]});
trace.setGlobalTracerProvider(provider);
new HttpInstrumentation({requestHook: (span, request) => {
    const {traceId, spanId} = span.spanContext();
    if (request.getHeader) say({sent: carried(name => request.getHeader(name)), traceId, spanId});
}}).setTracerProvider(provider);

// Only from here on is it instrumented.
const http = require("http");
const agent = new http.Agent({keepAlive: true});

function ask(method, url, body, headers = {}) {
    return new Promise((resolve, reject) => {
        const options = {method, agent, headers: {...headers, "Content-Length": Buffer.byteLength(body)}};
        const request = http.request(url, options, answer => {
            const parts = [];
            answer.on("data", part => parts.push(part));
            answer.on("end", () => resolve({status: answer.statusCode, body: Buffer.concat(parts).toString()}));
        });
        request.on("error", reject);
        request.end(body);
    });
}

function end() {
    for (const s of exporter.getFinishedSpans()) {
        const {traceId, spanId, traceFlags, traceState} = s.spanContext();
        const parent = s.parentSpanContext;
        say({span: {traceId, spanId, parentSpanId: parent?.spanId ?? "", remote: parent?.isRemote ?? false, flags: traceFlags,
                    name: s.name, kind: s.kind + 1, traceState: traceState?.serialize() ?? ""}});
    }
    process.stdout.write(said.join("\n") + "\nthat is all\n", () => process.exit(0));
}

// --- in front of the shop -----------------------------------------------------------------------------------------------

async function order(n) {
    const baggage = propagation.createBaggage({
        customer: {value: String(n)},
        "the name": {value: "Zo\u00eb \u{1f600}, 100% \"a=b;c\\d\""},
        tenant: {value: "a+b", metadata: baggageEntryMetadataFromString("private;ttl=3")},
    });
    await context.with(propagation.setBaggage(context.active(), baggage), () =>
        trace.getTracer("front").startActiveSpan("order", async span => {
            const {traceId, traceFlags} = span.spanContext();
            const basket = await ask("POST", `${neighbour}/basket/${PRODUCTS[n % PRODUCTS.length]}?customer=${n}`, "");
            const paid = await ask("POST", `${neighbour}/checkout`, `customer=${n}&method=cash`);
            span.end();
            say({order: n, traceId, sampled: (traceFlags & 1) === 1, statuses: [basket.status, paid.status],
                 baggage: baggageOf(context.active())});
        }));
}

async function front() {
    let next = 0;
    const customer = async () => {
        while (next < Number(count)) await order(next++);
    };
    await Promise.all(Array.from({length: Number(atOnce)}, customer));
    end();
}

// --- between the shop's services ----------------------------------------------------------------------------------------

function bank() {
    const server = http.createServer((request, response) => {
        const {traceId, spanId, traceFlags} = trace.getSpan(context.active()).spanContext();
        say({received: carried(name => request.headers[name]), traceId, spanId, flags: traceFlags,
             baggage: baggageOf(context.active())});
        const parts = [];
        request.on("data", part => parts.push(part));
        request.on("end", async () => {
            const answer = await ask(request.method, neighbour + request.url, Buffer.concat(parts),
                                     {"Content-Type": request.headers["content-type"]});
            response.writeHead(answer.status, {"Content-Type": "text/plain"});
            response.end(answer.body);
        });
    });
    server.listen(0, "127.0.0.1", () => console.log(`node-bank: http://127.0.0.1:${server.address().port}`));
    process.on("SIGTERM", end);
}

({front, bank})[role]();
