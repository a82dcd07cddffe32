import type { Adapter } from "./adapter.ts";
import { cloudflare } from "./email/cloudflare.ts";
import { resend } from "./email/resend.ts";
import { twilio } from "./sms/twilio.ts";

/** Every provider of messages to people, by the name that accounts call it. */
export const adapters = { cloudflare, resend, twilio };

/** The adapter of that name for that channel; null where there is none. */
export function adapterOf(channel: string, name: string): Adapter | null {
  if (!Object.hasOwn(adapters, name)) return null;
  // Of any account: whoever has an adapter by its name has parsed an account with the adapter's own schema.
  const adapter = adapters[name as keyof typeof adapters] as unknown as Adapter;
  return adapter.channel === channel ? adapter : null;
}
