// What strangers can make us do: posts as large as may be that nobody has signed, in every shape that costs something to
// look at, for each provider.

import type { ProviderSamples } from "../scripts/samples/sample.ts";

const LARGEST_BYTES = 1024 * 1024;
/** Bodies are also cut to these sizes: a provider may refuse the largest unread, and look at a smaller one. */
const SIZES = [LARGEST_BYTES, 512 * 1024, 256 * 1024, 128 * 1024, 64 * 1024];
/** What stands in bodies over and over. */
const FILLINGS = ["x", "a=&", "%41", "[", "{},", '"a":1,', "1234567890123456,", "\\u0041", "\u00e9"];

/** One post that no key of the source's signed. */
export interface Unsigned {
  provider: string;
  what: string;
  secret: string;
  config: Record<string, unknown>;
  headers: Headers;
  body: Uint8Array<ArrayBuffer>;
}

/** Every such post of a provider. `now`: epoch seconds. */
export async function unsignedPosts(provider: ProviderSamples, now: number): Promise<Unsigned[]> {
  const [own, other] = await Promise.all([provider.newKeys(), provider.newKeys()]);
  const event = provider.events[0]!.make("bench", now * 1000);
  const url = "https://paybell.example/ingest/src_1";
  const { body, headers } = await provider.sign(event, { signingKey: other.signingKey, now, url });
  const text = new TextDecoder().decode(body);
  const posts = SIZES.flatMap((size) =>
    FILLINGS.flatMap((filling) =>
      shapesOf(text, filling, size).map((shape) => [`${filling} × ${size}`, shape] as const),
    ),
  );
  return posts.map(([what, shape]) => ({
    provider: provider.provider,
    what,
    secret: own.secret,
    config: provider.config ?? {},
    headers,
    body: new TextEncoder().encode(shape).slice(0, LARGEST_BYTES),
  }));
}

/** A post as its provider words it, with so much of a filling in it: where the reading of it goes through all. */
function shapesOf(text: string, filling: string, size: number): string[] {
  const room = Math.max(0, size - text.length - 64);
  const much = filling.repeat(Math.floor(room / new TextEncoder().encode(filling).length));
  if (!text.startsWith("{")) return [`${text}&more=${much}`, `${much}&${text}`];
  const list = filling.endsWith(",") && !filling.includes(":") ? `[${much}0]` : `"${much.replaceAll('"', "")}"`;
  const value =
    filling === "[" ? "[".repeat(8_000) + "]".repeat(8_000) : filling === '"a":1,' ? `{${much}"a":1}` : list;
  return [`{"more":${value},${text.slice(1)}`];
}
