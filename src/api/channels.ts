import { createRoute, z } from "@hono/zod-openapi";
import { and, asc, eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";

import type { Adapter } from "../channels/adapter.ts";
import { adapterOf, adapters } from "../channels/index.ts";
import { REACHED } from "../event/channels.ts";
import { seal } from "../platform/secret-box.ts";
import { accountRow, forget } from "../store/config.ts";
import { insertWhere } from "../store/capped.ts";
import { fits, growthBy, requireFits } from "../store/configuration-size.ts";
import { channelAccounts } from "../store/schema.ts";
import type { Api } from "./api-env.ts";
import { changing, namesOf } from "./audit.ts";
import { needsScope } from "./authenticate.ts";
import { invalid } from "./field-errors.ts";
import { requireWilling } from "./public-url.ts";
import { body, found, Instant, json, problems, toIso } from "./schemas.ts";

type Row = typeof channelAccounts.$inferSelect;

/** An account as its provider's adapter describes it, named by `provider`. */
const accounts = Object.values(adapters).map((adapter) =>
  adapter.account.safeExtend({ provider: z.literal(adapter.name) }),
);

const NewAccount = z
  .discriminatedUnion("provider", accounts as [(typeof accounts)[number], ...typeof accounts])
  .openapi("NewChannelAccount");

const Account = z
  .looseObject({ channel: z.enum(REACHED), provider: z.string(), createdAt: Instant, updatedAt: Instant })
  .openapi("ChannelAccount", {
    description: "The account, with its provider's own settings except those that are secret.",
  });

const ChannelParam = z.object({ channel: z.enum(REACHED) });

const put = createRoute({
  method: "put",
  path: "/v1/channels/{channel}",
  operationId: "putChannel",
  summary: "Set the account by which users are reached on a channel",
  ...needsScope("config:write"),
  request: {
    params: ChannelParam,
    body: body(NewAccount, { provider: "resend", from: "Shop <news@shop.example>", apiKey: "re_123456789" }),
  },
  responses: { 200: json(Account, "The account"), ...problems(400, 401, 403, 404, 413, 415, 422) },
});

const list = createRoute({
  method: "get",
  path: "/v1/channels",
  operationId: "listChannels",
  summary: "List the channels that have an account",
  ...needsScope("config:write"),
  responses: { 200: json(z.object({ data: z.array(Account), next: z.null() }), "All"), ...problems(401, 403) },
});

const show = createRoute({
  method: "get",
  path: "/v1/channels/{channel}",
  operationId: "getChannel",
  summary: "Show the account of a channel",
  ...needsScope("config:write"),
  request: { params: ChannelParam },
  responses: { 200: json(Account, "The account"), ...problems(401, 403, 404) },
});

const remove = createRoute({
  method: "delete",
  path: "/v1/channels/{channel}",
  operationId: "deleteChannel",
  summary: "Remove a channel's account: Paybell tells nobody anything on it any more",
  ...needsScope("config:write"),
  request: { params: ChannelParam },
  responses: { 204: { description: "It is gone" }, ...problems(401, 403, 404) },
});

/** `/v1/channels`. */
export function channelRoutes(app: Api): void {
  app.openapi(put, async (c) => {
    const [merchant, { channel }] = [c.get("merchant"), c.req.valid("param")];
    const { provider, ...account } = c.req.valid("json") as { provider: string } & Record<string, unknown>;
    const adapter = adapterOf(channel, provider);
    if (adapter === null) {
      throw invalid("/provider", "wrong_channel", `${provider} is no provider of ${channel}.`);
    }
    await checkAddresses(c.env, merchant, adapter, account);
    const isSecret = (name: string) => adapter.secrets.some((secret) => secret === name);
    const secrets = Object.fromEntries(Object.entries(account).filter(([name]) => isSecret(name)));
    const now = Date.now();
    const row: Row = {
      merchant,
      channel,
      provider,
      settings: Object.fromEntries(Object.entries(account).filter(([name]) => !isSecret(name))),
      secrets: await seal(c.env.ENCRYPTION_KEY, accountRow({ merchant, channel }), JSON.stringify(secrets)),
      createdAt: now,
      updatedAt: now,
    };
    const { createdAt: _createdAt, ...set } = row;
    const growth = growthBy(channelAccounts, row, isOf(merchant, channel));
    const storing = insertWhere(c.env.DB, channelAccounts, row, fits(merchant, growth))
      .onConflictDoUpdate({ target: [channelAccounts.merchant, channelAccounts.channel], set })
      .returning();
    const fields = namesOf(c.req.valid("json"));
    const [stored] = await changing(c, { action: "channel.set", target: channel, fields }, storing);
    forget(merchant);
    if (!stored) {
      await requireFits(c.env.DB, merchant, growth);
    }
    return c.json(toAccount(found(stored)), 200);
  });

  app.openapi(list, async (c) => {
    const rows = await drizzle(c.env.DB)
      .select()
      .from(channelAccounts)
      .where(eq(channelAccounts.merchant, c.get("merchant")))
      .orderBy(asc(channelAccounts.channel));
    return c.json({ data: rows.map(toAccount), next: null }, 200);
  });

  app.openapi(show, async (c) => {
    const [row] = await drizzle(c.env.DB)
      .select()
      .from(channelAccounts)
      .where(isOf(c.get("merchant"), c.req.valid("param").channel));
    return c.json(toAccount(found(row)), 200);
  });

  app.openapi(remove, async (c) => {
    const [merchant, { channel }] = [c.get("merchant"), c.req.valid("param")];
    const deleting = drizzle(c.env.DB).delete(channelAccounts).where(isOf(merchant, channel)).returning();
    const [gone] = await changing(c, { action: "channel.deleted", target: channel }, deleting);
    found(gone);
    forget(merchant);
    return c.body(null, 204);
  });
}

function isOf(merchant: string, channel: Row["channel"]) {
  return and(eq(channelAccounts.merchant, merchant), eq(channelAccounts.channel, channel));
}

/** An API elsewhere than at the provider has to want our requests; our own binding sends from the operator's domains alone. */
async function checkAddresses(
  env: Env,
  merchant: string,
  adapter: Adapter,
  { baseUrl, from }: Record<string, unknown>,
): Promise<void> {
  if (typeof baseUrl === "string" && adapter.via === "http") {
    await requireWilling(env, merchant, { path: "/baseUrl", url: baseUrl, own: adapter.baseUrl });
  }
  const domain = /@([^@>]+)>?$/.exec(String(from))?.[1]?.toLowerCase() ?? "";
  if (adapter.via === "send_email" && !env.EMAIL_DOMAINS.toLowerCase().split(/\s+/).includes(domain)) {
    throw invalid("/from", "domain_not_available", `Paybell may not send email from ${domain}.`);
  }
}

function toAccount({ channel, provider, settings, createdAt, updatedAt }: Row): z.infer<typeof Account> {
  return {
    channel: channel as "email" | "sms",
    provider,
    ...settings,
    createdAt: toIso(createdAt),
    updatedAt: toIso(updatedAt),
  };
}
