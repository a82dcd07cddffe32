import { blindIndex, blindIndexes } from "./blind-index.ts";
import { ProblemError } from "./problem.ts";
import type { EncryptionKeys } from "./secret-box.ts";

/** Which installations a webhook has come through, the last one at the end; as CDN-Loop does it (RFC 8586). */
const HOPS_HEADER = "paybell-hops";
/** An event that has come through so many goes no further. */
const MAX_HOPS = 3;
const NAME_LENGTH = 16;
const HOPS = new RegExp(`^[0-9a-z]{${NAME_LENGTH}}(?:, ?[0-9a-z]{${NAME_LENGTH}}){0,${MAX_HOPS - 1}}$`);
const NAMED = ["installation", "name"] as const;

/** Names of this installation by the key that they come from: they are worked out once an isolate. */
const names = new Map<string, Promise<string>>();

/**
 * Where a request has come through, if a Paybell sends it, for {@link hopsAfter}; undefined: none does.
 *
 * @throws {ProblemError} `loop_detected` where it comes from here, has come far enough, or does not say how far.
 */
export async function hopsOf(keys: EncryptionKeys, headers: Headers): Promise<string | undefined> {
  const hops = headers.get(HOPS_HEADER);
  if (hops === null) {
    if (headers.has("paybell-attempt")) {
      throw loop("It comes from a Paybell, and does not say which.");
    }
    return undefined;
  }
  const through = HOPS.test(hops) ? hops.split(/, ?/) : null;
  if (through === null || through.length >= MAX_HOPS) {
    throw loop(`It has come through ${MAX_HOPS} installations of Paybell, or does not say through which.`);
  }
  const own = (await blindIndexes(keys, ...NAMED)).map(nameIn);
  if (through.some((name) => own.includes(name))) {
    throw loop("It has come from this Paybell.");
  }
  return through.join(", ");
}

/** What a webhook says of where its event has come through: those before, and this installation. */
export async function hopsAfter({ ENCRYPTION_KEY }: EncryptionKeys, before: string | undefined): Promise<string> {
  const name = names.get(ENCRYPTION_KEY) ?? blindIndex(ENCRYPTION_KEY, ...NAMED).then(nameIn);
  names.set(ENCRYPTION_KEY, name);
  return before === undefined ? name : `${before}, ${await name}`;
}

function nameIn(hash: string): string {
  return hash.slice(0, NAME_LENGTH);
}

function loop(detail: string): ProblemError {
  return new ProblemError("loop_detected", { detail });
}
