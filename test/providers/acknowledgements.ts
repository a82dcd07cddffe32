import type { Acknowledgement } from "../../src/providers/provider.ts";

/** An answer byte for byte. */
interface Answer {
  status: number;
  body: string;
  headers: Record<string, string>;
}

const TEXT = { "content-type": "text/plain;charset=UTF-8" };
const TAKEN: Answer = { status: 200, body: "", headers: {} };

/** What most providers hear. */
const PLAIN: Record<Acknowledgement, Answer> = {
  accepted: TAKEN,
  duplicate: TAKEN,
  unparseable: TAKEN,
  "bad-signature": { status: 401, body: "bad signature\n", headers: TEXT },
  unavailable: { status: 503, body: "unavailable\n", headers: { ...TEXT, "retry-after": "30" } },
};

/** Where a provider wants to hear something else. */
const DIFFERENT: Record<string, Partial<Record<Acknowledgement, Answer>>> = {};

/** What a provider has to be told of each outcome. */
export function answersOf(provider: string): Record<Acknowledgement, Answer> {
  return { ...PLAIN, ...DIFFERENT[provider] };
}
