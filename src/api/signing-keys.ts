import { createRoute, z } from "@hono/zod-openapi";

import { isIdOf } from "../event/ids.ts";
import { fromBase64, toBase64Url } from "../platform/base64.ts";
import { publicOrigin } from "../platform/own-hosts.ts";
import { ProblemError } from "../platform/problem.ts";
import type { StoredSigningKey } from "../store/schema.ts";
import { publicKeys, rotateSigningKey } from "../store/signing-keys.ts";
import type { Api } from "./api-env.ts";
import { noted } from "./audit.ts";
import { isShutOut, needsScope, refused } from "./authenticate.ts";
import { OVERLAP_SECONDS, tooManySecrets } from "./endpoint-secrets.ts";
import { body, Instant, isoOrNull, json, problems, toIso } from "./schemas.ts";

/** So long a receiver, and whatever is between, may keep the published keys. */
const MAX_AGE_SECONDS = 300;

const SigningKey = z
  .object({
    publicKey: z.string().openapi({ description: "`whpk_` and base64 of 32 bytes." }),
    createdAt: Instant,
    expiresAt: Instant.nullable().openapi({
      description: "Until when the key signs beside the newest. `null`: it is the newest.",
    }),
  })
  .openapi("SigningKey");

const SigningKeys = z
  .object({
    url: z.url().openapi({ description: "Where receivers find the public keys." }),
    data: z
      .array(SigningKey)
      .openapi({ description: "The newest comes first. Empty until you or an endpoint first asks for a key." }),
  })
  .openapi("SigningKeys");

/** RFC 7517, with a member of ours: the key as Standard Webhooks writes it. */
const KeySet = z
  .object({
    keys: z.array(
      z.object({
        kty: z.literal("OKP"),
        crv: z.literal("Ed25519"),
        x: z.string(),
        kid: z.string().openapi({ description: "The thumbprint by RFC 7638." }),
        use: z.literal("sig"),
        whpk: z.string().openapi({ description: "The same key as Standard Webhooks writes it." }),
      }),
    ),
  })
  .openapi("KeySet");

const Rotation = z
  .strictObject({
    overlapSeconds: z
      .union([
        z.literal(0),
        z
          .int()
          .min(2 * MAX_AGE_SECONDS)
          .max(604_800),
      ])
      .optional()
      .openapi({
        description: `For how many seconds the old key stays published and signs beside the new one. ${OVERLAP_SECONDS} by default; send 0 if it has leaked.`,
      }),
  })
  .openapi("SigningKeyRotation");

const show = createRoute({
  method: "get",
  path: "/v1/signing-keys",
  operationId: "getSigningKeys",
  summary: "Show your Ed25519 keys, which sign the webhooks of those endpoints that ask for it",
  ...needsScope("config:write"),
  responses: { 200: json(SigningKeys, "The keys"), ...problems(401, 403, 503) },
});

const rotate = createRoute({
  method: "post",
  path: "/v1/signing-keys/rotate",
  operationId: "rotateSigningKey",
  summary: "Make a new Ed25519 key; for a while webhooks are signed with the old one too",
  ...needsScope("config:write"),
  request: { body: { ...body(Rotation, { overlapSeconds: 86_400 }), required: false } },
  responses: { 200: json(SigningKeys, "The keys"), ...problems(400, 401, 403, 413, 415, 422) },
});

const publish = createRoute({
  method: "get",
  path: "/keys/{merchant}",
  operationId: "getPublicKeys",
  summary: "The public keys that verify a merchant's webhooks, as a JSON Web Key Set, for everyone",
  security: [],
  request: { params: z.object({ merchant: z.string().min(1).max(128) }) },
  responses: { 200: json(KeySet, "The keys, the newest first"), ...problems(404, 429, 503) },
});

/** `/v1/signing-keys`, and `/keys/{merchant}`, where receivers find the public ones. */
export function signingKeyRoutes(app: Api): void {
  app.openapi(show, async (c) => {
    const merchant = c.get("merchant");
    return c.json(toSigningKeys(merchant, publicOrigin(c.env, c.req.url), await published(c.env, merchant)), 200);
  });

  app.openapi(rotate, async (c) => {
    const [merchant, now] = [c.get("merchant"), Date.now()];
    const { overlapSeconds = OVERLAP_SECONDS } = c.req.valid("json");
    const keys = await rotateSigningKey(c.env, merchant, { now, until: now + overlapSeconds * 1000 });
    if (keys === null) {
      throw tooManySecrets(await published(c.env, merchant), now);
    }
    await noted(c, { action: "signing_key.rotated", target: null });
    return c.json(toSigningKeys(merchant, publicOrigin(c.env, c.req.url), keys), 200);
  });

  app.openapi(publish, async (c) => {
    const { merchant } = c.req.valid("param");
    const keys = isIdOf("mer", merchant) ? await published(c.env, merchant, isShutOut(c)) : [];
    if (keys.length === 0) {
      throw refused(c, new ProblemError("not_found"));
    }
    c.header("cache-control", `public, max-age=${MAX_AGE_SECONDS}`);
    return c.json({ keys: await Promise.all(keys.map(toJwk)) }, 200);
  });
}

async function published(env: Env, merchant: string, isGathered = false): Promise<StoredSigningKey[]> {
  const keys = await publicKeys(env, merchant, Date.now(), isGathered);
  if (!keys.ok) {
    throw new ProblemError("unavailable");
  }
  return keys.value;
}

function toSigningKeys(merchant: string, origin: string, keys: StoredSigningKey[]): z.infer<typeof SigningKeys> {
  return {
    url: `${origin}/keys/${merchant}`,
    data: keys.map(({ publicKey, createdAt, expiresAt }) => ({
      publicKey,
      createdAt: toIso(createdAt),
      expiresAt: isoOrNull(expiresAt),
    })),
  };
}

async function toJwk({ publicKey }: StoredSigningKey) {
  const x = toBase64Url(fromBase64(publicKey.slice("whpk_".length))!);
  // RFC 7638: the members that make the key, in the order of their names.
  const members = { crv: "Ed25519" as const, kty: "OKP" as const, x };
  const thumbprint = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(JSON.stringify(members)));
  return { ...members, kid: toBase64Url(new Uint8Array(thumbprint)), use: "sig" as const, whpk: publicKey };
}
