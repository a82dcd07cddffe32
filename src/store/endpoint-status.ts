import { and, eq, ne } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";

import { auditRow } from "./audit.ts";
import { forget } from "./config.ts";
import { endpoints, type DisabledReason } from "./schema.ts";

/** One endpoint of one merchant. */
export interface EndpointRef {
  merchant: string;
  endpoint: string;
}

/** Says whether an endpoint's gate is to be asked. Writes nothing where that is so already. */
export async function watchEndpoint(env: Env, ref: EndpointRef, watch: boolean): Promise<void> {
  const changed = await drizzle(env.DB)
    .update(endpoints)
    .set({ watch })
    .where(and(isRef(ref), ne(endpoints.watch, watch)))
    .returning({ id: endpoints.id });
  if (changed.length > 0) {
    forget(ref.merchant);
  }
}

/** Disables an endpoint that is not disabled, by itself; true if this call did it. Its deliveries wait. */
export async function disableEndpoint(
  env: Env,
  ref: EndpointRef,
  disabledReason: DisabledReason,
  disabledAt: number,
): Promise<boolean> {
  const { merchant, endpoint } = ref;
  const db = drizzle(env.DB);
  const [changed] = await db.batch([
    db
      .update(endpoints)
      .set({ status: "disabled", disabledReason, disabledAt, watch: true })
      .where(and(isRef(ref), ne(endpoints.status, "disabled")))
      .returning({ id: endpoints.id }),
    auditRow(env.DB, { merchant, actor: "paybell", action: "endpoint.disabled", target: endpoint, fields: [] }),
  ]);
  forget(merchant);
  return changed.length > 0;
}

function isRef({ merchant, endpoint }: EndpointRef) {
  return and(eq(endpoints.merchant, merchant), eq(endpoints.id, endpoint));
}
