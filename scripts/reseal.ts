// `npm run reseal`: seals anew what the previous encryption key has sealed, until nothing is left. docs/runbook.md

import { command, messageOf, UsageError, webUrl } from "./command.ts";

const usage = `ADMIN_TOKEN=… npm run reseal -- --url https://paybell.example.com
  Seals with the new ENCRYPTION_KEY what is still sealed with ENCRYPTION_KEY_PREVIOUS, and says how much is left.
  May be stopped and run again at any time. Ends with 1 where something cannot be sealed anew. docs/runbook.md`;

/** What one call answers. */
interface Resealed {
  resealed: number;
  left: number;
  unaddressed: number;
}

/** So many calls in a row may seal nothing: each may meet a change of that very moment. */
const MAX_IDLE = 3;

await command({ usage, options: { url: { type: "string" } } }, async ({ url }) => {
  const token = process.env["ADMIN_TOKEN"];
  if (!token) throw new UsageError("ADMIN_TOKEN is not set.");
  if (url === undefined) throw new UsageError("Say where Paybell is: --url");
  webUrl("--url", url);
  for (let idle = 0; idle < MAX_IDLE;) {
    const { resealed, left, unaddressed } = await resealSome(url, token);
    console.log(`${resealed} sealed anew, ${left} left`);
    if (left === 0) {
      if (unaddressed > 0) console.log(`${unaddressed} addresses not to be used again are known by the old key alone`);
      return 0;
    }
    idle = resealed === 0 ? idle + 1 : 0;
  }
  throw new Error("What is left does not open: Workers Logs say of which table, under reseal.failed");
});

async function resealSome(url: string, token: string): Promise<Resealed> {
  const request = { method: "POST", headers: { authorization: `Bearer ${token}` } };
  const response = await fetch(new URL("/v1/admin/reseal", url), request).catch((error: Error) => {
    throw new Error(`${url} does not answer: ${messageOf(error.cause ?? error)}`);
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} answers ${response.status}: ${text}`);
  return JSON.parse(text) as Resealed;
}
