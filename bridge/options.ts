import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";

import { signWebhook } from "../src/channels/webhook.ts";
import { MessageMap } from "./map.ts";
import type { Target } from "./post.ts";

export const USAGE = `PAYBELL_SECRET=whsec_… npm run bridge -- --amqp amqp://… --queue QUEUE --source src_… --map map.json
  --url URL            where Paybell is; http://localhost:8787 by default
  --dead-letter QUEUE  where messages go that become no event; QUEUE.dead by default
  --prefetch N         how many messages are in hand at once, 1 to 10000; 100 by default
  --dedupe content     a message without an id has its content as its id: two equal ones are then one event
  --amqp, --secret     may come as AMQP_URL and PAYBELL_SECRET, so that nobody reads them in the list of processes`;

const MAX_PREFETCH = 10_000;

export interface Options {
  amqp: string;
  queue: string;
  deadLetter: string;
  prefetch: number;
  target: Target;
  map: MessageMap;
  dedupe?: "content";
}

/** What is wrong with the command line or the map, for people to read. */
export class UsageError extends Error {}

/** Reads the command line and the map file. Throws a {@link UsageError}. */
export async function readOptions(args: string[], env: NodeJS.ProcessEnv): Promise<Options> {
  const values = valuesOf(args);
  const need = (name: string, value: string | undefined): string => {
    if (!value) throw new UsageError(`${name} is missing`);
    return value;
  };
  const queue = need("--queue", values.queue);
  const source = need("--source", values.source);
  if (values.dedupe !== undefined && values.dedupe !== "content") throw new UsageError("--dedupe can be content");
  const prefetch = /^\d{1,5}$/.test(values.prefetch) ? Number(values.prefetch) : 0;
  if (prefetch < 1 || prefetch > MAX_PREFETCH) throw new UsageError(`--prefetch is from 1 to ${MAX_PREFETCH}`);
  const deadLetter = values["dead-letter"] ?? `${queue}.dead`;
  if (deadLetter === queue) throw new UsageError("--dead-letter is another queue than --queue");
  return {
    amqp: urlOf("--amqp", need("--amqp or AMQP_URL", values.amqp ?? env["AMQP_URL"]), /^amqps?:$/),
    queue,
    deadLetter,
    prefetch,
    target: {
      url: new URL(`/ingest/${encodeURIComponent(source)}`, urlOf("--url", values.url, /^https?:$/)).href,
      secret: await secretOf(need("PAYBELL_SECRET", values.secret ?? env["PAYBELL_SECRET"])),
    },
    map: mapOf(need("--map", values.map)),
    ...(values.dedupe && { dedupe: values.dedupe }),
  };
}

function valuesOf(args: string[]) {
  const text = { type: "string" } as const;
  try {
    return parseArgs({
      args,
      options: {
        amqp: text,
        queue: text,
        source: text,
        map: text,
        secret: text,
        url: { ...text, default: "http://localhost:8787" },
        "dead-letter": text,
        prefetch: { ...text, default: "100" },
        dedupe: text,
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function urlOf(name: string, text: string, protocols: RegExp): string {
  if (!protocols.test(URL.parse(text)?.protocol ?? ""))
    throw new UsageError(`${name} is no URL of ${protocols.source}`);
  return text;
}

async function secretOf(secret: string): Promise<string> {
  await signWebhook({ id: "msg", timestamp: 0, body: new Uint8Array(), secrets: [secret] }).catch(() => {
    throw new UsageError("The secret is whsec_ and base64, as the source has it");
  });
  return secret;
}

function mapOf(path: string): MessageMap {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new UsageError(`The map ${path} cannot be read: ${(error as Error).message}`);
  }
  const parsed = MessageMap.safeParse(json);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `  /${path.join("/")}: ${message}`);
  throw new UsageError([`The map ${path} is not one:`, ...faults].join("\n"));
}
