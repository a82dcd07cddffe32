import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";

import document from "../../docs/openapi.json" with { type: "json" };

// What the API answers, and what it takes, held against docs/openapi.json.

/** A call and its answer, as they went over the wire. `sent`: the JSON of the body; undefined without one. */
export interface Exchange {
  method: string;
  /** With or without its query. */
  path: string;
  sent?: unknown;
  status: number;
  headers: Headers;
  /** The body of the answer. */
  text: string;
}

type Schema = Record<string, unknown>;
interface Header {
  required?: boolean;
  schema: Schema;
}
interface Answer {
  headers?: Record<string, Header>;
  content?: Record<string, { schema: Schema }>;
}
interface Operation {
  operationId: string;
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, Answer | { $ref: string }>;
}

/** Paths of which the document tells nothing: itself, what providers post to, and the tests' own. */
const UNDOCUMENTED = /^\/(?:openapi\.json$|ingest\/|__test\/)/;
const ANSWERS = document.components.responses as Record<string, Answer>;
/** Of one value so many faults are told. */
const MAX_TOLD = 5;
/** The problem that a path or a method without an operation is answered with. */
const PROBLEM = { $ref: "#/components/schemas/Problem" };

const ajv = new Ajv2020({ strict: false, allErrors: true });
formats(ajv);
ajv.addSchema({ ...document, $id: "api" }, "api", undefined, false);
ajv.addSchema({ ...(closed(document) as Schema), $id: "closed" }, "closed", undefined, false);
const validators = new Map<string, ValidateFunction>();

const paths = Object.entries(document.paths as Record<string, Record<string, Operation>>)
  .map(([template, operations]) => ({ template, operations, regex: regexOf(template) }))
  // One that is spelled out is meant before one with a parameter in its place.
  .toSorted((a, b) => a.template.split("{").length - b.template.split("{").length);

/**
 * What of a call and its answer is not as the document says; empty: all of it is. An answer has a status that its
 * operation names, and the headers and the body that go with it; a body that was taken (2xx) fits its schema.
 */
export function deviations({ method, path, sent, status, headers, text }: Exchange): string[] {
  const { pathname } = new URL(path, "http://paybell.test");
  if (UNDOCUMENTED.test(pathname)) {
    return [];
  }
  const operation = operationOf(method, pathname);
  if (operation === null) {
    const isRefused = status === 404 || status === 405 || status === 503;
    return isRefused ? differing(PROBLEM, JSON.parse(text)) : [`${status} for what the document has no operation for`];
  }
  const named = operation.responses[status];
  const answer = named && "$ref" in named ? ANSWERS[named.$ref.split("/").at(-1)!] : named;
  if (!answer) {
    return [`${operation.operationId} answered ${status}, which the document does not name: ${text}`];
  }
  const schema = Object.values(operation.requestBody?.content ?? {})[0]?.schema;
  const isTaken = status < 300 && schema !== undefined && sent !== undefined;
  return [
    ...(isTaken ? differing(schema, sent).map((one) => `was taken, but ${one}`) : []),
    ...differingHeaders(answer, headers),
    ...differingBody(answer, headers.get("content-type"), text),
  ].map((one) => `${operation.operationId} ${status}: ${one}`);
}

/** Throws where {@link deviations} finds any. */
export function holdToDocument(exchange: Exchange): void {
  const found = deviations(exchange);
  if (found.length > 0) {
    throw new Error(`${exchange.method} ${exchange.path}\n${found.join("\n")}`);
  }
}

/** What of a value a schema of the document refuses. */
export function differing(schema: Schema, value: unknown): string[] {
  const key = JSON.stringify(schema);
  const validate = validators.get(key) ?? ajv.compile(inDocument(schema, "api") as Schema);
  validators.set(key, validate);
  return validate(value) ? [] : (validate.errors ?? []).slice(0, MAX_TOLD).map((error) => told(error, value));
}

function differingHeaders({ headers: declared = {} }: Answer, headers: Headers): string[] {
  return Object.entries(declared).flatMap(([name, { required, schema }]) => {
    const value = headers.get(name);
    if (value === null) {
      return required ? [`without the header ${name}`] : [];
    }
    const isNumber = schema["type"] === "integer" || schema["type"] === "number";
    return differing(schema, isNumber ? Number(value) : value).map((one) => `header ${name}${one}`);
  });
}

function differingBody({ content }: Answer, contentType: string | null, text: string): string[] {
  if (!content) {
    return text === "" ? [] : [`a body where there is none: ${text}`];
  }
  const schema = content[contentType?.split(";")[0] ?? ""]?.schema;
  return schema ? differing(closed(schema) as Schema, JSON.parse(text)) : [`content type ${contentType}`];
}

function operationOf(method: string, pathname: string): Operation | null {
  const found = paths.find(({ regex, operations }) => regex.test(pathname) && method.toLowerCase() in operations);
  return found?.operations[method.toLowerCase()] ?? null;
}

function regexOf(template: string): RegExp {
  return new RegExp(`^${template.replaceAll(".", "\\.").replaceAll(/\{\w+\}/g, "[^/]+")}$`);
}

/** A schema whose references lead into the document. */
function inDocument(schema: unknown, id: string): unknown {
  return mapped(schema, (key, one) => (key === "$ref" && String(one).startsWith("#") ? id + String(one) : undefined));
}

/** A schema by which an object has no other fields than it names: an answer tells nothing that is not documented. */
function closed(schema: unknown): unknown {
  const inner = mapped(schema, (key, one) => {
    // What is extended stays open: the whole is closed.
    if (key === "allOf") return inDocument(one, "api");
    if (key === "properties") return closedEach(one as Schema);
    return key === "$ref" && String(one).startsWith("#") ? `closed${String(one)}` : closed(one);
  });
  const isOpen = isSchema(inner) && ("properties" in inner || "allOf" in inner) && !("additionalProperties" in inner);
  return isOpen ? { ...inner, unevaluatedProperties: false } : inner;
}

function closedEach(properties: Schema): Schema {
  return Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, closed(one)]));
}

/** A value with what stands in for its fields, however deep; undefined: the field as it is, looked into. */
function mapped(value: unknown, change: (key: string, one: unknown) => unknown): unknown {
  if (Array.isArray(value)) {
    return value.map((one) => mapped(one, change));
  }
  return isSchema(value)
    ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, change(key, one) ?? mapped(one, change)]))
    : value;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function told({ instancePath, message, params }: ErrorObject, value: unknown): string {
  const at = instancePath
    .split("/")
    .slice(1)
    .reduce<unknown>((one, key) => (one as Record<string, unknown> | undefined)?.[key], value);
  return `${instancePath} ${message} ${JSON.stringify(params)}: ${JSON.stringify(at)}`;
}
