import { z } from "zod";

/** Of a provider whose events do not say whether they are of its sandbox: the source does, live if it is silent. */
export const ModeConfig = z.strictObject({ livemode: z.boolean().optional() });

/** Whether the events of a source with such a `config` are of real money. */
export function isLive(config: Record<string, unknown> | undefined): boolean {
  return config?.["livemode"] !== false;
}
