import { createRoute, z } from "@hono/zod-openapi";
import { and, asc, eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";

import { isOwnSenderName, ownSender, underOwnName } from "../channels/email/own-sender.ts";
import { adapterOf, adapters } from "../channels/index.ts";
import { REACHED } from "../event/channels.ts";
import { seal } from "../platform/secret-box.ts";
import { accountRow, forget } from "../store/config.ts";
import { insertWhere } from "../store/capped.ts";
import { fits, growthBy, requireFits } from "../store/configuration-size.ts";
import { channelAccounts, merchants } from "../store/schema.ts";
import type { Api } from "./api-env.ts";
import { changing, namesOf } from "./audit.ts";
import { needsScope } from "./authenticate.ts";
import { invalid, requireNone } from "./field-errors.ts";
import { hostFaults, withPublicUrl } from "./public-url.ts";
import { body, found, Instant, json, problems, toIso } from "./schemas.ts";

type Row = typeof channelAccounts.$inferSelect;
type Owner = Pick<typeof merchants.$inferSelect, "id" | "name" | "emailName">;

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
  summary: "Set the account that a channel reaches users by",
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
  summary: "Remove a channel's account; Paybell then sends nothing on the channel",
  ...needsScope("config:write"),
  request: { params: ChannelParam },
  responses: { 204: { description: "It is gone" }, ...problems(401, 403, 404) },
});

/** `/v1/channels`. */
export function channelRoutes(app: Api): void {
  app.openapi(
    put,
    async (c) => {
      const [merchant, { channel }] = [c.get("merchant"), c.req.valid("param")];
      const { provider, ...asked } = c.req.valid("json") as { provider: string } & Record<string, unknown>;
      const adapter = adapterOf(channel, provider);
      if (adapter === null) {
        throw invalid("/provider", "wrong_channel", `${provider} is no provider of ${channel}.`);
      }
      if (typeof asked["baseUrl"] === "string" && adapter.via === "http") {
        requireNone(
          await hostFaults(c.env, merchant, { path: "/baseUrl", url: asked["baseUrl"], own: adapter.baseUrl }),
        );
      }
      const owner = await ownerOf(c.env, merchant);
      const account = adapter.via === "send_email" ? { ...asked, from: senderFor(c.env, owner, asked["from"]) } : asked;
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
      return c.json(toAccount(found(stored), owner), 200);
    },
    withPublicUrl("baseUrl"),
  );

  app.openapi(list, async (c) => {
    const rows = await drizzle(c.env.DB)
      .select()
      .from(channelAccounts)
      .where(eq(channelAccounts.merchant, c.get("merchant")))
      .orderBy(asc(channelAccounts.channel));
    const owner = await ownerOf(c.env, c.get("merchant"));
    return c.json({ data: rows.map((row) => toAccount(row, owner)), next: null }, 200);
  });

  app.openapi(show, async (c) => {
    const [row] = await drizzle(c.env.DB)
      .select()
      .from(channelAccounts)
      .where(isOf(c.get("merchant"), c.req.valid("param").channel));
    return c.json(toAccount(found(row), await ownerOf(c.env, c.get("merchant"))), 200);
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

async function ownerOf(env: Env, id: string): Promise<Owner> {
  const [row] = await drizzle(env.DB)
    .select({ id: merchants.id, name: merchants.name, emailName: merchants.emailName })
    .from(merchants)
    .where(eq(merchants.id, id));
  return found(row);
}

/** By our own binding a merchant sends from its own name at the operator's domains. Throws the problem `invalid`. */
function senderFor(env: Env, owner: Owner, from: unknown): string {
  const domains = env.EMAIL_DOMAINS.toLowerCase().split(/\s+/).filter(Boolean);
  if (domains.length === 0) {
    throw invalid("/provider", "domain_not_available", "Paybell has no domain to send from: use another provider.");
  }
  const usual = owner.name !== null && isOwnSenderName(owner.name) ? owner.name : undefined;
  const sender = ownSender(typeof from === "string" ? from : usual, owner, domains);
  if ("domain" in sender) {
    throw invalid("/from", "domain_not_available", `Paybell may not send email from ${sender.domain}.`);
  }
  if ("own" in sender) {
    throw invalid("/from", "address_not_yours", `Your address there is ${sender.own}: send that, or your name alone.`);
  }
  return sender.from;
}

function toAccount({ channel, provider, settings, createdAt, updatedAt }: Row, owner: Owner): z.infer<typeof Account> {
  const { from } = settings;
  const isOurs = adapterOf(channel, provider)?.via === "send_email" && typeof from === "string";
  return {
    channel: channel as "email" | "sms",
    provider,
    ...settings,
    ...(isOurs && { from: underOwnName(from, owner) }),
    createdAt: toIso(createdAt),
    updatedAt: toIso(updatedAt),
  };
}
