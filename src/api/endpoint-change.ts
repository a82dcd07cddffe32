import { and, eq, sql, type SQL } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import type { Context } from "hono";
import type { z } from "@hono/zod-openapi";

import { forget } from "../store/config.ts";
import { fits, growthBy, requireFits } from "../store/configuration-size.ts";
import { unexpired } from "../store/endpoint-secrets.ts";
import { optimistically } from "../store/optimistic.ts";
import { endpoints } from "../store/schema.ts";
import { ensureSigningKey } from "../store/signing-keys.ts";
import type { ApiEnv } from "./api-env.ts";
import { changing, namesOf } from "./audit.ts";
import { isEndpoint, isFewAt, readEndpoint, requireFewAt, type EndpointRow } from "./endpoint-row.ts";
import type { EndpointChange } from "./endpoint-schema.ts";
import { afterChange, hostToAwait } from "./endpoint-verification.ts";
import { defined, found } from "./schemas.ts";
import { keptHeaders, nextHeaders } from "./secret-headers.ts";

/**
 * Changes of an endpoint what an input names, and returns it as it is then. The URL and the headers, which
 * belong together, are written where they are still those that were read.
 */
export async function changeEndpoint(
  c: Context<ApiEnv>,
  id: string,
  input: z.infer<typeof EndpointChange>,
): Promise<EndpointRow> {
  const { maxHold, headers, secretHeaders, ...changes } = input;
  return optimistically(async () => {
    const before = found(await readEndpoint(c, id));
    if (changes.signatures === "hmac+ed25519") {
      await ensureSigningKey(c.env, before.merchant);
    }
    const url = changes.url ?? before.url;
    const set = {
      ...defined(changes),
      ...(maxHold !== undefined && { maxHoldSeconds: maxHold }),
      ...(await nextHeaders(c.env, before, { headers, secretHeaders }, keptHeaders(before, url))),
    };
    const growth = growthBy(endpoints, set, isEndpoint(c, id));
    const isFew = url === before.url ? undefined : isFewAt(before, url);
    const now = Date.now();
    const updating = drizzle(c.env.DB)
      .update(endpoints)
      .set({
        ...set,
        ...(url !== before.url && { awaitsHost: await hostToAwait(c.env, before.merchant, before, url) }),
        previousSecrets: unexpired(now),
        updatedAt: now,
      })
      .where(and(isEndpoint(c, id), leadsAsRead(before), isFew, fits(before.merchant, growth)))
      .returning();
    const [row] = await changing(c, { action: "endpoint.updated", target: id, fields: namesOf(input) }, updating);
    forget(before.merchant);
    if (row) {
      afterChange(c, before, row);
      return row;
    }
    await requireFits(c.env.DB, before.merchant, growth);
    if (url !== before.url) {
      await requireFewAt(c.env, before, url);
    }
    return null;
  });
}

/** Where an endpoint still leads where it did when it was read, with the same headers, and awaits the same host. */
function leadsAsRead({ url, headers, secretHeaders, awaitsHost }: EndpointRow): SQL | undefined {
  const is = (column: SQLiteColumn, value: unknown) => sql`${column} is ${sql.param(value, column)}`;
  return and(
    eq(endpoints.url, url),
    is(endpoints.headers, headers),
    is(endpoints.secretHeaders, secretHeaders),
    is(endpoints.awaitsHost, awaitsHost),
  );
}
