import { createRoute, z } from "@hono/zod-openapi";
import { and, eq, inArray } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { Context } from "hono";

import { parsePhone } from "../channels/phone.ts";
import { USER_ID, UserId } from "../event/canonical.ts";
import { CAPS } from "../platform/caps.ts";
import { ProblemError } from "../platform/problem.ts";
import { seal } from "../platform/secret-box.ts";
import { eraseSome } from "../outbox/erasing.ts";
import { forget } from "../store/config.ts";
import { askFor, isOpen, newErasure } from "../store/erasures.ts";
import {
  addressHash,
  addressHashes,
  addressRow,
  forgetUser,
  freshPeople,
  unsuppressing,
  type Person,
} from "../store/people.ts";
import { users } from "../store/schema.ts";
import type { Api, ApiEnv } from "./api-env.ts";
import { audited, changing } from "./audit.ts";
import { needsScope } from "./authenticate.ts";
import { body, found, Instant, json, ListQuery, page, pageBy, pageOf, problems, toIso } from "./schemas.ts";

const Phone = z.string().transform((text, context) => {
  const phone = parsePhone(text);
  if (phone === null) {
    context.addIssue({
      code: "custom",
      message: "A phone number in international form (E.164), such as +447700900123",
    });
    return z.NEVER;
  }
  return phone;
});

/** BCP 47; what there is no text for gets English. */
const Locale = z
  .string()
  .max(35)
  .regex(/^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/, "A language tag (BCP 47), such as en or zh-CN");

const Email = z.email().max(254);

const NewUser = z
  .strictObject({
    email: Email.nullable().optional(),
    phone: Phone.nullable()
      .optional()
      .openapi({ type: "string", description: "In E.164 form, such as +447700900123." }),
    phoneVerified: z.boolean().optional().openapi({
      description:
        "Whether you have made sure that the phone is this person's. Only then does Paybell send texts to it. `false` by default.",
    }),
    locale: Locale.nullable().optional(),
  })
  .openapi("NewUser");

const Suppressed = z.enum(["address_dead", "opted_out"]).nullable();

const User = z
  .object({
    id: z.string(),
    email: z.string().nullable(),
    phone: z.string().nullable(),
    phoneVerified: z.boolean(),
    locale: z.string().nullable(),
    emailSuppressed: Suppressed.openapi({
      description: "Why Paybell sends no email to this address. `null`: it does.",
    }),
    phoneSuppressed: Suppressed.openapi({ description: "Why Paybell sends no text to this number. `null`: it does." }),
    createdAt: Instant,
    updatedAt: Instant,
  })
  .openapi("User");

const Erasing = z
  .object({ id: z.string().openapi({ description: "The id of the erasure, which the audit has as `target`." }) })
  .openapi("Erasing");

const UserParam = z.object({ userId: UserId.openapi({ description: "The user's id, as events name it." }) });

const put = createRoute({
  method: "put",
  path: "/v1/users/{userId}",
  operationId: "putUser",
  summary: "Set how to reach a user; this replaces what was known, and a field that is left out is forgotten",
  ...needsScope("people:write"),
  request: { params: UserParam, body: body(NewUser, { email: "ada@customers.example", locale: "de-CH" }) },
  responses: { 200: json(User, "The user"), ...problems(400, 401, 403, 413, 415, 422) },
});

const list = createRoute({
  method: "get",
  path: "/v1/users",
  operationId: "listUsers",
  summary: "List users, or find those with an address",
  ...needsScope("people:write"),
  request: { query: ListQuery.extend({ email: Email.optional(), phone: z.string().max(32).optional() }) },
  responses: { 200: json(pageOf(User), "A page, by id"), ...problems(401, 403, 422) },
});

const show = createRoute({
  method: "get",
  path: "/v1/users/{userId}",
  operationId: "getUser",
  summary: "Show a user",
  ...needsScope("people:write"),
  request: { params: UserParam },
  responses: { 200: json(User, "The user"), ...problems(401, 403, 404) },
});

const remove = createRoute({
  method: "delete",
  path: "/v1/users/{userId}",
  operationId: "deleteUser",
  summary: "Erase a user, from the log too; Paybell then sends the user nothing, and keeps amounts and ids of payments",
  description:
    "This works for every user, also one that only events have named. Asking again before it is finished starts the same erasure anew, under the same id. Erasing goes on after the answer, and is repeated each day for 15 days to catch what was still on its way. When it is finished, the audit has an entry `user.erased`.",
  ...needsScope("people:write"),
  request: { params: UserParam },
  responses: {
    202: json(Erasing, "The user's addresses are gone, and Paybell is erasing the user from the log"),
    ...problems(401, 403, 429),
  },
});

const lift = createRoute({
  method: "delete",
  path: "/v1/users/{userId}/suppressions/{channel}",
  operationId: "liftSuppression",
  summary: "Let Paybell send again to an address that was dead or had opted out",
  ...needsScope("people:write"),
  request: { params: UserParam.extend({ channel: z.enum(["email", "sms"]) }) },
  responses: { 200: json(User, "The user"), ...problems(401, 403, 404) },
});

/** `/v1/users`. */
export function userRoutes(app: Api): void {
  app.openapi(put, async (c) => {
    const [merchant, { userId: id }] = [c.get("merchant"), c.req.valid("param")];
    const { email = null, phone = null, phoneVerified = false, locale = null } = c.req.valid("json");
    const now = Date.now();
    const row: typeof users.$inferSelect = {
      merchant,
      id,
      ...(await protect(c, id, email, phone)),
      phoneVerified: phone !== null && phoneVerified,
      locale,
      createdAt: now,
      updatedAt: now,
    };
    const { createdAt: _createdAt, ...set } = row;
    await drizzle(c.env.DB)
      .insert(users)
      .values(row)
      .onConflictDoUpdate({ target: [users.merchant, users.id], set });
    forgetUser({ merchant, user: id });
    return c.json(await read(c, id), 200);
  });

  app.openapi(list, async (c) => {
    const { email, phone, ...query } = c.req.valid("query");
    const cut = pageBy(users.id, query, USER_ID);
    const merchant = c.get("merchant");
    const hashes = (channel: "email" | "sms", address: string) => addressHashes(c.env, merchant, channel, address);
    const rows = await drizzle(c.env.DB)
      .select({ id: users.id })
      .from(users)
      .where(
        and(
          eq(users.merchant, merchant),
          email === undefined ? undefined : inArray(users.emailHash, await hashes("email", email)),
          phone === undefined ? undefined : inArray(users.phoneHash, await hashes("sms", parsePhone(phone) ?? phone)),
          cut.after,
        ),
      )
      .orderBy(cut.order)
      .limit(cut.rows);
    const { data: ids, next } = page(rows, query.limit);
    const people = await freshPeople(
      c.env,
      ids.map(({ id: user }) => ({ merchant, user })),
    );
    return c.json({ data: people.map(toUser), next }, 200);
  });

  app.openapi(show, async (c) => c.json(await read(c, c.req.valid("param").userId), 200));

  app.openapi(remove, async (c) => {
    const [merchant, { userId }] = [c.get("merchant"), c.req.valid("param")];
    const erasure = { ...newErasure(merchant, userId, Date.now()), user: userId };
    const { adding, renewing } = askFor(c.env.DB, erasure);
    const db = drizzle(c.env.DB);
    const [added, , [open]] = await db.batch([
      adding,
      audited(c, { action: "user.erasure_started", target: erasure.id }),
      renewing,
      db.delete(users).where(and(eq(users.merchant, merchant), eq(users.id, userId), isOpen(merchant, userId))),
    ]);
    if (open === undefined) {
      throw new ProblemError("too_many_erasures", {
        detail: `${CAPS.erasures} users may be being erased at a time, which takes each 15 days: ask again once some are finished.`,
      });
    }
    forgetUser({ merchant, user: userId });
    // Who asks again gets one bite of it behind the answer; the cron goes on.
    const bites = added.length > 0 ? undefined : 1;
    c.executionCtx.waitUntil(eraseSome(c.env, [{ ...erasure, ...open }], Date.now(), bites));
    return c.json({ id: open.id }, 202);
  });

  app.openapi(lift, async (c) => {
    const [merchant, { userId, channel }] = [c.get("merchant"), c.req.valid("param")];
    const { email, phone } = await read(c, userId);
    const address = found(channel === "email" ? email : phone);
    const hashes = await addressHashes(c.env, merchant, channel, address);
    const lifting = unsuppressing(c.env.DB, merchant, channel, hashes);
    // The audit outlives the person: it does not say who.
    await changing(c, { action: "suppression.lifted", target: channel }, lifting);
    forget(merchant);
    return c.json(await read(c, userId), 200);
  });
}

/** The addresses of a user as they are stored. */
async function protect(c: Context<ApiEnv>, user: string, email: string | null, phone: string | null) {
  const ref = { merchant: c.get("merchant"), user };
  const sealed = async (channel: "email" | "sms", address: string | null) =>
    address === null ? null : seal(c.env.ENCRYPTION_KEY, addressRow(ref, channel), address);
  const hashed = async (channel: "email" | "sms", address: string | null) =>
    address === null ? null : addressHash(c.env, ref.merchant, channel, address);
  return {
    email: await sealed("email", email),
    emailHash: await hashed("email", email),
    phone: await sealed("sms", phone),
    phoneHash: await hashed("sms", phone),
  };
}

async function read(c: Context<ApiEnv>, user: string): Promise<z.infer<typeof User>> {
  const [person] = await freshPeople(c.env, [{ merchant: c.get("merchant"), user }]);
  return toUser(found(person));
}

function toUser({ user, email, phone, locale, createdAt, updatedAt }: Person): z.infer<typeof User> {
  return {
    id: user,
    email: email?.address ?? null,
    phone: phone?.address ?? null,
    phoneVerified: phone?.verified ?? false,
    locale,
    emailSuppressed: email?.suppressed ?? null,
    phoneSuppressed: phone?.suppressed ?? null,
    createdAt: toIso(createdAt),
    updatedAt: toIso(updatedAt),
  };
}
